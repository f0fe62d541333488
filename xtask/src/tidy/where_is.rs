//! Checks the places that `docs/ARCHITECTURE.md` names: every path exists, and every item is defined in its file.
//!
//! The section "Where is …" is a table with the head `| question | answer |`. An answer holds a path in backticks; the
//! code words after it are names of items of that file, until the next path: ``| … | `crates/a/src/b.rs` `c` |``.

use std::path::Path;

use super::{Finding, Repository};
use crate::rust::{Kind, Tokens};

const DOCUMENT: &str = "docs/ARCHITECTURE.md";
const HEADING: &str = "## Where is …";

/// How a path of this repository begins.
const TOP: &[&str] = &["crates/", "docs/", "tests/", "xtask/"];

/// Every path in backticks exists, and every answer of the last section names a path and items of its file.
pub(super) fn where_is(repository: &Repository) -> Vec<Finding> {
    let Some(text) = repository.tree.text(DOCUMENT) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut found = |line: usize, message: String| findings.push(Finding::new(DOCUMENT, line, message));
    let (mut fenced, mut answers, mut section) = (false, false, false);
    for (index, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        if line.starts_with("## ") {
            answers = line == HEADING;
            section |= answers;
        }
        for path in code_words(line).filter(|word| is_path(word)) {
            if !repository.tree.has(path.trim_end_matches('/')) {
                found(index + 1, format!("{path} is not in the repository"));
            }
        }
        if answers && is_answer(line) {
            for problem in problems(repository, line) {
                found(index + 1, problem);
            }
        }
    }
    if !section {
        found(text.lines().count(), format!("lacks the section `{HEADING}`"));
    }
    findings
}

/// A row of the table, neither its head nor the line below it.
fn is_answer(line: &str) -> bool {
    line.starts_with('|') && line.contains(char::is_alphabetic) && !line.starts_with("| question ")
}

fn problems(repository: &Repository, row: &str) -> Vec<String> {
    let (mut problems, mut path) = (Vec::new(), None);
    for word in code_words(row) {
        match path {
            _ if is_path(word) => path = Some(word),
            Some(path) => {
                let text = repository.tree.text(path);
                if text.is_some_and(|text| !holds(path, text, word)) {
                    problems.push(format!("{path} has no `{word}`"));
                } else if text.is_none() && repository.tree.has(path.trim_end_matches('/')) {
                    problems.push(format!("`{word}` stands after a folder: name its file"));
                }
            }
            // A word of the question.
            None => {}
        }
    }
    if path.is_none() {
        problems.push("an answer names a path".to_owned());
    }
    problems
}

fn is_path(word: &str) -> bool {
    TOP.iter().any(|top| word.starts_with(top))
}

/// What stands between backticks.
fn code_words(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether a Rust file defines the item, or another file contains the word.
fn holds(path: &str, text: &str, name: &str) -> bool {
    const DEFINING: &[&str] =
        &["const", "enum", "fn", "macro_rules", "mod", "static", "struct", "trait", "type", "union"];
    if Path::new(path).extension().is_none_or(|extension| extension != "rs") {
        return text.contains(name);
    }
    let Some(tokens) = Tokens::of(text) else { return false };
    let words: Vec<_> = tokens.iter().filter(|token| token.text != "!").collect();
    words.windows(2).any(|pair| {
        let [keyword, defined] = pair else { return false };
        keyword.kind == Kind::Word && DEFINING.contains(&keyword.text.as_str()) && defined.text == name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "pub(crate) fn member_role() {}\nimpl A { const fn beat() {} }\nstruct Row;\n\
                          macro_rules! on { () => {} }\nfn other() { called(); }\n// absent";

    /// The messages for one answer.
    fn answer(answer: &str) -> Vec<String> {
        let text = format!(
            "# A\n\n## Where is …\n\n| question | place |\n| --- | --- |\n| the `rule` | {answer} |\n"
        );
        let repository = Repository::from([
            (DOCUMENT, text.as_str()),
            ("crates/core/src/model/rule.rs", SOURCE),
            ("crates/core/migrations/up.sql", "CREATE TABLE likes (id)"),
        ]);
        let findings = where_is(&repository);
        assert!(findings.iter().all(|finding| finding.line == 7), "{findings:?}");
        findings.into_iter().map(|finding| finding.message).collect()
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn answers_that_lead_somewhere_are_fine() {
        for good in [
            "`crates/core/src/model/rule.rs`",
            "`crates/core/src/model/`, where rules are",
            "`crates/core/src/model/rule.rs` `member_role`, `beat`, `Row` and `on`",
            "`crates/core/src/model/rule.rs` `Row`, `crates/core/migrations/up.sql` `likes`",
        ] {
            assert_eq!(answer(good), NONE, "{good}");
        }
    }

    #[test]
    fn missing_paths_and_items_are_found() {
        let rule = "`crates/core/src/model/rule.rs`";
        assert_eq!(
            answer("`crates/core/src/rule.rs` `gone`"),
            ["crates/core/src/rule.rs is not in the repository"]
        );
        for gone in ["gone", "called", "absent", "role"] {
            let expected = [format!("crates/core/src/model/rule.rs has no `{gone}`")];
            assert_eq!(answer(&format!("{rule} `Row` `{gone}`")), expected);
        }
        assert_eq!(
            answer("`crates/core/migrations/up.sql` `hates`"),
            ["crates/core/migrations/up.sql has no `hates`"]
        );
        assert_eq!(answer("`crates/core/src/` `Row`"), ["`Row` stands after a folder: name its file"]);
        assert_eq!(answer("in `rule.rs`"), ["an answer names a path"]);
    }

    #[test]
    fn paths_anywhere_in_the_document_exist() {
        let check =
            |text: &str| where_is(&Repository::from([(DOCUMENT, text), ("xtask/src/a.rs", "")])).len();
        let end = "\n## Where is …\n";
        assert_eq!(check(&format!("`xtask/src/a.rs` and `xtask/src/`, `a.rs`{end}")), 0);
        assert_eq!(check(&format!("`xtask/src/a.rs`, `xtask/src/b.rs` and `docs/c`{end}")), 2);
        assert_eq!(check(&format!("```text\n`xtask/b.rs`\n```{end}")), 0);
    }

    #[test]
    fn the_section_cannot_be_lost() {
        let repository = Repository::from([(DOCUMENT, "# A\n\n## Where is what\n")]);
        assert_eq!(where_is(&repository), [Finding::new(DOCUMENT, 3, "lacks the section `## Where is …`")]);
    }
}
