//! The signature with which a phone uploads a video to the VOD cloud.

use super::{Key, digest::hmac_sha1_envelope};
use crate::{Seconds, UnixSeconds};

/// The permission to upload a video.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// Id of the cloud key.
    pub secret_id: &'a str,
    /// Current time.
    pub now: UnixSeconds,
    /// How long the signature is valid; the cloud accepts at most 7,776,000 s (90 days).
    pub ttl: Seconds,
    /// Procedure that the cloud runs on the video; empty = none.
    pub procedure: &'a str,
    /// Random number, new for each signature.
    pub random: u32,
}

impl Upload<'_> {
    /// The signed text `secretId=…&currentTimeStamp=…&expireTime=…[&procedure=…]&random=…`, values form-encoded.
    ///
    /// Source: contract tencent-cloud e (1), minilvb-v2 §5.3.
    pub fn original(&self) -> String {
        let (now, expires) = (self.now.to_string(), (self.now + self.ttl).to_string());
        let random = self.random.to_string();
        let mut params = vec![
            ("secretId", self.secret_id),
            ("currentTimeStamp", &now),
            ("expireTime", &expires),
            ("procedure", self.procedure),
            ("random", &random),
        ];
        params.retain(|(name, value)| *name != "procedure" || !value.is_empty());
        original(&params)
    }
}

/// Writes a list of upload parameters as the text to be signed: `name=value` joined by `&`, values form-encoded, order kept.
pub fn original(params: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

/// `base64(hmac_sha1(secret_key, original) + original)`: 20 raw bytes, then the text; standard alphabet with padding.
///
/// ```
/// use relive_core::{
///     Seconds, UnixSeconds,
///     sign::Key,
///     sign::vod::{Upload, signature},
/// };
/// let upload = Upload {
///     secret_id: "AKIDdemo0001",
///     now: UnixSeconds(1_735_689_600),
///     ttl: Seconds(86_400),
///     procedure: "",
///     random: 4_294_967_295,
/// };
/// assert!(signature(Key("demoVodSecret0001"), &upload.original()).starts_with("mj+gtKS2fN8K6RadS+n8B5ep6Dpz"));
/// ```
///
/// Source: contract tencent-cloud e (2).
pub fn signature(secret_key: Key<'_>, original: &str) -> String {
    hmac_sha1_envelope(secret_key, original)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_procedure_stands_before_random_and_is_encoded() {
        let upload =
            Upload { secret_id: "id", now: UnixSeconds(1), ttl: Seconds(2), procedure: "a b&中", random: 4 };
        assert_eq!(
            upload.original(),
            "secretId=id&currentTimeStamp=1&expireTime=3&procedure=a+b%26%E4%B8%AD&random=4"
        );
    }
}
