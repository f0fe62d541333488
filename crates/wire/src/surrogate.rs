//! Replaces lone surrogates in JSON, as Go's decoder does.

use std::borrow::Cow;

/// Length of the escape `\uXXXX`.
const ESCAPE: usize = 6;

/// A body in which each `\uXXXX` escape of half a surrogate pair reads `\ufffd` (U+FFFD, the replacement character). Such a
/// half is no character, so a JSON parser refuses the whole body. Nothing else of the body is changed, whatever it is.
///
/// ```
/// use relive_wire::replace_lone_surrogates;
/// let body = br#"{"nickName":"cut \ud83d","smile":"\ud83d\ude00"}"#;
/// assert_eq!(*replace_lone_surrogates(body), *br#"{"nickName":"cut \ufffd","smile":"\ud83d\ude00"}"#);
/// ```
pub fn replace_lone_surrogates(body: &[u8]) -> Cow<'_, [u8]> {
    let mut replaced = Cow::Borrowed(body);
    let mut at = 0;
    while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
        at += match rest {
            [b'\\', b'u', ..] => match (unit(rest), rest.get(ESCAPE..).and_then(unit)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * ESCAPE,
                (Some(0xd800..=0xdfff), _) => {
                    if let Some(escape) = replaced.to_mut().get_mut(at..at + ESCAPE) {
                        escape.copy_from_slice(b"\\ufffd");
                    }
                    ESCAPE
                }
                _ => 2,
            },
            [b'\\', ..] => 2,
            _ => rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len()),
        };
    }
    replaced
}

/// The UTF-16 code unit of an escape at the start of a text.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?.iter();
    digits
        .map(|digit| char::from(*digit).to_digit(16))
        .try_fold(0, |unit: u16, digit| Some(unit << 4 | u16::try_from(digit?).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{JsonError, Object};

    fn text(escapes: &str) -> Option<String> {
        let body = format!(r#"{{"a":"{escapes}"}}"#);
        let body = replace_lone_surrogates(body.as_bytes());
        Object::parse(&body, 2).ok()?.get("a")?.text().map(str::to_owned)
    }

    #[test]
    fn each_half_of_a_pair_alone_is_replaced() {
        for (escapes, expected) in [
            (r"\ud83d", "\u{fffd}"),
            (r"\uDE00", "\u{fffd}"),
            (r"x\ud83dx", "x\u{fffd}x"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\n\ude00", "\u{fffd}\n\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\\ud83d", r"\ud83d"),
            (r"\\\ud83d", "\\\u{fffd}"),
            (r"\uD83D\uDE00", "😀"),
        ] {
            assert_eq!(text(escapes).as_deref(), Some(expected), "{escapes}");
        }
    }

    #[test]
    fn a_malformed_body_stays_malformed() {
        for body in [r#"{"a":"\ud8"#, r#"{"a":"\ud83"}"#, r#"{"a":"\ud83g"}"#, r"\", r"\u", r"\ud83d\", ""] {
            let replaced = replace_lone_surrogates(body.as_bytes());
            assert!(
                matches!(Object::parse(&replaced, 2), Err(JsonError::Malformed | JsonError::Empty)),
                "{body}"
            );
        }
    }

    proptest! {
        #[test]
        fn units_are_read_as_pairs_or_replaced(units in prop::collection::vec(0xd000_u16..=0xe0ff, 0..12)) {
            let escapes: Vec<String> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            prop_assert_eq!(text(&escapes.concat()), Some(String::from_utf16_lossy(&units)));
        }

        #[test]
        fn any_bytes_keep_their_length(body in prop::collection::vec(prop::sample::select(br#"\ud8c"{}0"#.to_vec()), 0..40)) {
            prop_assert_eq!(replace_lone_surrogates(&body).len(), body.len());
        }
    }
}
