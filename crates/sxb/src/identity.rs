//! Credentials, and what they are exchanged for at a login (seed 003 §一, §二).

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use relive_core::{Account, Dialect, Error, Identifier, IssuedSession, Password};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::{
    call::Input,
    code::{Code, Fault},
    context::Context,
    fields::Fields,
};

/// Characters of an id at most (contract sxb §4.A 1).
const LONGEST_ID: usize = 50;

/// What takes the place of the IM ticket where no IM key is configured: clients insist on a text.
pub(crate) const NO_TICKET: &str = "usersig-not-configured";

/// An id and a password, in all readings of what was sent.
pub(crate) struct Credentials {
    pub(crate) user_id: String,
    pub(crate) passwords: Vec<Password>,
    pub(crate) client: IpAddr,
}

impl Credentials {
    /// From the members of these names.
    pub(crate) fn read(input: Input<'_>, id: &'static str) -> Result<Self, Code> {
        Ok(Self {
            user_id: user_id(input.fields, id)?.to_owned(),
            passwords: readings(input.fields.filled("pwd")?),
            client: input.client,
        })
    }

    /// Opens a session, which ends the one before.
    pub(crate) async fn log_in(&self, cx: &Context) -> Result<(Account, IssuedSession), Error> {
        let who = Identifier::UserId(self.user_id.clone());
        cx.core.accounts().login(Dialect::Sxb, who, &self.passwords, Some(self.client)).await
    }

    /// Checks the password without opening a session.
    pub(crate) async fn check(&self, cx: &Context) -> Result<Account, Error> {
        let who = Identifier::UserId(self.user_id.clone());
        cx.core.accounts().verify(who, &self.passwords, Some(self.client)).await
    }
}

impl TryFrom<Input<'_>> for Credentials {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Self::read(input, "id")
    }
}

/// No control characters, and none of the white space at the ends that another protocol would trim off.
fn user_id<'a>(fields: Fields<'a>, name: &'static str) -> Result<&'a str, Code> {
    let id = fields.filled(name)?;
    if id.chars().count() > LONGEST_ID {
        return Err(Code::Field(name, Fault::TooLong));
    }
    if id.trim() != id || id.chars().any(char::is_control) {
        return Err(Code::Field(name, Fault::BadText));
    }
    Ok(id)
}

/// The seed wants base64, the shipped clients send the plain text: both are the same password. The more likely reading
/// comes first.
fn readings(pwd: &str) -> Vec<Password> {
    decoded(pwd).into_iter().chain([pwd.to_owned()]).map(Password::plain).collect()
}

fn decoded(pwd: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(pwd).ok()?).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

/// The password behind what the original server has in `t_account.pwd`: base64 of what the client sent, which was
/// base64 itself or the text. `None` if it is not base64 of a text.
///
/// ```
/// assert!(sxb::stored_password("cGFzc3dvcmQx").is_some());
/// assert!(sxb::stored_password("password1").is_none());
/// ```
///
/// Source: seed 003 §一; docs/MIGRATION.md.
pub fn stored_password(stored: &str) -> Option<Password> {
    let sent = decoded(stored)?;
    Some(Password::plain(decoded(&sent).unwrap_or(sent)))
}

/// What a login returns.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoginReply {
    user_sig: String,
    token: String,
}

impl LoginReply {
    pub(crate) fn new(cx: &Context, grant: &IssuedSession) -> Self {
        Self {
            user_sig: cx.core.cloud().user_sig(&grant.user_id).unwrap_or_else(|| NO_TICKET.to_owned()),
            token: grant.token.expose_secret().to_owned(),
        }
    }
}
