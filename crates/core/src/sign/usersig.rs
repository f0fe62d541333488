//! `UserSig`: the ticket with which a client logs in to the IM cloud, in its current form (TLS signature 2.0, HMAC-SHA256).
//! The older form with a key pair per application is not supported: the cloud and the SDKs accept the current one.

mod form;
mod opened;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

pub(super) use self::form::unpack;
use self::form::{VERSION, content, deflate, signature};
pub use self::{
    form::{base64_decode, base64_encode},
    opened::{MalformedTicket, Opened, inspect},
};
use super::Key;
use crate::{Seconds, UnixSeconds};

/// The user and the validity of a ticket.
#[derive(Debug, Clone, Copy)]
pub struct Ticket<'a> {
    /// IM application number.
    pub sdkappid: i64,
    /// IM user.
    pub user_id: &'a str,
    /// Time of issue.
    pub issued: UnixSeconds,
    /// How long the ticket is valid.
    pub ttl: Seconds,
    /// Bytes that the cloud passes on to the application; none in practice. No bytes (`Some`) differ from `None`.
    pub userbuf: Option<&'a [u8]>,
}

impl Ticket<'_> {
    /// The signed text: the lines `TLS.identifier:<id>`, `TLS.sdkappid:<n>`, `TLS.time:<issued>`, `TLS.expire:<ttl>` and, with
    /// a userbuf, `TLS.userbuf:<base64>`, each ended by a line feed.
    ///
    /// Source: contract tencent-cloud b.1 (1).
    pub fn content(&self) -> String {
        content(self.sdkappid, self.user_id, self.issued, self.ttl, self.userbuf().as_deref())
    }

    /// `base64(hmac_sha256(key, content))`, standard alphabet. The key is used as text although it looks like hex.
    ///
    /// Source: contract tencent-cloud b.1 (2).
    pub fn signature(&self, key: Key<'_>) -> String {
        signature(key, &self.content())
    }

    /// The whole ticket: a JSON object with content and signature, zlib, [`base64_encode`].
    ///
    /// ```
    /// use relive_core::{
    ///     Seconds, UnixSeconds,
    ///     sign::Key,
    ///     sign::usersig::{TicketError, Ticket, verify},
    /// };
    /// let ticket = Ticket {
    ///     sdkappid: 1_400_000_001,
    ///     user_id: "anna_lee",
    ///     issued: UnixSeconds(1_700_000_000),
    ///     ttl: Seconds(300),
    ///     userbuf: None,
    /// };
    /// let key = Key("demo-im-key-0001");
    /// let usersig = ticket.seal(key);
    /// let check = |now| verify(&usersig, 1_400_000_001, "anna_lee", key, now);
    /// assert_eq!(check(UnixSeconds(1_700_000_300)), Ok(()));
    /// assert_eq!(check(UnixSeconds(1_700_000_301)), Err(TicketError::Expired));
    /// ```
    ///
    /// Source: contract tencent-cloud b.1 (3–5), minilvb-v2 §5.1.
    pub fn seal(&self, key: Key<'_>) -> String {
        let mut object = json!({
            "TLS.ver": VERSION,
            "TLS.identifier": self.user_id,
            "TLS.sdkappid": self.sdkappid,
            "TLS.expire": self.ttl,
            "TLS.time": self.issued,
            "TLS.sig": self.signature(key),
        });
        if let (Some(members), Some(userbuf)) = (object.as_object_mut(), self.userbuf()) {
            members.insert("TLS.userbuf".to_owned(), userbuf.into());
        }
        base64_encode(&deflate(object.to_string().as_bytes()))
    }

    fn userbuf(&self) -> Option<String> {
        self.userbuf.map(|bytes| STANDARD.encode(bytes))
    }
}

/// Why a ticket is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Not base64 of zlib of the JSON object, or too long.
    #[error("malformed")]
    Malformed,
    /// For another user.
    #[error("identifier")]
    Identifier,
    /// For another application.
    #[error("sdkappid")]
    Sdkappid,
    /// Signed with another key, or no key is configured.
    #[error("signature")]
    Signature,
    /// The validity is over.
    #[error("expired")]
    Expired,
}

/// Checks a ticket, in the order of [`TicketError`]; at the second `issued + ttl` the ticket is still valid. An empty key refuses
/// every signature.
///
/// Source: contract tencent-cloud b.1 (verification).
pub fn verify(
    usersig: &str,
    sdkappid: i64,
    user_id: &str,
    key: Key<'_>,
    now: UnixSeconds,
) -> Result<(), TicketError> {
    let opened = inspect(usersig).map_err(|_| TicketError::Malformed)?;
    if opened.user_id != user_id {
        return Err(TicketError::Identifier);
    }
    if opened.sdkappid != sdkappid {
        return Err(TicketError::Sdkappid);
    }
    if !opened.is_signed_with(key) {
        return Err(TicketError::Signature);
    }
    if now > opened.expires() { Err(TicketError::Expired) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const KEY: Key<'static> = Key("demo-im-key-0001");
    const ANNA: Ticket<'static> =
        Ticket { sdkappid: 14, user_id: "anna", issued: UnixSeconds(1_000), ttl: Seconds(60), userbuf: None };

    fn repack(json: &Value) -> String {
        base64_encode(&deflate(json.to_string().as_bytes()))
    }

    fn anna_with(member: &str, value: Value) -> Result<(), TicketError> {
        let json = unpack(&ANNA.seal(KEY)).expect("sealed");
        let mut json: Value = serde_json::from_slice(&json).expect("JSON");
        json[member] = value;
        verify(&repack(&json), 14, "anna", KEY, UnixSeconds(1_000))
    }

    #[test]
    fn a_change_of_any_known_member_is_refused() {
        assert_eq!(anna_with("TLS.time", 1_001.into()), Err(TicketError::Signature));
        assert_eq!(anna_with("TLS.expire", 61.into()), Err(TicketError::Signature));
        assert_eq!(anna_with("TLS.userbuf", "".into()), Err(TicketError::Signature));
        assert_eq!(anna_with("TLS.sig", "".into()), Err(TicketError::Signature));
        assert_eq!(anna_with("TLS.sdkappid", 15.into()), Err(TicketError::Sdkappid));
        assert_eq!(anna_with("TLS.identifier", "bob".into()), Err(TicketError::Identifier));
        assert_eq!(anna_with("TLS.ver", "1.0".into()), Err(TicketError::Malformed));
        assert_eq!(anna_with("TLS.time", "1000".into()), Err(TicketError::Malformed));
        assert_eq!(anna_with("more", 1.into()), Ok(()));
    }

    #[test]
    fn a_userbuf_with_line_feeds_cannot_imitate_another_user() {
        let tail = "TLS.sdkappid:14\nTLS.time:1000\nTLS.expire:60";
        let long = format!("anna\n{tail}\nTLS.userbuf:x");
        let json = json!({
            "TLS.ver": "2.0", "TLS.identifier": "anna", "TLS.sdkappid": 14, "TLS.time": 1000, "TLS.expire": 60,
            "TLS.userbuf": format!("x\n{tail}"), "TLS.sig": Ticket { user_id: &long, ..ANNA }.signature(KEY),
        });
        assert_eq!(verify(&repack(&json), 14, "anna", KEY, UnixSeconds(1_000)), Err(TicketError::Malformed));
    }

    #[test]
    fn too_long_extended_and_truncated_streams_are_malformed() {
        let zlib = base64_decode(&ANNA.seal(KEY)).expect("base64");
        let unpacks = |bytes: &[u8]| unpack(&base64_encode(bytes)).is_some();
        assert!(unpacks(&zlib));
        assert!(!unpacks(&[zlib.as_slice(), b"x"].concat()));
        assert!(!unpacks(&zlib[..zlib.len() - 1]));
        assert!(unpacks(&deflate(&[b' '; 4096])));
        assert!(!unpacks(&deflate(&[b' '; 4097])));
        assert!(!unpacks(&deflate(&vec![0; 10_000_000])));
    }

    #[test]
    fn an_empty_key_never_verifies() {
        assert_eq!(
            verify(&ANNA.seal(Key("")), 14, "anna", Key(""), UnixSeconds(1_000)),
            Err(TicketError::Signature)
        );
    }

    proptest! {
        #[test]
        fn a_sealed_ticket_verifies_and_any_changed_byte_does_not(
            user_id in any::<String>(), key in "[ -~]{1,80}", sdkappid in 0..=i64::MAX, issued in 0..4_000_000_000_i64,
            ttl in 0..100_000_000_i64, userbuf in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
            at: prop::sample::Index, flip in 1..=255_u8,
        ) {
            let (issued, ttl) = (UnixSeconds(issued), Seconds(ttl));
            let ticket = Ticket { sdkappid, user_id: &user_id, issued, ttl, userbuf: userbuf.as_deref() };
            let usersig = ticket.seal(Key(&key));
            let check = |usersig: &str| verify(usersig, sdkappid, &user_id, Key(&key), issued);
            prop_assert_eq!(check(&usersig), Ok(()));

            let json = unpack(&usersig).expect("sealed");
            let mut forged = json.clone();
            let index = at.index(forged.len());
            forged[index] ^= flip;
            // Another spelling of the same JSON is no forgery: upper-case digits of an escape, white space.
            let same = serde_json::from_slice::<Value>(&forged).ok() == serde_json::from_slice(&json).ok();
            prop_assert_eq!(check(&base64_encode(&deflate(&forged))).is_ok(), same);

            let mut forged = usersig.clone().into_bytes();
            let index = at.index(forged.len());
            forged[index] ^= flip;
            // Another zlib stream of the same text is no forgery: padding of the last byte, the level in the header.
            if let Ok(forged) = String::from_utf8(forged) && check(&forged).is_ok() {
                prop_assert_eq!(unpack(&forged), Some(json));
            }
        }

        #[test]
        fn base64_round_trips(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = base64_encode(&bytes);
            prop_assert!(!text.contains(['+', '/', '=']));
            prop_assert_eq!(base64_decode(&text), Some(bytes));
        }

        #[test]
        fn arbitrary_texts_and_bytes_are_refused(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Some(decoded) = base64_decode(&text) {
                prop_assert_eq!(base64_encode(&decoded), text.as_str());
            }
            prop_assert!(verify(&text, 14, "anna", KEY, UnixSeconds(0)).is_err());
            prop_assert!(verify(&base64_encode(&bytes), 14, "anna", KEY, UnixSeconds(0)).is_err());
            prop_assert!(verify(&base64_encode(&deflate(&bytes)), 14, "anna", KEY, UnixSeconds(0)).is_err());
        }
    }
}
