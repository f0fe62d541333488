//! Credentials of users, and the reply to a login (seed 003 §一, §二).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use relive_core::{Account, Dialect, Error, Identifier, IssuedSession, Password, UserId};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::{
    call::Input,
    code::{Code, Fault},
    context::Context,
    fields::Fields,
};

/// Longest user id in characters (contract sxb §4.A 1).
const MAX_ID_CHARS: usize = 50;

/// The text that is sent instead of an IM ticket if no IM key is configured: clients require a text.
pub(crate) const NO_TICKET: &str = "usersig-not-configured";

/// A user id, and the password in all forms that the client may have meant.
pub(crate) struct Credentials {
    pub(crate) user_id: UserId,
    pub(crate) passwords: Vec<Password>,
}

impl Credentials {
    /// Reads the user id from the member `id`, and the password from `pwd`.
    pub(crate) fn read(input: Input<'_>, id: &'static str) -> Result<Self, Code> {
        Ok(Self {
            user_id: user_id(input.fields, id)?,
            passwords: sent_passwords(input.fields.filled("pwd")?),
        })
    }

    /// Opens a session and ends the previous one.
    pub(crate) async fn log_in(&self, cx: &Context<'_>) -> Result<(Account, IssuedSession), Error> {
        let identifier = Identifier::UserId(self.user_id.clone());
        cx.core.accounts().login(Dialect::Sxb, identifier, &self.passwords).await
    }

    /// Checks the password without opening a session.
    pub(crate) async fn check(&self, cx: &Context<'_>) -> Result<Account, Error> {
        let identifier = Identifier::UserId(self.user_id.clone());
        cx.core.accounts().verify(identifier, &self.passwords).await
    }
}

impl TryFrom<Input<'_>> for Credentials {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Self::read(input, "id")
    }
}

fn is_too_long(id: &str) -> bool {
    id.chars().count() > MAX_ID_CHARS
}

/// Whether this dialect admits a user id: 1 to 50 characters, no control characters, no white space at the ends (contract
/// sxb §4.A 1).
///
/// ```
/// assert!(sxb::admits_user_id("小直播 1"));
/// assert!(!["", " a", "a\n", &"a".repeat(51)].into_iter().any(sxb::admits_user_id));
/// ```
pub fn admits_user_id(id: &str) -> bool {
    !id.is_empty() && !is_too_long(id) && has_plain_text(id)
}

/// Whether an id has no control characters, and no white space at the ends, which another dialect would trim.
fn has_plain_text(id: &str) -> bool {
    id.trim() == id && !id.chars().any(char::is_control)
}

/// Reads a user id.
fn user_id(fields: Fields<'_>, name: &'static str) -> Result<UserId, Code> {
    let id = fields.filled(name)?;
    if is_too_long(id) {
        return Err(Code::Field(name, Fault::TooLong));
    }
    if !has_plain_text(id) {
        return Err(Code::Field(name, Fault::BadText));
    }
    Ok(id.into())
}

/// The passwords that a client may mean by a text: base64 of the password, as in the seed, or the password, as shipped
/// clients send it. The more likely one comes first.
pub fn sent_passwords(pwd: &str) -> Vec<Password> {
    decoded(pwd).into_iter().chain([pwd.to_owned()]).map(Password::plain).collect()
}

/// Decodes base64, in which Android's default encoder puts line feeds (contract sxb §0).
fn decoded(pwd: &str) -> Option<String> {
    let digits: String = pwd.trim().chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
    let text = utf8_of_base64(&digits)?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

/// Decodes a password as the original server stored it in `t_account.pwd`: base64 of the client's text, which was
/// base64 or plain text itself. `None` if the stored value is not base64 of a text.
///
/// The original server removed all white space from the decoded text before it compared the text with the client's. It had
/// to: its first versions stored a line feed behind every password (`echo … | base64`), and Android's default encoder puts
/// one at the end of its base64.
///
/// ```
/// // "password1", with the line feed of `echo`, and in the base64 of an Android client.
/// for stored in ["cGFzc3dvcmQx", "cGFzc3dvcmQxCg==", "Y0dGemMzZHZjbVF4Cg=="] {
///     let password = sxb::stored_password(stored).unwrap();
///     assert!(password.is_same(&relive_core::Password::plain("password1"), &"anna".into()));
/// }
/// assert!(sxb::stored_password("password1").is_none());
/// ```
///
/// Source: seed 003 §一; zhaoyang21cn/SuiXinBoPHPServer, `model/Account.php`; docs/MIGRATION.md.
pub fn stored_password(stored: &str) -> Option<Password> {
    let sent = without_white_space(&utf8_of_base64(&without_white_space(stored))?);
    let usable = !sent.is_empty() && !sent.chars().any(char::is_control);
    usable.then(|| Password::plain(decoded(&sent).unwrap_or(sent)))
}

/// Removes what `\s` matches in a regular expression of PHP.
fn without_white_space(text: &str) -> String {
    text.chars().filter(|character| !matches!(character, ' ' | '\t'..='\r')).collect()
}

fn utf8_of_base64(digits: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(digits).ok()?).ok()
}

/// The members of a reply to a login.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoginReply {
    user_sig: String,
    token: String,
}

impl LoginReply {
    pub(crate) fn new(cx: &Context<'_>, session: &IssuedSession) -> Self {
        Self {
            user_sig: cx.core.cloud().user_sig(&session.user_id).unwrap_or_else(|| NO_TICKET.to_owned()),
            token: session.token.expose_secret().to_owned(),
        }
    }
}
