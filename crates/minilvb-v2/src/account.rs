//! Accounts and sessions: `/register`, `/login`, `/refresh`, `/get_user_info`, `/upload_user_info`.

use std::borrow::Cow;

use relive_core::{
    Dialect, Identifier, IssuedSession, NewAccount, Password, ProfileUpdate, RefreshOffer, Seconds, Sex,
    UserId,
};
use relive_wire::Object;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};

use crate::{
    code::Code,
    envelope::Nothing,
    fields::{self, Empty},
    identity::Context,
};

/// Request of `/register` (seed 001 §1, contract minilvb-v2 §4.1).
pub(crate) struct Register<'a> {
    user_id: UserId,
    password: Cow<'a, str>,
}

impl<'a> TryFrom<&'a Object<'_>> for Register<'a> {
    type Error = Code;

    fn try_from(object: &'a Object<'_>) -> Result<Self, Code> {
        let user_id = fields::required_user_id(object).map_err(|_| Code::UserIdFormat)?.into();
        let password = fields::required_text(object, "password", 128).map_err(|_| Code::PasswordFormat)?;
        if !password.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Code::PasswordFormat);
        }
        Ok(Self { user_id, password })
    }
}

/// Registers an account; opens no session.
pub(crate) async fn register(cx: &Context<'_>, request: Register<'_>) -> Result<Nothing, Code> {
    let password = derived(&request.password).unwrap_or_else(|| Password::plain(&*request.password));
    let new = NewAccount::new(request.user_id, password);
    cx.core.accounts().register(new).await?;
    Ok(Nothing {})
}

/// The password in the derived form, `md5hex(md5hex(password) + userid)`, which the apps send; in either case, because some
/// send capitals. `None` for a text of another form.
fn derived(password: &str) -> Option<Password> {
    let has_form = password.len() == 32 && password.bytes().all(|byte| byte.is_ascii_hexdigit());
    has_form.then(|| Password::canonical(password.to_ascii_lowercase()))
}

/// Request of `/login` (seed 001 §2, contract minilvb-v2 §4.2).
pub(crate) struct Login<'a> {
    user_id: UserId,
    /// Not trimmed: passwords chosen in other dialects may begin or end with blanks.
    password: Cow<'a, str>,
}

impl<'a> TryFrom<&'a Object<'_>> for Login<'a> {
    type Error = Code;

    fn try_from(object: &'a Object<'_>) -> Result<Self, Code> {
        let user_id = fields::required_user_id(object)?.into();
        let password =
            fields::untrimmed(object, "password", 256)?.filter(|text| !fields::trim(text).is_empty());
        Ok(Self { user_id, password: password.ok_or(Code::InvalidParameter("password"))? })
    }
}

impl Login<'_> {
    /// The possible meanings of the password: the derived form, as sent by the apps, or the plain text, as in the seed.
    fn forms(&self) -> Vec<Password> {
        let mut forms = Vec::with_capacity(3);
        let (sent, trimmed) = (&*self.password, fields::trim(&self.password));
        forms.extend(derived(sent));
        forms.push(Password::plain(sent));
        if trimmed != sent {
            forms.push(Password::plain(trimmed));
        }
        forms
    }
}

/// The token, the refresh token, and the lifetime of the token in seconds.
#[derive(Serialize)]
pub(crate) struct Tokens {
    #[serde(serialize_with = "expose")]
    token: SecretString,
    #[serde(serialize_with = "expose")]
    refresh_token: SecretString,
    expires: Seconds,
}

impl From<IssuedSession> for Tokens {
    fn from(session: IssuedSession) -> Self {
        Self { token: session.token, refresh_token: session.refresh_token, expires: session.expires_in }
    }
}

fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

/// Reply of `/login`.
#[derive(Serialize)]
pub(crate) struct LoginReply<'a> {
    #[serde(flatten)]
    tokens: Tokens,
    roomservice_sign: RoomserviceSign<'a>,
    cos_info: CosInfo<'a>,
}

#[derive(Serialize)]
struct RoomserviceSign<'a> {
    #[serde(rename = "sdkAppID")]
    sdk_app_id: i64,
    #[serde(rename = "accountType")]
    account_type: &'a str,
    #[serde(rename = "userID")]
    user_id: UserId,
    #[serde(rename = "userSig")]
    user_sig: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CosInfo<'a> {
    bucket: &'a str,
    region: &'a str,
    appid: CosAppid<'a>,
    secret_id: &'a str,
}

/// A string, as in the seed, or a number, as in the original server (contract minilvb-v2 §8, conflict 4). Never an empty
/// string: typed clients parse it as a number. iOS builds stop at any string (contract minilvb-v2 §0).
#[derive(Serialize)]
#[serde(untagged)]
enum CosAppid<'a> {
    Text(&'a str),
    Number(u64),
}

impl<'a> CosInfo<'a> {
    fn new(cx: &Context<'a>) -> Self {
        let config = &cx.core.config().cloud;
        let appid = &config.cos_appid;
        Self {
            bucket: &config.cos_bucket,
            region: &config.cos_region,
            appid: if cx.config.cos_appid_as_number || cx.is_ios() {
                CosAppid::Number(appid.parse().unwrap_or(0))
            } else {
                CosAppid::Text(if appid.is_empty() { "0" } else { appid })
            },
            secret_id: &config.cos_secret_id,
        }
    }
}

/// Opens the session of the user and ends an older one.
pub(crate) async fn login<'c>(cx: &Context<'c>, request: Login<'_>) -> Result<LoginReply<'c>, Code> {
    let forms = request.forms();
    let identifier = Identifier::UserId(request.user_id);
    let (_, session) = cx.core.accounts().login(Dialect::MinilvbV2, identifier, &forms).await?;
    let config = &cx.core.config().cloud;
    let roomservice_sign = RoomserviceSign {
        sdk_app_id: config.im_sdkappid,
        account_type: &config.im_account_type,
        user_sig: cx.core.cloud().user_sig(&session.user_id).unwrap_or_default(),
        user_id: session.user_id.clone(),
    };
    let cos_info = CosInfo::new(cx);
    Ok(LoginReply { tokens: session.into(), roomservice_sign, cos_info })
}

/// Request of `/refresh` (seed 001 §3).
pub(crate) struct Refresh {
    user_id: UserId,
    refresh_token: SecretString,
}

impl TryFrom<&Object<'_>> for Refresh {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        Ok(Self {
            user_id: fields::required_text(object, "userid", usize::MAX)?.into(),
            refresh_token: fields::required_text(object, "refresh_token", usize::MAX)?.into_owned().into(),
        })
    }
}

/// Replaces both tokens; the refresh token is the proof. Android signs this call, too: a signature has to be valid,
/// even though the token may have expired (contract minilvb-v2 §2.5).
pub(crate) async fn refresh(cx: &Context<'_>, request: Refresh) -> Result<Tokens, Code> {
    let offer = RefreshOffer { user_id: request.user_id, token: request.refresh_token, client: cx.client };
    let sessions = cx.core.sessions();
    let session = match cx.check_signature_if_any().await {
        Ok(()) => sessions.refresh(&offer).await?,
        // A client that missed the answer signs with the token that the missed answer has replaced.
        Err(Code::InvalidToken) => sessions.repeat_refresh(&offer).await?,
        Err(code) => return Err(code),
    };
    Ok(session.into())
}

/// Reply of `/get_user_info`; `userid` was added by the original server.
#[derive(Debug, Serialize)]
pub(crate) struct GetUserInfoReply {
    userid: UserId,
    nickname: String,
    avatar: String,
    sex: i8,
    frontcover: String,
}

/// Returns the profile of the caller (seed 001 §4).
pub(crate) async fn get_user_info(cx: &Context<'_>, _: Empty) -> Result<GetUserInfoReply, Code> {
    let caller = cx.caller().await?;
    let account = cx.core.accounts().get(caller.account()).await?.ok_or(Code::NoSuchUser)?;
    let profile = account.profile;
    Ok(GetUserInfoReply {
        userid: account.user_id,
        nickname: profile.nickname,
        avatar: profile.avatar,
        sex: match profile.sex {
            Sex::Unknown => -1,
            Sex::Male => 0,
            Sex::Female => 1,
        },
        frontcover: profile.frontcover,
    })
}

/// Request of `/upload_user_info` (seed 001 §5, contract minilvb-v2 §4.5). A missing text leaves the stored one
/// unchanged.
pub(crate) struct UploadUserInfo(ProfileUpdate);

impl TryFrom<&Object<'_>> for UploadUserInfo {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        let sex = match fields::required_integer(object, "sex")? {
            -1 => Sex::Unknown,
            0 => Sex::Male,
            1 => Sex::Female,
            _ => return Err(Code::InvalidParameter("sex")),
        };
        let text = |name, width| -> Result<Option<String>, Code> {
            Ok(fields::text(object, name, width)?.map(Cow::into_owned))
        };
        Ok(Self(ProfileUpdate {
            nickname: text("nickname", 100)?,
            avatar: text("avatar", 254)?,
            sex: Some(sex),
            frontcover: text("frontcover", 255)?,
            address: None,
        }))
    }
}

/// Changes the profile of the caller, but not the caller's room.
pub(crate) async fn upload_user_info(
    cx: &Context<'_>,
    UploadUserInfo(update): UploadUserInfo,
) -> Result<Nothing, Code> {
    let caller = cx.caller().await?;
    cx.core.accounts().update_profile(caller.account(), update).await?;
    Ok(Nothing {})
}
