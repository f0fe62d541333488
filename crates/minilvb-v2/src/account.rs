//! Accounts and sessions: `/register`, `/login`, `/refresh`, `/get_user_info`, `/upload_user_info`.

use std::sync::Arc;

use relive_core::{
    CloudConfig, Dialect, Identifier, IssuedSession, NewAccount, Password, ProfileUpdate, Sex,
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
    user_id: &'a str,
    password: &'a str,
}

impl<'a> TryFrom<&'a Object<'_>> for Register<'a> {
    type Error = Code;

    fn try_from(object: &'a Object<'_>) -> Result<Self, Code> {
        let user_id = fields::required_user_id(object).map_err(|_| Code::UserIdFormat)?;
        let password = fields::required_text(object, "password", 128).map_err(|_| Code::PasswordFormat)?;
        if !password.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Code::PasswordFormat);
        }
        Ok(Self { user_id, password })
    }
}

/// `/register`: opens no session.
pub(crate) async fn register(cx: &Context<'_>, request: Register<'_>) -> Result<Nothing, Code> {
    let password = if is_derived(request.password) {
        Password::canonical(request.password)
    } else {
        Password::plain(request.password)
    };
    let new = NewAccount { client: Some(cx.client), ..NewAccount::new(request.user_id, password) };
    cx.core.accounts().register(new).await?;
    Ok(Nothing {})
}

/// Whether a password is what the apps send, `md5hex(md5hex(password) + userid)`, by the look of it.
fn is_derived(password: &str) -> bool {
    password.len() == 32 && password.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Request of `/login` (seed 001 §2, contract minilvb-v2 §4.2).
pub(crate) struct Login<'a> {
    user_id: &'a str,
    /// Untrimmed: passwords chosen in other dialects may begin or end with blanks.
    password: &'a str,
}

impl<'a> TryFrom<&'a Object<'_>> for Login<'a> {
    type Error = Code;

    fn try_from(object: &'a Object<'_>) -> Result<Self, Code> {
        let user_id = fields::required_user_id(object)?;
        let password =
            fields::untrimmed(object, "password", 256)?.filter(|text| !fields::trim(text).is_empty());
        Ok(Self { user_id, password: password.ok_or(Code::InvalidParameter("password"))? })
    }
}

impl Login<'_> {
    /// What the client may have meant: the derived form, as the apps do, or the plain text, as the seed says.
    fn readings(&self) -> Vec<Password> {
        let mut readings = Vec::with_capacity(3);
        if is_derived(self.password) {
            readings.push(Password::canonical(self.password));
        }
        readings.push(Password::plain(self.password));
        if fields::trim(self.password) != self.password {
            readings.push(Password::plain(fields::trim(self.password)));
        }
        readings
    }
}

/// Token, refresh token and the token's life in seconds.
#[derive(Serialize)]
pub(crate) struct Tokens {
    #[serde(serialize_with = "expose")]
    token: SecretString,
    #[serde(serialize_with = "expose")]
    refresh_token: SecretString,
    expires: i64,
}

impl From<IssuedSession> for Tokens {
    fn from(grant: IssuedSession) -> Self {
        Self { token: grant.token, refresh_token: grant.refresh_token, expires: grant.expires_in }
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
    user_id: Arc<str>,
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

/// A string, as in the seed, or a number, as in the original server (contract minilvb-v2 §8, conflict 4).
#[derive(Serialize)]
#[serde(untagged)]
enum CosAppid<'a> {
    Text(&'a str),
    Number(u64),
}

impl<'a> CosInfo<'a> {
    fn new(config: &'a CloudConfig, appid_as_number: bool) -> Self {
        let appid = &config.cos_appid;
        Self {
            bucket: &config.cos_bucket,
            region: &config.cos_region,
            appid: if appid_as_number {
                CosAppid::Number(appid.parse().unwrap_or(0))
            } else {
                CosAppid::Text(appid)
            },
            secret_id: &config.cos_secret_id,
        }
    }
}

/// `/login`: opens the user's one session; an older one ends.
pub(crate) async fn login<'c>(cx: &Context<'c>, request: Login<'_>) -> Result<LoginReply<'c>, Code> {
    let identifier = Identifier::UserId(request.user_id.to_owned());
    let readings = request.readings();
    let (_, grant) =
        cx.core.accounts().login(Dialect::MinilvbV2, identifier, &readings, Some(cx.client)).await?;
    let config = &cx.core.config().cloud;
    let roomservice_sign = RoomserviceSign {
        sdk_app_id: config.im_sdkappid,
        account_type: &config.im_account_type,
        user_sig: cx.core.cloud().user_sig(&grant.user_id).unwrap_or_default(),
        user_id: Arc::clone(&grant.user_id),
    };
    let cos_info = CosInfo::new(config, cx.config.cos_appid_as_number);
    Ok(LoginReply { tokens: grant.into(), roomservice_sign, cos_info })
}

/// Request of `/refresh` (seed 001 §3).
pub(crate) struct Refresh<'a> {
    user_id: &'a str,
    refresh_token: &'a str,
}

impl<'a> TryFrom<&'a Object<'_>> for Refresh<'a> {
    type Error = Code;

    fn try_from(object: &'a Object<'_>) -> Result<Self, Code> {
        Ok(Self {
            user_id: fields::required_text(object, "userid", usize::MAX)?,
            refresh_token: fields::required_text(object, "refresh_token", usize::MAX)?,
        })
    }
}

/// `/refresh`: the refresh token is the proof. Android signs the call too, and then it has to fit, even with a token
/// whose time is over (contract minilvb-v2 §2.5).
pub(crate) async fn refresh(cx: &Context<'_>, request: Refresh<'_>) -> Result<Tokens, Code> {
    cx.check_signature_if_any().await?;
    Ok(cx.core.sessions().refresh(request.user_id, request.refresh_token).await?.into())
}

/// Reply of `/get_user_info`; `userid` is an addition of the original server's.
#[derive(Debug, Serialize)]
pub(crate) struct GetUserInfoReply {
    userid: Arc<str>,
    nickname: String,
    avatar: String,
    sex: i8,
    frontcover: String,
}

/// `/get_user_info`: the caller's own profile (seed 001 §4).
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

/// Request of `/upload_user_info` (seed 001 §5, contract minilvb-v2 §4.5): absent texts keep what is there.
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
            Ok(fields::text(object, name, width)?.map(str::to_owned))
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

/// `/upload_user_info`: changes the caller's profile, not its room.
pub(crate) async fn upload_user_info(
    cx: &Context<'_>,
    UploadUserInfo(update): UploadUserInfo,
) -> Result<Nothing, Code> {
    let caller = cx.caller().await?;
    cx.core.accounts().update_profile(caller.account(), update).await?;
    Ok(Nothing {})
}
