//! The written form of a ticket: signed text, JSON, zlib and the cloud's own base64. Does not know what is in a ticket.

use std::io::{Read as _, Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, bufread::ZlibDecoder, write::ZlibEncoder};

use crate::{
    Seconds, UnixSeconds,
    sign::{Key, digest},
};

/// The version of the form that is written and read here.
pub(super) const VERSION: &str = "2.0";
/// Longest inflated ticket that is read, in bytes. A genuine one has about 200.
pub(super) const LONGEST_BYTES: u64 = 4096;

/// Base64 with padding in the cloud's own alphabet: `+` is `*`, `/` is `-`, `=` is `_`. Not RFC 4648's base64url.
///
/// ```
/// use relive_core::sign::usersig::{base64_decode, base64_encode};
/// assert_eq!(base64_encode(&[0xfb, 0xff]), "*-8_");
/// assert_eq!(base64_decode("*-8_"), Some(vec![0xfb, 0xff]));
/// assert_eq!(base64_decode("+/8="), None);
/// ```
///
/// Source: contract tencent-cloud b.1 (5).
pub fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes).replace('+', "*").replace('/', "-").replace('=', "_")
}

/// Decodes the text of [`base64_encode`]; `None` for every text that [`base64_encode`] does not write.
pub fn base64_decode(text: &str) -> Option<Vec<u8>> {
    if text.contains(['+', '/', '=']) {
        return None;
    }
    STANDARD.decode(text.replace('*', "+").replace('-', "/").replace('_', "=")).ok()
}

/// Unwraps the JSON text of a ticket.
pub(in crate::sign) fn unpack(usersig: &str) -> Option<Vec<u8>> {
    inflate(&base64_decode(usersig)?)
}

/// Inflates exactly one zlib stream; `None` if bytes follow it or if the content is longer than [`LONGEST_BYTES`].
pub(super) fn inflate(zlib: &[u8]) -> Option<Vec<u8>> {
    let mut inflated = Vec::new();
    let mut decoder = ZlibDecoder::new(zlib);
    decoder.by_ref().take(LONGEST_BYTES + 1).read_to_end(&mut inflated).ok()?;
    let whole = usize::try_from(decoder.total_in()).ok()? == zlib.len();
    (whole && u64::try_from(inflated.len()).ok()? <= LONGEST_BYTES).then_some(inflated)
}

/// Compresses bytes into one zlib stream.
#[expect(clippy::expect_used, reason = "writing to memory cannot fail")]
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes every byte")
}

/// The signed text of [`Ticket::content`](super::Ticket::content).
pub(super) fn content(
    sdkappid: i64,
    user_id: &str,
    issued: UnixSeconds,
    ttl: Seconds,
    userbuf_base64: Option<&str>,
) -> String {
    let userbuf = userbuf_base64.map(|text| format!("TLS.userbuf:{text}\n")).unwrap_or_default();
    format!(
        "TLS.identifier:{user_id}\nTLS.sdkappid:{sdkappid}\nTLS.time:{issued}\nTLS.expire:{ttl}\n{userbuf}"
    )
}

/// Signs the text of [`content`]: `base64(hmac_sha256(key, content))`.
pub(super) fn signature(key: Key<'_>, content: &str) -> String {
    STANDARD.encode(digest::hmac_sha256(key, content))
}
