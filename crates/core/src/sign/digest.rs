//! Hashes as the clouds write them: lower-case hex, standard base64. MD5 and SHA-1 are here because the protocols
//! prescribe them; never store anything hashed with them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac, digest::Output};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::Key;
use crate::model::random::hex;

/// MD5 as 32 lower-case hex digits.
///
/// ```
/// assert_eq!(relive_core::sign::digest::md5_hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
/// ```
pub fn md5_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&Md5::digest(bytes))
}

/// SHA-1 as 40 lower-case hex digits.
pub fn sha1_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha1::digest(bytes))
}

/// SHA-256 as 64 lower-case hex digits.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// HMAC-SHA1, 20 bytes.
pub fn hmac_sha1(key: Key<'_>, text: &str) -> [u8; 20] {
    hmac::<Hmac<Sha1>>(key, text).into()
}

/// HMAC-SHA1 as 40 lower-case hex digits.
pub fn hmac_sha1_hex(key: Key<'_>, text: &str) -> String {
    hex(&hmac_sha1(key, text))
}

/// HMAC-SHA256, 32 bytes.
pub fn hmac_sha256(key: Key<'_>, text: &str) -> [u8; 32] {
    hmac::<Hmac<Sha256>>(key, text).into()
}

#[expect(clippy::expect_used, reason = "HMAC is defined for keys of any length")]
fn hmac<M: KeyInit + Mac>(key: Key<'_>, text: &str) -> Output<M> {
    let mut mac = <M as KeyInit>::new_from_slice(key.0.as_bytes()).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes()
}

/// `base64(hmac_sha1(key, text) + text)`: the 20 raw bytes, then the text they sign, in one standard base64 with padding.
/// COS v4 and VOD share this form.
pub(crate) fn hmac_sha1_envelope(key: Key<'_>, text: &str) -> String {
    let mut bytes = hmac_sha1(key, text).to_vec();
    bytes.extend_from_slice(text.as_bytes());
    STANDARD.encode(bytes)
}

/// Compares a received signature with the expected one in constant time.
pub fn eq(expected: &str, received: &str) -> bool {
    expected.as_bytes().ct_eq(received.as_bytes()).into()
}

/// Like [`eq`], for hex digits of either case.
///
/// ```
/// use relive_core::sign::digest::eq_hex;
/// assert!(eq_hex("00ff", "00FF"));
/// assert!(!eq_hex("00ff", "00fe"));
/// assert!(!eq_hex("00ff", "00ff0"));
/// ```
pub fn eq_hex(expected: &str, received: &str) -> bool {
    eq(&expected.to_ascii_lowercase(), &received.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1321, RFC 3174, FIPS 180, RFC 2202 and RFC 4231.
    #[test]
    fn published_test_vectors() {
        assert_eq!(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let (key, text) = (Key("Jefe"), "what do ya want for nothing?");
        assert_eq!(hmac_sha1_hex(key, text), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            hex(&hmac_sha256(key, text)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn keys_of_any_length_work() {
        for length in [0, 1, 63, 64, 65, 200] {
            assert_eq!(hmac_sha1(Key(&"k".repeat(length)), "").len(), 20);
            assert_eq!(hmac_sha256(Key(&"k".repeat(length)), "").len(), 32);
        }
    }
}
