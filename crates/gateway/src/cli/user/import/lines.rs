//! Reads the lines of an import: any number of them, each of a bounded length.

use std::io::{BufRead, Read as _};

use anyhow::{Context as _, bail, ensure};

/// Longest line in bytes, its line end included. A line with all fields at their usual lengths has less than 2 KiB.
const LONGEST: u64 = 64 * 1024;

/// A line with its number, counted from 1.
pub(super) struct RawLine {
    pub(super) number: u64,
    /// UTF-8 without a byte order mark.
    pub(super) text: anyhow::Result<String>,
}

/// The lines that are not blank.
pub(super) struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    number: u64,
    bytes: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: Box<dyn BufRead + 'a>) -> Self {
        Self { input, number: 0, bytes: 0 }
    }

    /// Bytes read so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes
    }

    /// The next line. Errors: the input cannot be read, or is UTF-16.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<RawLine>> {
        loop {
            let mut line = Vec::new();
            let failed = "cannot read the lines";
            let read = (&mut self.input).take(LONGEST).read_until(b'\n', &mut line).context(failed)?;
            if read == 0 {
                return Ok(None);
            }
            let read = u64::try_from(read)?;
            let rest = if read == LONGEST && !line.ends_with(b"\n") {
                u64::try_from(self.input.skip_until(b'\n').context(failed)?)?
            } else {
                0
            };
            self.number += 1;
            self.bytes += read + rest;
            if self.number == 1 {
                ensure_not_utf_16(&line)?;
            }
            let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
            if !line.trim_ascii().is_empty() {
                return Ok(Some(RawLine { number: self.number, text: text(line, rest == 0) }));
            }
        }
    }
}

fn text(line: &[u8], is_whole: bool) -> anyhow::Result<String> {
    ensure!(is_whole, "longer than {LONGEST} bytes");
    match std::str::from_utf8(line) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => bail!("not UTF-8, at byte {}", error.valid_up_to() + 1),
    }
}

/// Refuses UTF-16, which Windows tools write: with its byte order mark, or without one before the brace of the first line.
fn ensure_not_utf_16(first: &[u8]) -> anyhow::Result<()> {
    let is_utf_16 =
        [&b"\xff\xfe"[..], b"\xfe\xff", b"{\0", b"\0{"].iter().any(|start| first.starts_with(start));
    ensure!(
        !is_utf_16,
        "the lines are UTF-16, not UTF-8: convert them, for example with iconv -f UTF-16 -t UTF-8"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(input: &[u8]) -> Vec<(u64, Result<String, String>)> {
        // A small buffer, so that lines and marks begin and end anywhere in it.
        let mut lines = Lines::new(Box::new(BufReader::with_capacity(3, input)));
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.number, line.text.map_err(|error| error.to_string())));
        }
        assert_eq!(lines.bytes_read(), u64::try_from(input.len()).unwrap());
        found
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_skipped() {
        let found = read(b"\xef\xbb\xbfa\r\n\n \t\nb\n\xef\xbb\xbfc");
        let texts = [(1, "a\r\n"), (4, "b\n"), (5, "c")];
        assert_eq!(found, texts.map(|(number, text)| (number, Ok(text.to_owned()))));
        assert!(read(b"").is_empty() && read(b"\xef\xbb\xbf\n").is_empty());
    }

    #[test]
    fn a_line_has_a_greatest_length() {
        let longest = usize::try_from(LONGEST).unwrap();
        for (length, fits) in [(longest - 1, true), (longest, false), (3 * longest, false)] {
            let found = read(&[vec![b'a'; length], b"\nb".to_vec()].concat());
            assert_eq!((found[0].1.is_ok(), &found[1]), (fits, &(2, Ok("b".to_owned()))), "{length}");
        }
        assert!(read(&vec![b'a'; longest])[0].1.is_ok(), "the last line, without a line end");
        assert_eq!(read(&vec![b'a'; longest + 1])[0].1, Err("longer than 65536 bytes".to_owned()));
    }

    #[test]
    fn another_encoding_is_named() {
        assert_eq!(read(b"ab\xd0\xc0\n")[0].1, Err("not UTF-8, at byte 3".to_owned()));
        let utf_16 = |encode: fn(u16) -> [u8; 2], mark: &str| {
            let text = format!("{mark}{{\"id\":\"a\"}}\r\n");
            text.encode_utf16().flat_map(encode).collect::<Vec<_>>()
        };
        for mark in ["\u{feff}", ""] {
            for encode in [u16::to_le_bytes, u16::to_be_bytes] {
                let input = utf_16(encode, mark);
                let error = Lines::new(Box::new(&*input)).next().err().unwrap();
                assert!(error.to_string().contains("UTF-16"), "{error}");
            }
        }
    }
}
