//! Rules about every text file, whatever its language.

use std::path::Path;

use super::{Finding, Repository};

/// Extensions of files written by hand or meant to be read; files without one (`LICENSE`, `run`) are text, too.
const TEXT: &[&str] =
    &["css", "html", "js", "json", "md", "rs", "sh", "sql", "svg", "toml", "txt", "yaml", "yml"];

fn texts(repository: &Repository) -> impl Iterator<Item = (&str, &[u8])> {
    repository.tree.files().filter(|(path, _)| {
        Path::new(path).extension().is_none_or(|found| TEXT.iter().any(|extension| found == *extension))
    })
}

/// Words that mark something unfinished.
const OPEN_ENDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Folders of the machine a file was written on.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/tmp", "/wt"), concat!("/ro", "ot/")];

/// Words of whoever wrote a text instead of the text, in lower case.
const ASIDES: &[&str] = &[concat!("prompt", ":"), concat!("as an", " ai"), concat!("language", " model")];

/// Nothing in the repository speaks of how or where it was written.
pub(super) fn no_leftovers(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, bytes) in texts(repository) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            let mut words = line.split(|letter: char| !letter.is_alphanumeric());
            let open_end = words.find(|word| OPEN_ENDS.contains(word));
            let machine = MACHINE_PATHS.iter().copied().find(|path| line.contains(path));
            let lower = line.to_lowercase();
            let aside = ASIDES.iter().copied().find(|aside| lower.contains(aside));
            let found = [open_end, machine, aside].into_iter().flatten();
            findings.extend(found.map(|found| Finding::new(path, index + 1, format!("`{found}`"))));
        }
    }
    findings
}

/// UTF-8, Unix line ends, one at the end of the file, no trailing white space.
pub(super) fn text_format(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, bytes) in texts(repository) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            findings.push(Finding::new(path, 1, "is not UTF-8"));
            continue;
        };
        for (index, line) in text.split('\n').enumerate() {
            if line.ends_with('\r') {
                findings.push(Finding::new(path, index + 1, "ends with a carriage return"));
            } else if line.ends_with(char::is_whitespace) {
                findings.push(Finding::new(path, index + 1, "ends with white space"));
            }
        }
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            findings.push(Finding::new(path, text.lines().count(), "does not end with one line end"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn leftovers(text: &str) -> usize {
        no_leftovers(&Repository::from([("docs/a.md", text)])).len()
    }

    #[test]
    fn leftovers_are_found_in_every_text() {
        for word in OPEN_ENDS.iter().chain(MACHINE_PATHS).chain(ASIDES) {
            assert_eq!(leftovers(&format!("before {word} after\n")), 1, "{word}");
        }
        assert_eq!(leftovers(&ASIDES[1].to_uppercase()), 1);
        assert_eq!(leftovers(&format!("{}X marks, {}s\n", OPEN_ENDS[2], OPEN_ENDS[0])), 0);
    }

    #[test]
    fn pictures_are_not_text() {
        let tree = Tree::with_bytes("docs/a.png", OPEN_ENDS[0].as_bytes());
        assert_eq!(no_leftovers(&Repository { tree, packages: Vec::new() }), []);
    }

    #[test]
    fn the_format_of_texts_is_checked() {
        let check = |text: &str| text_format(&Repository::from([("a.toml", text)])).len();
        assert_eq!(check("a\r\n"), 1);
        assert_eq!(check("a \n"), 1);
        assert_eq!(check("a\t\nb"), 2);
        assert_eq!(check("a\n\n"), 1);
        assert_eq!(check(""), 0);
        assert_eq!(check("a\n\nb\n"), 0);
        let tree = Tree::with_bytes("LICENSE", b"\xff\n");
        assert_eq!(text_format(&Repository { tree, packages: Vec::new() }).len(), 1);
    }
}
