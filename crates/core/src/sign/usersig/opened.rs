//! The claims of a ticket, and the reasons why a text is no ticket. Does not know which key, user or time is expected.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

use super::form::{LONGEST_BYTES, VERSION, base64_decode, content, inflate, signature};
use crate::{
    Seconds, UnixSeconds,
    sign::{Key, digest},
};

/// Why a text is no ticket, for operators. Clients see only [`TicketError::Malformed`](super::TicketError::Malformed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedTicket {
    /// Not in the alphabet of [`base64_encode`](super::base64_encode), or truncated.
    #[error("not in the cloud's base64, which has letters, digits, '*' and '-', and '_' at the end only")]
    Base64,
    /// Not one zlib stream, or too long.
    #[error("the decoded bytes are not one zlib stream of at most {LONGEST_BYTES} bytes")]
    Zlib,
    /// Not a JSON object, or an object with a duplicate member.
    #[error("the content is not a JSON object in which every member occurs once")]
    Json,
    /// Of another version.
    #[error("not of version 2.0 but, for example, of the older form with a key pair")]
    Version,
    /// A member is missing, or has the wrong type.
    #[error("{0} is missing or of the wrong type")]
    Member(&'static str),
}

/// The claims of a ticket, none of them checked.
#[derive(Deserialize)]
pub struct Opened {
    #[serde(rename = "TLS.ver")]
    version: String,
    /// User the ticket is for.
    #[serde(rename = "TLS.identifier")]
    pub user_id: String,
    /// IM application number.
    #[serde(rename = "TLS.sdkappid")]
    pub sdkappid: i64,
    /// Time of issue.
    #[serde(rename = "TLS.time")]
    pub issued: UnixSeconds,
    /// How long the ticket is valid.
    #[serde(rename = "TLS.expire")]
    pub ttl: Seconds,
    #[serde(rename = "TLS.userbuf")]
    userbuf: Option<String>,
    #[serde(rename = "TLS.sig")]
    signature: String,
}

impl Opened {
    /// Last second of validity.
    pub fn expires(&self) -> UnixSeconds {
        self.issued + self.ttl
    }

    /// Whether the ticket was signed with a key; never true for an empty key.
    pub fn is_signed_with(&self, key: Key<'_>) -> bool {
        let content = content(self.sdkappid, &self.user_id, self.issued, self.ttl, self.userbuf.as_deref());
        !key.is_empty() && digest::eq(&signature(key, &content), &self.signature)
    }
}

/// Opens a ticket without checking its user, its validity or its signature.
///
/// ```
/// use relive_core::{
///     Seconds, UnixSeconds,
///     sign::Key,
///     sign::usersig::{MalformedTicket, Ticket, inspect},
/// };
/// let ticket = Ticket { sdkappid: 14, user_id: "anna", issued: UnixSeconds(1_700_000_000), ttl: Seconds(300), userbuf: None };
/// let opened = inspect(&ticket.seal(Key("demo-im-key-0001")))?;
/// assert_eq!((opened.user_id.as_str(), opened.sdkappid, opened.expires()), ("anna", 14, UnixSeconds(1_700_000_300)));
/// assert!(opened.is_signed_with(Key("demo-im-key-0001")) && !opened.is_signed_with(Key("another")));
/// assert_eq!(inspect("eJw+/=").err(), Some(MalformedTicket::Base64));
/// # Ok::<(), MalformedTicket>(())
/// ```
///
/// Source: contract tencent-cloud b.1 (3–5).
pub fn inspect(usersig: &str) -> Result<Opened, MalformedTicket> {
    let zlib = base64_decode(usersig).ok_or(MalformedTicket::Base64)?;
    let json = inflate(&zlib).ok_or(MalformedTicket::Zlib)?;
    let opened: Opened = serde_json::from_slice(&json).map_err(|_| fault_of(&json))?;
    if opened.version != VERSION {
        return Err(MalformedTicket::Version);
    }
    // A userbuf with line feeds could make one user's signed text equal to that of another user.
    match &opened.userbuf {
        Some(text) if STANDARD.decode(text).is_err() => Err(MalformedTicket::Member("TLS.userbuf")),
        _ => Ok(opened),
    }
}

/// Finds the reason why a JSON text is not an [`Opened`].
fn fault_of(json: &[u8]) -> MalformedTicket {
    type Check = fn(&Value) -> bool;
    const MEMBERS: [(&str, Check); 5] = [
        ("TLS.identifier", Value::is_string),
        ("TLS.sdkappid", Value::is_i64),
        ("TLS.time", Value::is_i64),
        ("TLS.expire", Value::is_i64),
        ("TLS.sig", Value::is_string),
    ];
    let Ok(Value::Object(members)) = serde_json::from_slice(json) else { return MalformedTicket::Json };
    if members.get("TLS.ver").is_none_or(|version| version != VERSION) {
        return MalformedTicket::Version;
    }
    let wrong = MEMBERS.into_iter().find(|(name, right)| !members.get(*name).is_some_and(right));
    wrong.map_or(MalformedTicket::Json, |(name, _)| MalformedTicket::Member(name))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Ticket,
            form::{base64_encode, deflate, unpack},
        },
        *,
    };

    #[test]
    fn the_reason_why_a_text_is_no_ticket_is_named() {
        let inside = |text: &str| inspect(&base64_encode(&deflate(text.as_bytes()))).err();
        let whole = Ticket {
            sdkappid: 14,
            user_id: "anna",
            issued: UnixSeconds(1_000),
            ttl: Seconds(60),
            userbuf: None,
        }
        .seal(Key("key"));
        assert_eq!(inspect(&whole).err(), None);
        let urlsafe = whole.trim_end_matches('_').to_owned() + "!";
        for text in ["", &urlsafe, &whole.replace('*', "+").replace('_', "="), &whole[..whole.len() - 1]] {
            let expected = if text.is_empty() { MalformedTicket::Zlib } else { MalformedTicket::Base64 };
            assert_eq!(inspect(text).err(), Some(expected), "{text}");
        }
        assert_eq!(inspect("AAAA").err(), Some(MalformedTicket::Zlib));
        assert_eq!(inside("[]"), Some(MalformedTicket::Json));
        assert_eq!(inside("{}"), Some(MalformedTicket::Version));
        assert_eq!(inside(r#"{"TLS.version":"201512300000"}"#), Some(MalformedTicket::Version));
        assert_eq!(inside(r#"{"TLS.ver":"2.0"}"#), Some(MalformedTicket::Member("TLS.identifier")));
        let json = String::from_utf8(unpack(&whole).expect("sealed")).expect("text");
        assert_eq!(inside(&json.replace("14", "\"14\"")), Some(MalformedTicket::Member("TLS.sdkappid")));
        assert_eq!(
            inside(&json.replace('{', r#"{"TLS.userbuf":"?","#)),
            Some(MalformedTicket::Member("TLS.userbuf"))
        );
        assert_eq!(inside(&json.replace('{', r#"{"TLS.time":1,"#)), Some(MalformedTicket::Json));
    }
}
