//! Rules about the Markdown files: decision records are complete, links lead somewhere.

use super::{Finding, Repository};
use crate::markdown;

const RECORDS: &str = "docs/adr";

/// Sections no decision record goes without.
const SECTIONS: &[&str] = &["Context", "Decision", "Consequences"];

/// Decision records are `NNNN-title.md`, numbered from 0001 without gaps, each with the three sections.
pub(super) fn decision_records(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut expected = 1;
    for (path, bytes) in repository.tree.below(RECORDS) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name == "README.md" {
            continue;
        }
        let number = name.split_once('-').filter(|(number, _)| number.len() == 4);
        match number.and_then(|(number, _)| number.parse::<u32>().ok()) {
            Some(number) if number == expected => expected += 1,
            Some(number) => {
                findings.push(Finding::new(path, 1, format!("the next record is number {expected:04}")));
                expected = number + 1;
            }
            None => findings.push(Finding::new(path, 1, "a record is named NNNN-title.md")),
        }
        let sections = markdown::sections(&String::from_utf8_lossy(bytes));
        for missing in SECTIONS.iter().filter(|section| !sections.iter().any(|found| found == *section)) {
            findings.push(Finding::new(path, 1, format!("has no section `## {missing}`")));
        }
    }
    findings
}

/// Every relative link of every Markdown file leads to a file or folder of the repository.
pub(super) fn links(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in repository.tree.with_extension("md") {
        for link in markdown::links(text) {
            let target = link.target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !resolve(path, target).is_some_and(|target| repository.tree.has(&target)) {
                findings.push(Finding::new(path, link.line, format!("{target} is not in the repository")));
            }
        }
    }
    findings
}

/// The path a link in `from` leads to; `None` if it leaves the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "# 1. A\n\n## Context\n\n## Decision\n\n## Consequences\n";

    #[test]
    fn records_are_numbered_without_gaps() {
        let check = |first: &str, second: &str| {
            let files = [("docs/adr/README.md", "# Template"), (first, RECORD), (second, RECORD)];
            decision_records(&Repository::from(files)).len()
        };
        assert_eq!(check("docs/adr/0001-a.md", "docs/adr/0002-b.md"), 0);
        assert_eq!(check("docs/adr/0001-a.md", "docs/adr/0003-b.md"), 1);
        assert_eq!(check("docs/adr/0002-a.md", "docs/adr/0003-b.md"), 1);
        assert_eq!(check("docs/adr/0001-a.md", "docs/adr/0001-b.md"), 1);
        assert_eq!(check("docs/adr/0001-a.md", "docs/adr/two.md"), 1);
    }

    #[test]
    fn records_have_their_sections() {
        let record = RECORD.replace("## Decision", "## Choice");
        let findings = decision_records(&Repository::from([("docs/adr/0001-a.md", record.as_str())]));
        assert_eq!(findings, [Finding::new("docs/adr/0001-a.md", 1, "has no section `## Decision`")]);
    }

    #[test]
    fn links_lead_somewhere() {
        let text = "[a](adr/) [b](../README.md#run) [c](#here) [d](https://example.org/x)\n\n[e](none.md)\n[f](../../up)\n";
        let repository = Repository::from([
            ("docs/A.md", text),
            ("README.md", "[a](docs/A.md)"),
            ("docs/adr/README.md", ""),
        ]);
        let lines: Vec<_> = links(&repository).into_iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [3, 4]);
    }
}
