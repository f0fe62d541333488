//! What came after the seed and is about being allowed to do something: kicking, IM tickets, permits for AV rooms, a
//! signature for uploading covers (contract sxb §4.B).

use relive_core::{Dialect, RoomPermit};
use serde::Serialize;

use crate::{
    call::Input,
    code::Code,
    context::Context,
    envelope::Data,
    identity::{Credentials, LoginReply, NO_TICKET},
};

/// A call without fields.
pub(crate) struct Nothing;

impl TryFrom<Input<'_>> for Nothing {
    type Error = Code;

    fn try_from(_: Input<'_>) -> Result<Self, Code> {
        Ok(Self)
    }
}

#[derive(Serialize)]
pub(crate) struct CosSignReply {
    sign: String,
}

/// Without storage the call does not exist: clients then go on without a cover.
pub(crate) async fn cos_sign(cx: &Context, _: Nothing) -> Result<Data<CosSignReply>, Code> {
    let sign = cx.core.cloud().cos_v4().ok_or(Code::BadRequest)?;
    Ok(Data(CosSignReply { sign }))
}

/// An administrator throws somebody out.
pub(crate) struct Kickout {
    admin: Credentials,
    victim: String,
    hold_sig: bool,
}

impl TryFrom<Input<'_>> for Kickout {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            admin: Credentials::try_from(input)?,
            victim: input.fields.filled("kickid")?.to_owned(),
            hold_sig: input.fields.flag("holdsig")?,
        })
    }
}

#[derive(Serialize)]
pub(crate) struct KickoutReply {
    #[serde(rename = "kickID")]
    kick_id: String,
    #[serde(rename = "holdSig")]
    hold_sig: bool,
}

/// Ends the session of the victim, who has to log in again. An IM ticket cannot be called back: it ends by its own
/// time.
pub(crate) async fn kickout(cx: &Context, request: Kickout) -> Result<Data<KickoutReply>, Code> {
    let admin = request.admin.check(cx).await?;
    if !cx.config.admins.iter().any(|id| **id == *admin.user_id) {
        return Err(Code::NotAnAdmin);
    }
    let victim = cx.core.accounts().find(&request.victim).await?.filter(|account| account.registered);
    let victim = victim.ok_or(Code::NoSuchUser)?;
    cx.core.sessions().close_all(victim.id, Dialect::Sxb).await?;
    Ok(Data(KickoutReply { kick_id: request.victim, hold_sig: request.hold_sig }))
}

/// An IM ticket, and who it is said to be.
pub(crate) struct Verify {
    user_id: String,
    user_sig: String,
}

impl TryFrom<Input<'_>> for Verify {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            user_id: input.fields.filled("id")?.to_owned(),
            user_sig: input.fields.filled("sig")?.to_owned(),
        })
    }
}

/// Without an IM key no ticket is valid.
pub(crate) async fn verify(cx: &Context, request: Verify) -> Result<(), Code> {
    if cx.core.cloud().verify_user_sig(&request.user_sig, &request.user_id) {
        Ok(())
    } else {
        Err(Code::BadUserSig)
    }
}

/// A login that also asks for a permit for an AV room.
pub(crate) struct AuthPrivMap {
    credentials: Credentials,
    permit: RoomPermit,
}

impl TryFrom<Input<'_>> for AuthPrivMap {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        let credentials = Credentials::read(input, "identifier")?;
        let permit = RoomPermit {
            room: input.fields.room()?,
            privileges: input.fields.optional_integer("privMap")?.unwrap_or(0),
            kind: input.fields.optional_integer("accounttype")?.unwrap_or(0),
        };
        Ok(Self { credentials, permit })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthPrivMapReply {
    #[serde(flatten)]
    login: LoginReply,
    priv_map: i64,
    priv_map_encrypt: String,
}

/// The original let anybody in here; this asks for the password.
pub(crate) async fn auth_priv_map(
    cx: &Context,
    request: AuthPrivMap,
) -> Result<Data<AuthPrivMapReply>, Code> {
    let (account, grant) = request.credentials.log_in(cx).await?;
    let permit = cx.core.cloud().room_permit(&account.user_id, request.permit);
    Ok(Data(AuthPrivMapReply {
        login: LoginReply::new(cx, &grant),
        priv_map: request.permit.privileges,
        priv_map_encrypt: permit.unwrap_or_else(|| NO_TICKET.to_owned()),
    }))
}
