//! Accounts and sessions: `login`, `logout`, `utils/get_login_info`.

use relive_core::{IssuedSession, Seconds, UnixSeconds, UserId};
use relive_wire::Object;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::{
    code::Code,
    envelope::Nothing,
    fields::{self, Empty},
    identity::{Context, token_suffix},
};

/// Longest user id in characters (contract roomservice §4.1).
const LONGEST_USER_ID: usize = 128;
/// Time for which the ticket of a test user is valid.
const TEST_TICKET_TTL: Seconds = Seconds(30 * 86_400);

/// Reply of `login`.
#[derive(Serialize)]
pub(crate) struct LoginReply {
    #[serde(rename = "userID")]
    user_id: UserId,
    token: String,
}

/// Opens the session of the user of a userSig, and ends an older one.
pub(crate) async fn login(cx: &Context<'_>, _: Empty) -> Result<LoginReply, Code> {
    let user_id = cx.parameters.get("userID").ok_or(Code::Login("userID"))?;
    let admissible = user_id.chars().nth(LONGEST_USER_ID).is_none()
        && user_id.trim() == user_id
        && !user_id.chars().any(char::is_control);
    let user_id = UserId::from(user_id);
    let session = match cx.parameters.get("userSig") {
        Some(ticket) => {
            let application = cx.parameters.get("sdkAppID").ok_or(Code::Login("sdkAppID"))?;
            let application = application.parse().map_err(|_| Code::Login("sdkAppID"))?;
            if cx.core.config().cloud.im_secret.expose_secret().is_empty() {
                return Err(Code::Login("tencent.im.secret is not configured"));
            }
            let ticket = SecretString::from(ticket);
            if !admissible {
                return Err(Code::Unauthorized);
            }
            cx.core.accounts().login_by_ticket(&user_id, application, &ticket).await?
        }
        None => by_sign(cx, &user_id).await?,
    };
    let IssuedSession { user_id, token, .. } = session;
    Ok(LoginReply { user_id, token: format!("{}{}", token.expose_secret(), token_suffix(cx.core)) })
}

/// Opens a session by `txTime` and `sign`, which minilvb-v2's `/get_roomservice_sign` hands out.
async fn by_sign(cx: &Context<'_>, user_id: &UserId) -> Result<IssuedSession, Code> {
    let (time, sign) =
        cx.parameters.get("txTime").zip(cx.parameters.get("sign")).ok_or(Code::Login("userSig"))?;
    let expires = UnixSeconds(time.parse().map_err(|_| Code::Unauthorized)?);
    // The sign is over the text of the time, and `+1` is no text that this server signs.
    if expires.to_string() != time {
        return Err(Code::Unauthorized);
    }
    Ok(cx.core.accounts().login_by_sign(user_id, expires, &SecretString::from(sign)).await?)
}

/// Ends the session, and with it every membership of its user that was entered through it.
pub(crate) async fn logout(cx: &Context<'_>, _: Empty) -> Result<Nothing, Code> {
    cx.core.sessions().end(cx.caller()?).await?;
    Ok(Nothing {})
}

/// Request of `utils/get_login_info`.
pub(crate) struct GetLoginInfo(Option<UserId>);

impl TryFrom<&Object<'_>> for GetLoginInfo {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        Ok(Self(fields::text(object, "userID", usize::MAX)?.map(UserId::from)))
    }
}

/// Reply of `utils/get_login_info`.
#[derive(Serialize)]
pub(crate) struct LoginInfo<'a> {
    #[serde(rename = "sdkAppID")]
    application: i64,
    #[serde(rename = "accType")]
    account_type: &'a str,
    #[serde(rename = "userID")]
    user_id: UserId,
    #[serde(rename = "userSig")]
    ticket: String,
}

/// Makes a ticket for a new random user, if the operator allows that. Never one for an account that exists.
pub(crate) async fn get_login_info<'c>(
    cx: &Context<'c>,
    request: GetLoginInfo,
) -> Result<LoginInfo<'c>, Code> {
    if !cx.config.test_users {
        return Err(Code::Unauthorized);
    }
    let wanted = cx.parameters.get("userID").map(UserId::from).or(request.0);
    let user_id = cx.core.accounts().test_user(wanted.as_ref()).await?;
    let ticket = cx.core.cloud().user_sig_for(&user_id, TEST_TICKET_TTL);
    let ticket = ticket.ok_or(Code::Login("tencent.im.secret is not configured"))?;
    let config = &cx.core.config().cloud;
    Ok(LoginInfo { application: config.im_sdkappid, account_type: &config.im_account_type, user_id, ticket })
}

/// Answers the reports that apps send about themselves; nothing is stored.
pub(crate) async fn report(_: &Context<'_>, _: Empty) -> Result<Nothing, Code> {
    Ok(Nothing {})
}
