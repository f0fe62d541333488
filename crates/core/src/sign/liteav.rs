//! `Liteav-Sig`: signs a request with the token of a minilvb-v2 session, and checks such a signature and its age.

use super::digest::{eq_hex, md5_hex};
use crate::{Seconds, UnixSeconds};

/// Name of the HTTP header that carries the signature, in lower case.
pub const HEADER: &str = "liteav-sig";

/// `md5(token + md5hex(body))`, both as 32 lower-case hex digits; `body` is the exact bytes of the request.
///
/// ```
/// use relive_core::sign::liteav;
/// let body = br#"{"userid":"anna_lee","timestamp":1700000000,"expires":10}"#;
/// assert_eq!(liteav::sign("1804289383", body), "b9c532de6b44673f33a3b465306ccafc");
/// ```
///
/// Source: contract tencent-cloud g.2, minilvb-v2 §2.3.
pub fn sign(token: &str, body: &[u8]) -> String {
    md5_hex(format!("{token}{}", md5_hex(body)))
}

/// Checks in constant time, hex case ignored, that `received` is the signature of the body under the token. No
/// signature is valid under an empty token.
pub fn verify(token: &str, body: &[u8], received: &str) -> bool {
    !token.is_empty() && eq_hex(&sign(token, body), received)
}

/// The times that a signed request states about itself, finite numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedTimes {
    /// When the request was sent: Unix time in seconds; a number of 10^11 or more is in milliseconds.
    pub sent: f64,
    /// Seconds for which the request is valid; `None`: 300.
    pub lifetime: Option<f64>,
}

/// How old a signed request may be.
///
/// ```
/// use relive_core::{
///     Seconds, UnixSeconds,
///     sign::liteav::{Freshness, SignedTimes},
/// };
/// let freshness = Freshness { clock_skew: Seconds(60), longest_lifetime: Seconds(86_400) };
/// let times = SignedTimes { sent: 1_700_000_000.0, lifetime: Some(10.0) };
/// assert_eq!(freshness.check(times, UnixSeconds(1_700_000_070)), Ok(()));
/// assert_eq!(freshness.check(times, UnixSeconds(1_700_000_071)).unwrap_err().ahead, Seconds(-71));
/// ```
///
/// Source: contract minilvb-v2 §2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// Length of time by which a client's clock may be off in either direction.
    pub clock_skew: Seconds,
    /// Upper limit of [`SignedTimes::lifetime`].
    pub longest_lifetime: Seconds,
}

impl Freshness {
    /// Checks that the request was not sent in the future and that its lifetime is not over, both give or take the
    /// skew.
    ///
    /// Errors: [`NotFresh`] with how far the client's clock is off, if the request was sent just now.
    #[expect(clippy::cast_precision_loss, reason = "times and durations are far below 2^53")]
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float to an integer saturates")]
    pub fn check(&self, times: SignedTimes, now: UnixSeconds) -> Result<(), NotFresh> {
        const FIRST_IN_MILLISECONDS: f64 = 1e11;
        const DEFAULT_LIFETIME: f64 = 300.0;
        let SignedTimes { sent, lifetime } = times;
        let sent = if sent >= FIRST_IN_MILLISECONDS { sent / 1000.0 } else { sent };
        let [now, skew, longest] =
            [now.0, self.clock_skew.0, self.longest_lifetime.0].map(|seconds| seconds as f64);
        let lifetime = lifetime.unwrap_or(DEFAULT_LIFETIME).min(longest);
        if now <= sent + lifetime + skew && sent <= now + skew {
            Ok(())
        } else {
            Err(NotFresh { ahead: Seconds((sent - now).round() as i64) })
        }
    }
}

/// A signed request is too old or from the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request was sent {ahead} s after now")]
pub struct NotFresh {
    /// How far the time of the request is ahead of the server's clock; negative if it is behind.
    pub ahead: Seconds,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRESHNESS: Freshness = Freshness { clock_skew: Seconds(30), longest_lifetime: Seconds(600) };
    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    fn accepts(sent: f64, lifetime: Option<f64>) -> bool {
        FRESHNESS.check(SignedTimes { sent, lifetime }, NOW).is_ok()
    }

    #[test]
    fn a_refusal_tells_how_far_the_clock_is_off() {
        for (sent, ahead) in
            [(1.7e9 - 7e6, -7_000_000), (0.0, -NOW.0), (1.7e12 + 99_400.0, 99), (f64::MAX, i64::MAX)]
        {
            let refused = FRESHNESS.check(SignedTimes { sent, lifetime: None }, NOW);
            assert_eq!(refused, Err(NotFresh { ahead: Seconds(ahead) }));
        }
    }

    #[test]
    fn a_request_is_valid_up_to_the_last_second_of_lifetime_and_skew() {
        for (lifetime, age) in
            [(None, 330.0), (Some(10.0), 40.0), (Some(0.0), 30.0), (Some(600.0), 630.0), (Some(1e300), 630.0)]
        {
            assert!(accepts(1.7e9 - age, lifetime), "{lifetime:?}");
            assert!(!accepts(1.7e9 - age - 1.0, lifetime), "{lifetime:?}");
        }
    }

    #[test]
    fn a_request_from_beyond_the_skew_in_the_future_is_refused() {
        assert!(accepts(1.7e9 + 30.0, None));
        assert!(!accepts(1.7e9 + 31.0, None));
        assert!(!accepts(f64::MAX, Some(f64::MAX)));
    }

    #[test]
    fn large_times_are_milliseconds() {
        assert!(accepts(1_700_000_030_000.0, None));
        assert!(accepts(1_699_999_670_000.4, None));
        assert!(!accepts(1_700_000_030_001.0, None));
        assert!(!accepts(1_699_999_669_999.0, None));
        assert!(!accepts(99_999_999_999.0, None), "seconds of the year 5138");
    }

    #[test]
    fn an_empty_token_or_signature_never_verifies() {
        assert!(!verify("", b"{}", &sign("", b"{}")));
        assert!(!verify("t", b"{}", ""));
    }

    proptest! {
        #[test]
        fn a_signature_verifies_and_any_changed_byte_does_not(
            token in "[!-~]{1,50}", body in prop::collection::vec(any::<u8>(), 1..200),
            at: prop::sample::Index, flip in 1..=255_u8,
        ) {
            let signature = sign(&token, &body);
            prop_assert!(verify(&token, &body, &signature));
            prop_assert!(verify(&token, &body, &signature.to_ascii_uppercase()));
            let mut other = body.clone();
            let index = at.index(other.len());
            other[index] ^= flip;
            prop_assert!(!verify(&token, &other, &signature));
            let mut forged = signature.clone().into_bytes();
            let index = at.index(forged.len());
            forged[index] ^= flip;
            let forged = String::from_utf8_lossy(&forged);
            prop_assert_eq!(verify(&token, &body, &forged), forged.eq_ignore_ascii_case(&signature));
        }
    }
}
