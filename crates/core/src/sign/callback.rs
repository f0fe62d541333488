//! Notices of the live cloud: their content ([`Notice`]), and the proof that the cloud sent them.
//! Knows neither the effect of a notice on a room nor the answer of a dialect.

mod notice;

use super::{
    Key,
    digest::{eq_hex, md5_hex},
};
use crate::{Seconds, UnixSeconds};

pub use notice::{MalformedNotice, Notice, Number};

/// `md5(key + t)`, 32 lower-case hex digits; `t_text` is the notice's `t` exactly as it arrived.
///
/// ```
/// use relive_core::sign::{Key, callback};
/// assert_eq!(callback::sign(Key("demoCallbackKey"), "1700000600"), "c236300b8b8d3dd117b0806f2f785cd8");
/// ```
///
/// Source: contract tencent-cloud h.1.
pub fn sign(key: Key<'_>, t_text: &str) -> String {
    md5_hex(format!("{}{t_text}", key.0))
}

/// Why a notice is not proved to come from the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// `t` or `sign` is missing or of another type.
    #[error("missing")]
    Missing,
    /// Signed with another key or for another `t`, or no key is configured.
    #[error("bad_sign")]
    BadSign,
    /// The grace period after `t` is over.
    #[error("expired")]
    Expired,
    /// `t` is more than a day ahead: a notice that could be sent again for years.
    #[error("too_far")]
    TooFar,
}

/// Why a body is refused as a notice of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Not a JSON object.
    #[error(transparent)]
    Malformed(#[from] MalformedNotice),
    /// Not proved to come from the cloud.
    #[error(transparent)]
    Unproven(#[from] NoticeError),
}

/// How far `t` may be ahead. The cloud signs for ten minutes.
const LONGEST: Seconds = Seconds(24 * 3_600);

/// Checks that the cloud sent the notice, in the order of [`NoticeError`]. The hex case of the sign is ignored; at the
/// second `t + grace` the notice is still valid. With an empty key every notice is [`NoticeError::BadSign`].
///
/// Source: contract tencent-cloud h.1.
pub fn authenticate(
    notice: &Notice,
    key: Key<'_>,
    now: UnixSeconds,
    grace: Seconds,
) -> Result<(), NoticeError> {
    let (Some(t), Some(received)) = (&notice.t, &notice.sign) else {
        return Err(NoticeError::Missing);
    };
    if key.is_empty() || !eq_hex(&sign(key, t), received) {
        return Err(NoticeError::BadSign);
    }
    // `t` consists of digits, so a number beyond 64 bits is a time far in the future.
    let t = t.parse().map_or(UnixSeconds::MAX, UnixSeconds);
    if now > t + grace {
        Err(NoticeError::Expired)
    } else if t > now + LONGEST {
        Err(NoticeError::TooFar)
    } else {
        Ok(())
    }
}

/// Reads a body and checks that the cloud sent it.
///
/// ```
/// use relive_core::{
///     Seconds, UnixSeconds,
///     sign::Key,
///     sign::callback::{NoticeError, CallbackError, receive},
/// };
/// let body = br#"{"event_type":1,"stream_id":"8888_anna","t":1700000600,"sign":"c236300b8b8d3dd117b0806f2f785cd8"}"#;
/// let notice = receive(body, Key("demoCallbackKey"), UnixSeconds(1_700_001_200), Seconds(600))?;
/// assert_eq!(notice.event_type, Some(1));
/// assert_eq!(receive(body, Key(""), UnixSeconds(1_700_000_000), Seconds(600)).unwrap_err(), CallbackError::Unproven(NoticeError::BadSign));
/// # Ok::<(), CallbackError>(())
/// ```
///
/// Source: contract tencent-cloud h.1.
pub fn receive(body: &[u8], key: Key<'_>, now: UnixSeconds, grace: Seconds) -> Result<Notice, CallbackError> {
    let notice = Notice::parse(body)?;
    authenticate(&notice, key, now, grace)?;
    Ok(notice)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const KEY: Key<'static> = Key("demoCallbackKey");

    fn parse(body: &str) -> Notice {
        Notice::parse(body.as_bytes()).expect("an object")
    }

    #[test]
    fn t_is_an_integer_or_digits_hashed_as_received() {
        for (json, text) in [
            ("1700000600", Some("1700000600")),
            ("-5", Some("-5")),
            ("\"1700000600\"", Some("1700000600")),
            ("\"007\"", Some("007")),
            ("\"\"", None),
            ("\"-5\"", None),
            ("\" 5\"", None),
            ("\"5.0\"", None),
            ("5.0", None),
            ("null", None),
            ("[5]", None),
        ] {
            assert_eq!(parse(&format!("{{\"t\":{json}}}")).t.as_deref(), text, "{json}");
        }
        let body = format!("{{\"t\":\"007\",\"sign\":\"{}\"}}", sign(KEY, "007"));
        assert_eq!(authenticate(&parse(&body), KEY, UnixSeconds(7), Seconds(0)), Ok(()));
        assert_eq!(authenticate(&parse(&body), KEY, UnixSeconds(8), Seconds(0)), Err(NoticeError::Expired));
    }

    #[test]
    fn a_time_more_than_a_day_ahead_is_refused() {
        let signed = |t: &str| parse(&format!("{{\"t\":\"{t}\",\"sign\":\"{}\"}}", sign(KEY, t)));
        let check = |t: &str| authenticate(&signed(t), KEY, UnixSeconds(1_000), Seconds(600));
        assert_eq!(check("87400"), Ok(()));
        for far in ["87401", "4102444800", "9223372036854775807", &"9".repeat(30)] {
            assert_eq!(check(far), Err(NoticeError::TooFar), "{far}");
        }
    }

    #[test]
    fn missing_comes_before_bad_sign() {
        for body in ["{}", r#"{"t":1}"#, r#"{"sign":"x"}"#, r#"{"t":1,"sign":5}"#, r#"{"t":true,"sign":""}"#]
        {
            assert_eq!(
                authenticate(&parse(body), Key(""), UnixSeconds(0), Seconds(0)),
                Err(NoticeError::Missing),
                "{body}"
            );
        }
        assert_eq!(
            authenticate(&parse(r#"{"t":1,"sign":""}"#), KEY, UnixSeconds(0), Seconds(0)),
            Err(NoticeError::BadSign)
        );
        assert_eq!(
            authenticate(&parse(r#"{"t":1,"sign":"é"}"#), KEY, UnixSeconds(9), Seconds(0)),
            Err(NoticeError::BadSign)
        );
    }

    #[test]
    fn an_empty_key_refuses_even_its_own_sign() {
        let body = format!("{{\"t\":9,\"sign\":\"{}\"}}", sign(Key(""), "9"));
        assert_eq!(
            authenticate(&parse(&body), Key(""), UnixSeconds(0), Seconds(600)),
            Err(NoticeError::BadSign)
        );
    }

    proptest! {
        #[test]
        fn a_signed_notice_is_accepted_and_any_changed_byte_is_refused(
            key in "[ -~]{1,40}", t in 0..=i64::MAX, as_text: bool, at: prop::sample::Index, flip in 1..=255_u8,
        ) {
            let signature = sign(Key(&key), &t.to_string());
            let body = |t: i64, signature: &str| {
                let t = if as_text { Value::from(t.to_string()) } else { t.into() };
                serde_json::json!({ "t": t, "sign": signature }).to_string().into_bytes()
            };
            prop_assert!(receive(&body(t, &signature), Key(&key), UnixSeconds(t), Seconds(0)).is_ok());
            prop_assert!(receive(&body(t, &signature.to_ascii_uppercase()), Key(&key), UnixSeconds(t), Seconds(0)).is_ok());
            prop_assert!(receive(&body(t ^ 1, &signature), Key(&key), UnixSeconds(0), Seconds(0)).is_err());
            let mut forged = signature.clone().into_bytes();
            let index = at.index(forged.len());
            forged[index] ^= flip;
            let forged = String::from_utf8_lossy(&forged);
            prop_assume!(!forged.eq_ignore_ascii_case(&signature));
            let refusal = receive(&body(t, &forged), Key(&key), UnixSeconds(t), Seconds(0)).unwrap_err();
            prop_assert_eq!(refusal, CallbackError::Unproven(NoticeError::BadSign));
        }

        #[test]
        fn an_arbitrary_body_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
            prop_assert!(receive(&bytes, KEY, UnixSeconds(0), Seconds(0)).is_err());
            let body = format!("{{\"t\":{text},\"sign\":\"\"}}");
            prop_assert!(receive(body.as_bytes(), KEY, UnixSeconds(0), Seconds(0)).is_err());
        }
    }
}
