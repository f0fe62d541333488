//! Writes JSON piece by piece, for replies whose entries are kept as bytes.

/// Appends an integer.
///
/// ```
/// let mut text = Vec::new();
/// relive_wire::number(&mut text, -7);
/// assert_eq!(text, b"-7");
/// ```
pub fn number(text: &mut Vec<u8>, number: i64) {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a count.
///
/// ```
/// let mut text = Vec::new();
/// relive_wire::count(&mut text, 42);
/// assert_eq!(text, b"42");
/// ```
pub fn count(text: &mut Vec<u8>, count: usize) {
    text.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
}

/// Appends an array. `write` is called once for each item, in order, and appends exactly one JSON value; the brackets
/// and commas are written here.
///
/// ```
/// let mut text = Vec::new();
/// relive_wire::array(&mut text, [1, 2], |text, item| relive_wire::number(text, item));
/// assert_eq!(text, b"[1,2]");
/// ```
pub fn array<T>(
    text: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    text.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        write(text, item);
    }
    text.push(b']');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_array_without_items_is_two_brackets() {
        let mut text = b"before".to_vec();
        array(&mut text, [0; 0], number);
        assert_eq!(text, b"before[]");
    }

    proptest! {
        #[test]
        fn an_array_is_written_as_serde_json_writes_it(items in prop::collection::vec(any::<i64>(), 0..20)) {
            let mut text = Vec::new();
            array(&mut text, items.iter().copied(), number);
            prop_assert_eq!(text, serde_json::to_vec(&items).unwrap());
        }

        #[test]
        fn a_count_is_written_as_serde_json_writes_it(number in any::<usize>()) {
            let mut text = Vec::new();
            count(&mut text, number);
            prop_assert_eq!(text, serde_json::to_vec(&number).unwrap());
        }
    }
}
