//! Push and play URLs of the live cloud and of media servers that speak its protection: `txSecret` and `txTime`.
//! Knows no configuration and no stream naming; see [`stream`](super::stream).

use super::{
    Key,
    digest::{eq_hex, md5_hex},
};
use crate::{Seconds, StreamCode, UnixSeconds};

/// Case of the hex digits of `txTime`. The hash covers the text, so both cases are valid; relive writes lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HexCase {
    /// `6553F100`, as Tencent's samples and clients write it.
    Upper,
    /// `6553f100`, as the original servers wrote it.
    Lower,
}

/// The address to which a stream is pushed or from which it is played: `<host>/<app>/<stream>`.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// Host, with a port if need be.
    pub host: &'a str,
    /// First path segment.
    pub app: &'a str,
    /// Stream name, without extension.
    pub stream: &'a StreamCode,
}

/// Key and expiry that sign a URL. Without a protection, or with an empty key, a URL stays unsigned.
#[derive(Clone, Copy)]
pub struct Protection<'a> {
    /// Key of the push or of the play domain.
    pub key: Key<'a>,
    /// Last second at which the URL may be used.
    pub expires: UnixSeconds,
    /// Case of `txTime`.
    pub case: HexCase,
}

/// The three play addresses of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayUrls {
    /// `rtmp://…/<stream>`
    pub rtmp: String,
    /// `http(s)://…/<stream>.flv`
    pub flv: String,
    /// `http(s)://…/<stream>.m3u8`
    pub hls: String,
}

/// Why a push or play is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// `txSecret` or `txTime` is absent or empty.
    #[error("missing")]
    Missing,
    /// `txTime` is not 1 to 16 hex digits, or begins with a zero.
    #[error("bad_time")]
    BadTime,
    /// `txSecret` belongs to another key, stream or time, or no key is configured.
    #[error("bad_secret")]
    BadSecret,
    /// `txTime` is past.
    #[error("expired")]
    Expired,
    /// `txTime` is later than that of any URL that could have been issued by now.
    #[error("too_far")]
    TooFar,
}

/// How far the clock of the machine that issued a URL may be ahead of the clock of the machine that checks it.
const CLOCK_SKEW: Seconds = Seconds(60);

/// `txTime`: the expiry as hex digits without prefix or padding. A time before 1970 counts as 0.
///
/// Source: contract tencent-cloud a.1 (1).
pub fn tx_time(expires: UnixSeconds, case: HexCase) -> String {
    let expires = expires.0.max(0);
    match case {
        HexCase::Upper => format!("{expires:X}"),
        HexCase::Lower => format!("{expires:x}"),
    }
}

/// `txSecret`: `md5(key + stream + tx_time)`, 32 lower-case hex digits. `tx_time` is exactly the text in the URL.
///
/// ```
/// use relive_core::{
///     UnixSeconds,
///     sign::{
///         Key,
///         url::{HexCase, tx_secret, tx_time},
///     },
/// };
/// let time = tx_time(UnixSeconds(1_700_000_000), HexCase::Upper);
/// assert_eq!(time, "6553F100");
/// assert_eq!(tx_secret(Key("demoPushKey0001"), &"8888_anna_lee".into(), &time), "db48538b4bd379a4737c52ee4978738b");
/// ```
///
/// Source: contract tencent-cloud a.1 (2).
pub fn tx_secret(key: Key<'_>, stream: &StreamCode, tx_time: &str) -> String {
    md5_hex(format!("{}{stream}{tx_time}", key.0))
}

/// `rtmp://<host>/<app>/<stream>?<params>&txSecret=…&txTime=…`. Parameters keep their order and are not percent-encoded,
/// because the legacy value `flv|hls` must not be; without parameters and protection there is no `?`.
///
/// ```
/// use relive_core::sign::url::{Address, push_url};
/// let address = Address { host: "push.example.com", app: "live", stream: &"anna".into() };
/// assert_eq!(push_url(address, &[("record", "flv|hls")], None), "rtmp://push.example.com/live/anna?record=flv|hls");
/// ```
///
/// Source: contract tencent-cloud a.3.
pub fn push_url(address: Address<'_>, params: &[(&str, &str)], protection: Option<Protection<'_>>) -> String {
    let extras = params.iter().map(|(name, value)| format!("{name}={value}"));
    let query = extras.chain(tokens(address.stream, protection)).collect::<Vec<_>>();
    with_query(format!("rtmp://{}/{}/{}", address.host, address.app, address.stream), &query)
}

/// The play addresses of a stream. `scheme` (`http` or `https`) is that of the FLV and HLS addresses. `txSecret` covers
/// the stream name without extension.
///
/// ```
/// use relive_core::sign::url::{Address, play_urls};
/// let urls = play_urls("https", Address { host: "play.example.com", app: "live", stream: &"anna".into() }, None);
/// assert_eq!(urls.rtmp, "rtmp://play.example.com/live/anna");
/// assert_eq!(urls.hls, "https://play.example.com/live/anna.m3u8");
/// ```
///
/// Source: contract tencent-cloud a.5.
pub fn play_urls(scheme: &str, address: Address<'_>, protection: Option<Protection<'_>>) -> PlayUrls {
    let query = tokens(address.stream, protection).collect::<Vec<_>>();
    let base = format!("{}/{}/{}", address.host, address.app, address.stream);
    PlayUrls {
        rtmp: with_query(format!("rtmp://{base}"), &query),
        flv: with_query(format!("{scheme}://{base}.flv"), &query),
        hls: with_query(format!("{scheme}://{base}.m3u8"), &query),
    }
}

/// Checks the query of a push or play URL, percent-encoded, with or without its `?`. The first occurrence of a parameter
/// counts. The checks run in the order of [`UrlError`]; at the second of expiry the URL is still valid. With an empty key
/// every secret is refused. Returns the second of expiry. `longest` is the longest time for which a URL is issued.
///
/// The hash covers stream and time without a separator, so the hex digits at the end of a stream name and those of `txTime`
/// can be divided in another way under the same secret. A time that begins with a zero or is further ahead than `longest`
/// is refused for that reason: then no other division fits.
///
/// ```
/// use relive_core::{
///     Seconds, UnixSeconds,
///     sign::{
///         Key,
///         url::{UrlError, verify},
///     },
/// };
/// let (key, longest) = (Key("demoPushKey0001"), Seconds(10_800));
/// let query = "txSecret=db48538b4bd379a4737c52ee4978738b&txTime=6553F100";
/// let anna = "8888_anna_lee".into();
/// assert_eq!(verify(key, &anna, query, UnixSeconds(1_700_000_000), longest), Ok(UnixSeconds(1_700_000_000)));
/// assert_eq!(verify(key, &anna, query, UnixSeconds(1_700_000_001), longest), Err(UrlError::Expired));
/// assert_eq!(verify(key, &anna, query, UnixSeconds(1_600_000_000), longest), Err(UrlError::TooFar));
/// assert_eq!(verify(key, &"8888_bob".into(), query, UnixSeconds(1_700_000_000), longest), Err(UrlError::BadSecret));
/// ```
///
/// Source: contract tencent-cloud §0 and a.2.
pub fn verify(
    key: Key<'_>,
    stream: &StreamCode,
    query: &str,
    now: UnixSeconds,
    longest: Seconds,
) -> Result<UnixSeconds, UrlError> {
    let query = query.strip_prefix('?').unwrap_or(query);
    let secret = query_value(query, "txSecret").ok_or(UrlError::Missing)?;
    let time = query_value(query, "txTime").ok_or(UrlError::Missing)?;
    if time.len() > 16 || time.starts_with('0') || !time.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(UrlError::BadTime);
    }
    let expires = u64::from_str_radix(&time, 16).map_err(|_| UrlError::BadTime)?;
    if key.is_empty() || !eq_hex(&tx_secret(key, stream, &time), &secret) {
        return Err(UrlError::BadSecret);
    }
    let last = i128::from(now.0) + i128::from(longest.0) + i128::from(CLOCK_SKEW.0);
    match i64::try_from(expires) {
        Ok(expires) if expires < now.0 => Err(UrlError::Expired),
        Ok(expires) if i128::from(expires) <= last => Ok(UnixSeconds(expires)),
        _ => Err(UrlError::TooFar),
    }
}

/// The first value of a parameter in a query, decoded; an empty value counts as absent.
pub(super) fn query_value(query: &str, name: &str) -> Option<String> {
    let (_, value) = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name)?;
    (!value.is_empty()).then(|| value.into_owned())
}

/// The query parameters that sign a URL; none without a key.
pub(super) fn tokens(
    stream: &StreamCode,
    protection: Option<Protection<'_>>,
) -> impl Iterator<Item = String> {
    protection.filter(|protection| !protection.key.is_empty()).into_iter().flat_map(move |protection| {
        let time = tx_time(protection.expires, protection.case);
        [format!("txSecret={}", tx_secret(protection.key, stream, &time)), format!("txTime={time}")]
    })
}

fn with_query(url: String, query: &[String]) -> String {
    if query.is_empty() { url } else { format!("{url}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Seconds = Seconds(3_600);

    fn signed(key: Key<'_>, stream: &StreamCode, expires: UnixSeconds, case: HexCase) -> String {
        let address = Address { host: "h", app: "live", stream };
        let url = push_url(address, &[("record", "flv|hls")], Some(Protection { key, expires, case }));
        url.split_once('?').map(|(_, query)| query.to_owned()).expect("has a query")
    }

    #[test]
    fn the_first_occurrence_of_a_parameter_counts() {
        let good = signed(Key("k"), &"s".into(), UnixSeconds(100), HexCase::Lower);
        assert_eq!(
            verify(Key("k"), &"s".into(), &format!("{good}&txSecret=0&txTime=0"), UnixSeconds(100), HOUR),
            Ok(UnixSeconds(100))
        );
        assert_eq!(
            verify(Key("k"), &"s".into(), &format!("txTime=&{good}"), UnixSeconds(100), HOUR),
            Err(UrlError::Missing)
        );
    }

    #[test]
    fn a_time_has_1_to_16_hex_digits() {
        let query = |time: &str| format!("txSecret={}&txTime={time}", tx_secret(Key("k"), &"s".into(), time));
        let longest = query("ffffffffffffffff");
        assert_eq!(verify(Key("k"), &"s".into(), &longest, UnixSeconds::MAX, HOUR), Err(UrlError::TooFar));
        for time in ["1ffffffffffffffff", "-1", "1x10", "g", "0", "064"] {
            assert_eq!(
                verify(Key("k"), &"s".into(), &query(time), UnixSeconds(0), HOUR),
                Err(UrlError::BadTime),
                "{time}"
            );
        }
        assert_eq!(
            verify(Key("k"), &"s".into(), "txSecret=00&txTime=%2B1", UnixSeconds(0), HOUR),
            Err(UrlError::BadTime)
        );
    }

    #[test]
    fn an_empty_key_never_verifies() {
        let query = format!("txSecret={}&txTime=ff", tx_secret(Key(""), &"s".into(), "ff"));
        assert_eq!(verify(Key(""), &"s".into(), &query, UnixSeconds(0), HOUR), Err(UrlError::BadSecret));
    }

    #[test]
    fn a_url_verifies_up_to_a_minute_further_ahead_than_it_was_issued_for() {
        let query = signed(Key("k"), &"s".into(), UnixSeconds(5_000), HexCase::Lower);
        let at = |now| verify(Key("k"), &"s".into(), &query, UnixSeconds(now), HOUR);
        assert_eq!(at(5_000 - 3_660), Ok(UnixSeconds(5_000)));
        assert_eq!(at(5_000 - 3_661), Err(UrlError::TooFar));
    }

    #[test]
    fn digits_moved_between_stream_and_time_are_refused() {
        let key = Key("demoPushKey0001");
        let issued = UnixSeconds(0x6b09_1472 - 3_600);
        let secret = tx_secret(key, &"1000_bob0".into(), "6b091472");
        let check = |stream: &str, time: &str, now| {
            verify(key, &stream.into(), &format!("txSecret={secret}&txTime={time}"), now, HOUR)
        };
        assert!(check("1000_bob0", "6b091472", issued).is_ok());
        assert_eq!(check("1000_bob", "06b091472", issued), Err(UrlError::BadTime));
        assert_eq!(check("1000_bo", "b06b091472", issued), Err(UrlError::TooFar));
        assert_eq!(check("1000_bo", "b06b091472", UnixSeconds(9_999_999_999)), Err(UrlError::TooFar));
    }

    proptest! {
        #[test]
        fn a_signed_query_verifies_and_any_changed_byte_does_not(
            key in "[ -~]{1,40}", stream in "[A-Za-z0-9_-]{1,40}", expires in 1..=i64::MAX, upper: bool,
            at: prop::sample::Index, flip in 1..=255_u8,
        ) {
            let (stream, expires) = (StreamCode::from(stream), UnixSeconds(expires));
            let query = signed(Key(&key), &stream, expires, if upper { HexCase::Upper } else { HexCase::Lower });
            prop_assert_eq!(verify(Key(&key), &stream, &query, expires, HOUR), Ok(expires));
            let secret = query.split("txSecret=").nth(1).and_then(|rest| rest.get(..32)).expect("signed").to_owned();
            let mut bytes = secret.clone().into_bytes();
            let index = at.index(bytes.len());
            bytes[index] ^= flip;
            let forged = String::from_utf8_lossy(&bytes).into_owned();
            prop_assume!(!forged.eq_ignore_ascii_case(&secret) && !forged.contains(['&', '%', '+']));
            let forged = query.replace(&secret, &forged);
            prop_assert!(verify(Key(&key), &stream, &forged, expires, HOUR).is_err());
            let forged = query.replace("txTime=", "txTime=1");
            prop_assert!(verify(Key(&key), &stream, &forged, expires, HOUR).is_err());
            let other = StreamCode::new(format!("{stream}x"));
            prop_assert_eq!(verify(Key(&key), &other, &query, expires, HOUR), Err(UrlError::BadSecret));
        }

        #[test]
        fn no_other_division_of_stream_and_time_verifies(
            stream in "[a-z]{1,4}[0-9a-f]{0,12}", now in 1_600_000_000..1_900_000_000_i64,
        ) {
            let expires = UnixSeconds(now) + HOUR;
            let time = tx_time(expires, HexCase::Lower);
            let secret = tx_secret(Key("k"), &stream.as_str().into(), &time);
            let text = format!("{stream}{time}");
            for at in (1..text.len()).filter(|at| *at != stream.len()) {
                let (name, time) = text.split_at(at);
                let forged = format!("txSecret={secret}&txTime={time}");
                // A shorter time is long past, a longer one is too far ahead or begins with a zero.
                prop_assert!(verify(Key("k"), &name.into(), &forged, UnixSeconds(now), HOUR).is_err());
            }
        }

        #[test]
        fn an_arbitrary_query_is_refused(query in any::<String>(), now: i64) {
            prop_assert!(verify(Key("k"), &"s".into(), &query, UnixSeconds(now), HOUR).is_err());
        }
    }
}
