//! Calls about permissions that are newer than the seed: kicks a user, verifies IM tickets, makes permits for AV rooms
//! and signs uploads of covers (contract sxb §4.B).

use relive_core::{Dialect, RoomPermit, UserId};
use serde::Serialize;

use crate::{
    call::Input,
    code::Code,
    context::Context,
    envelope::Data,
    identity::{Credentials, LoginReply, NO_TICKET},
};

/// A request without fields.
pub(crate) struct Nothing;

impl TryFrom<Input<'_>> for Nothing {
    type Error = Code;

    fn try_from(_: Input<'_>) -> Result<Self, Code> {
        Ok(Self)
    }
}

/// Reply of `cos/get_sign`.
#[derive(Serialize)]
pub(crate) struct CosSignReply {
    sign: String,
}

/// The text that is sent instead of a signature if no object storage is configured. Android blocks publishing for ever if it
/// gets none; with a worthless one the upload fails, and the host goes on without a cover (contract sxb §0).
const NO_SIGNATURE: &str = "signature-not-configured";

/// Makes a signature for the upload of a cover.
pub(crate) async fn cos_sign(cx: &Context<'_>, _: Nothing) -> Result<Data<CosSignReply>, Code> {
    let sign = cx.core.cloud().cos_v4().unwrap_or_else(|| NO_SIGNATURE.to_owned());
    Ok(Data(CosSignReply { sign }))
}

/// Request of `account/kickout`, made by an administrator.
pub(crate) struct Kickout {
    admin: Credentials,
    victim: UserId,
    hold_sig: bool,
}

impl TryFrom<Input<'_>> for Kickout {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            admin: Credentials::try_from(input)?,
            victim: input.fields.filled("kickid")?.into(),
            hold_sig: input.fields.flag("holdsig")?,
        })
    }
}

/// Reply of `account/kickout`.
#[derive(Serialize)]
pub(crate) struct KickoutReply {
    #[serde(rename = "kickID")]
    kick_id: UserId,
    #[serde(rename = "holdSig")]
    hold_sig: bool,
}

/// Ends the session of the kicked user and revokes its push URLs. The kicked user has to log in again. An IM ticket cannot be
/// revoked: it stays valid until it expires.
pub(crate) async fn kickout(cx: &Context<'_>, request: Kickout) -> Result<Data<KickoutReply>, Code> {
    let admin = request.admin.check(cx).await?;
    if !cx.config.admins.contains(&admin.user_id) {
        return Err(Code::NotAnAdmin);
    }
    let victim = cx.core.accounts().find(&request.victim).await?.filter(|account| account.registered);
    let victim = victim.ok_or(Code::NoSuchUser)?;
    cx.core.sessions().kick(victim.id, Dialect::Sxb).await?;
    Ok(Data(KickoutReply { kick_id: request.victim, hold_sig: request.hold_sig }))
}

/// Request of `account/verify`: a user id and an IM ticket.
pub(crate) struct Verify {
    user_id: UserId,
    user_sig: String,
}

impl TryFrom<Input<'_>> for Verify {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            user_id: input.fields.filled("id")?.into(),
            user_sig: input.fields.filled("sig")?.to_owned(),
        })
    }
}

/// Checks that the ticket belongs to the user. Without an IM key no ticket is valid.
pub(crate) async fn verify(cx: &Context<'_>, request: Verify) -> Result<(), Code> {
    if cx.core.cloud().verify_user_sig(&request.user_sig, &request.user_id) {
        Ok(())
    } else {
        Err(Code::BadUserSig)
    }
}

/// Request of `account/authPrivMap`: a login, and the permit for an AV room that the client wants.
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

/// Reply of `account/authPrivMap`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthPrivMapReply {
    #[serde(flatten)]
    login: LoginReply,
    priv_map: i64,
    priv_map_encrypt: String,
}

/// Opens a session and makes a permit. The password is checked, unlike in the original server.
pub(crate) async fn auth_priv_map(
    cx: &Context<'_>,
    request: AuthPrivMap,
) -> Result<Data<AuthPrivMapReply>, Code> {
    let (account, session) = request.credentials.log_in(cx).await?;
    let permit = cx.core.cloud().room_permit(&account.user_id, request.permit);
    Ok(Data(AuthPrivMapReply {
        login: LoginReply::new(cx, &session),
        priv_map: request.permit.privileges,
        priv_map_encrypt: permit.unwrap_or_else(|| NO_TICKET.to_owned()),
    }))
}
