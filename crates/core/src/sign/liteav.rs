//! `Liteav-Sig`: how clients of minilvb-v2 sign a request with their session's token.

use super::digest::{eq_hex, md5_hex};

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

/// Whether `received` is the signature of that body under that token, hex case ignored, in constant time.
/// An empty token signs nothing.
pub fn verify(token: &str, body: &[u8], received: &str) -> bool {
    !token.is_empty() && eq_hex(&sign(token, body), received)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_token_or_signature_never_verifies() {
        assert!(!verify("", b"{}", &sign("", b"{}")));
        assert!(!verify("t", b"{}", ""));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies_and_any_changed_byte_does_not(
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
