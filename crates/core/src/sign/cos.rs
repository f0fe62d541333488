//! Signatures of the object storage into which phones upload covers and avatars: version 4 (one text that allows an
//! upload) and version 5 (a short-lived key with which the phone signs its own requests).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Key,
    digest::{hmac_sha1_envelope, hmac_sha1_hex, sha1_hex},
};
use crate::{Seconds, UnixSeconds};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const RESERVED_BUT_SLASH: &AsciiSet = &RESERVED.remove(b'/');

/// The calls that a version 4 signature allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Any number of calls on any object of the bucket until a time. relive issues this scope.
    Reusable {
        /// Last second of validity.
        until: UnixSeconds,
    },
    /// One call on one object.
    Once {
        /// `/<appid>/<bucket>/<path>`, not encoded.
        file: &'a str,
    },
    /// Any number of calls on one object until a time.
    Bound {
        /// `/<appid>/<bucket>/<path>`, not encoded.
        file: &'a str,
        /// Last second of validity.
        until: UnixSeconds,
    },
}

/// Order of the fields in a version 4 text. The cloud accepts every order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldOrder {
    /// `a b k e t r f`, the file percent-encoded. relive issues this order.
    Abketrf,
    /// `a k e t r f b`, the file not encoded: as the older SDK in the original sxb server does.
    Aketrfb,
}

/// The content of a version 4 signature.
#[derive(Debug, Clone, Copy)]
pub struct V4<'a> {
    /// Application number.
    pub appid: &'a str,
    /// Bucket, without the application number.
    pub bucket: &'a str,
    /// Id of the cloud key.
    pub secret_id: &'a str,
    /// Allowed calls.
    pub scope: Scope<'a>,
    /// Current time.
    pub now: UnixSeconds,
    /// Random number, new for each signature.
    pub random: u32,
    /// Order of the fields.
    pub order: FieldOrder,
}

impl V4<'_> {
    /// The signed text, for [`FieldOrder::Abketrf`]
    /// `a=<appid>&b=<bucket>&k=<secret id>&e=<until, 0 = once>&t=<now>&r=<random>&f=<file or nothing>`.
    ///
    /// Source: contract tencent-cloud c (1), minilvb-v1 §6.2.
    pub fn plain(&self) -> String {
        let Self { appid, bucket, secret_id, now, random, .. } = self;
        let (file, until) = match self.scope {
            Scope::Reusable { until } => ("", until),
            Scope::Once { file } => (file, UnixSeconds(0)),
            Scope::Bound { file, until } => (file, until),
        };
        match self.order {
            FieldOrder::Abketrf => {
                let file = utf8_percent_encode(file, RESERVED_BUT_SLASH);
                format!("a={appid}&b={bucket}&k={secret_id}&e={until}&t={now}&r={random}&f={file}")
            }
            FieldOrder::Aketrfb => {
                format!("a={appid}&k={secret_id}&e={until}&t={now}&r={random}&f={file}&b={bucket}")
            }
        }
    }

    /// `base64(hmac_sha1(secret_key, plain) + plain)`: 20 raw bytes, then the text; standard alphabet with padding, not
    /// URL-encoded.
    ///
    /// ```
    /// use relive_core::{
    ///     UnixSeconds,
    ///     sign::Key,
    ///     sign::cos::{FieldOrder, Scope, V4},
    /// };
    /// let upload = V4 {
    ///     appid: "1250000001",
    ///     bucket: "covers",
    ///     secret_id: "AKIDdemo0001",
    ///     scope: Scope::Reusable { until: UnixSeconds(1_700_000_030) },
    ///     now: UnixSeconds(1_700_000_000),
    ///     random: 123_456_789,
    ///     order: FieldOrder::Abketrf,
    /// };
    /// assert_eq!(upload.plain(), "a=1250000001&b=covers&k=AKIDdemo0001&e=1700000030&t=1700000000&r=123456789&f=");
    /// assert!(upload.sign(Key("demoCosSecret0001")).starts_with("CmHQetxejb0QRfNgp/7ajcZabLRhPTEy"));
    /// ```
    ///
    /// Source: contract tencent-cloud c (2), minilvb-v1 §6.2.
    pub fn sign(&self, secret_key: Key<'_>) -> String {
        hmac_sha1_envelope(secret_key, &self.plain())
    }
}

/// `keyTime`: the seconds between which a version 5 key is valid, `<start>;<end>` with a semicolon (seed 001 prints a colon
/// by mistake; the cloud's rules and all clients have a semicolon).
///
/// Source: contract tencent-cloud d.1 (1).
pub fn key_time(start: UnixSeconds, ttl: Seconds) -> String {
    format!("{start};{}", start + ttl)
}

/// `signKey`: `hmac_sha1(secret_key, key_time)`, 40 lower-case hex digits. A client that has it can sign any request until
/// the key time ends.
///
/// ```
/// use relive_core::{
///     Seconds, UnixSeconds,
///     sign::Key,
///     sign::cos::{key_time, sign_key},
/// };
/// let key_time = key_time(UnixSeconds(1_700_000_000), Seconds(30));
/// assert_eq!(key_time, "1700000000;1700000030");
/// assert_eq!(sign_key(Key("demoCosSecret0001"), &key_time), "af4f2b0ce73b00e65565dafe5ccb9bd33264cd3b");
/// ```
///
/// Source: contract tencent-cloud d.1 (2), minilvb-v2 §5.4.
pub fn sign_key(secret_key: Key<'_>, key_time: &str) -> String {
    hmac_sha1_hex(secret_key, key_time)
}

/// The signed parts of a version 5 request.
#[derive(Debug, Clone, Copy)]
pub struct V5<'a> {
    /// Method, any case.
    pub method: &'a str,
    /// Path, decoded, with its leading `/`.
    pub path: &'a str,
    /// Query parameters, decoded; a parameter without a value has the empty value.
    pub params: &'a [(&'a str, &'a str)],
    /// Headers to be signed.
    pub headers: &'a [(&'a str, &'a str)],
}

impl V5<'_> {
    /// `lower(method) \n path \n params \n headers \n`, where params and headers are `lower(enc(name))=enc(value)` sorted by
    /// name and joined by `&`, and `enc` percent-encodes everything but `A-Z a-z 0-9 - _ . ~`.
    ///
    /// Source: contract tencent-cloud d.2 (1–2).
    pub fn http_string(&self) -> String {
        let (_, params) = canonical(self.params);
        let (_, headers) = canonical(self.headers);
        format!("{}\n{}\n{params}\n{headers}\n", self.method.to_ascii_lowercase(), self.path)
    }

    /// `sha1 \n key_time \n sha1hex(http_string) \n`.
    ///
    /// Source: contract tencent-cloud d.2 (3).
    pub fn string_to_sign(&self, key_time: &str) -> String {
        format!("sha1\n{key_time}\n{}\n", sha1_hex(self.http_string()))
    }

    /// The value of the `Authorization` header:
    /// `q-sign-algorithm=sha1&q-ak=…&q-sign-time=…&q-key-time=…&q-header-list=…&q-url-param-list=…&q-signature=…`,
    /// where the signature is `hmac_sha1(sign key as its 40 hex digits, string_to_sign)` as lower-case hex.
    ///
    /// Source: contract tencent-cloud d.2 (4–5).
    pub fn authorization(&self, secret_id: &str, secret_key: Key<'_>, key_time: &str) -> String {
        let signature = hmac_sha1_hex(Key(&sign_key(secret_key, key_time)), &self.string_to_sign(key_time));
        let (params, _) = canonical(self.params);
        let (headers, _) = canonical(self.headers);
        format!(
            "q-sign-algorithm=sha1&q-ak={secret_id}&q-sign-time={key_time}&q-key-time={key_time}\
             &q-header-list={headers}&q-url-param-list={params}&q-signature={signature}"
        )
    }
}

/// The sorted names joined by `;`, and the sorted pairs joined by `&`.
fn canonical(pairs: &[(&str, &str)]) -> (String, String) {
    let encode = |text| utf8_percent_encode(text, RESERVED).to_string();
    let mut pairs: Vec<_> =
        pairs.iter().map(|(name, value)| (encode(name).to_ascii_lowercase(), encode(value))).collect();
    pairs.sort();
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    let members: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (names.join(";"), members.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_FILE: V4<'static> = V4 {
        appid: "1",
        bucket: "b",
        secret_id: "k",
        scope: Scope::Bound { file: "/1/b/封 面+~.png", until: UnixSeconds(9) },
        now: UnixSeconds(5),
        random: u32::MAX,
        order: FieldOrder::Abketrf,
    };

    #[test]
    fn a_file_is_encoded_in_the_current_order_only() {
        assert_eq!(ONE_FILE.plain(), "a=1&b=b&k=k&e=9&t=5&r=4294967295&f=/1/b/%E5%B0%81%20%E9%9D%A2%2B~.png");
        let older = V4 { order: FieldOrder::Aketrfb, ..ONE_FILE };
        assert_eq!(older.plain(), "a=1&k=k&e=9&t=5&r=4294967295&f=/1/b/封 面+~.png&b=b");
    }

    #[test]
    fn names_are_sorted_in_their_signed_form() {
        let request =
            V5 { method: "Get", path: "/", params: &[("b", "2"), ("A[", ""), ("a", "x")], headers: &[] };
        assert_eq!(request.http_string(), "get\n/\na=x&a%5b=&b=2\n\n");
        assert!(request.authorization("id", Key("key"), "1;2").contains("&q-url-param-list=a;a%5b;b&"));
    }
}
