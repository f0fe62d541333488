//! The adapters' interface tables against the published documents and the contract data.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Finding, Repository};
use crate::{
    seed::{PROTOCOLS, Protocol},
    table::{Row, rows},
    tree::Tree,
};

/// Adapters without a table, in words.
pub(super) fn not_built_yet(repository: &Repository) -> Vec<String> {
    let missing = PROTOCOLS.iter().filter(|protocol| rows(&repository.tree, protocol.adapter).is_none());
    missing
        .map(|protocol| format!("{} is not built yet: it has no interface table", protocol.adapter))
        .collect()
}

/// Every row has contract data and a source, and every published call has a row.
pub(super) fn tables(repository: &Repository) -> Vec<Finding> {
    let tables = PROTOCOLS
        .iter()
        .filter_map(|protocol| rows(&repository.tree, protocol.adapter).map(|rows| (protocol, rows)));
    tables
        .flat_map(|(protocol, rows)| {
            let mut findings = row_findings(&repository.tree, protocol, &rows);
            findings.extend(missing_rows(protocol, &rows));
            findings
        })
        .collect()
}

fn row_findings(tree: &Tree, protocol: &Protocol, rows: &[Row]) -> Vec<Finding> {
    let mut names = BTreeSet::new();
    let mut findings = Vec::new();
    for row in rows {
        let mut found = |message: String| findings.push(Finding::new(&row.path, row.line, message));
        if !names.insert(&row.name) {
            found(format!("{} has two rows", row.name));
        }
        if let Some(problem) = source_problem(protocol, row) {
            found(format!("{}: {problem}", row.name));
        }
        let folder = row.contract_folder(protocol.adapter);
        let files: Vec<_> = tree.below(&folder).collect();
        if files.is_empty() {
            found(format!("{} has no contract data in {folder}/", row.name));
        } else if !files.iter().any(|(_, bytes)| has_success(bytes, protocol)) {
            found(format!("{} has no successful case in {folder}/", row.name));
        }
    }
    findings
}

/// A row stands for a published call if it has its name, with or without the path in front.
fn implements(row: &Row, interface: &str) -> bool {
    row.name.strip_suffix(interface).is_some_and(|front| front.is_empty() || front.ends_with('/'))
}

fn missing_rows(protocol: &Protocol, rows: &[Row]) -> Vec<Finding> {
    let sections =
        protocol.seeds.iter().flat_map(|seed| seed.sections.iter().map(|section| (seed.name, section)));
    let missing = sections.filter(|(_, (_, interface))| !rows.iter().any(|row| implements(row, interface)));
    let path = rows.first().map_or("Cargo.toml", |row| row.path.as_str());
    missing
        .map(|(seed, (number, interface))| {
            let section = if number.is_empty() { String::new() } else { format!(" §{number}") };
            Finding::new(path, 1, format!("{seed}{section} has no row: {interface}"))
        })
        .collect()
}

/// A source names a section of the adapter's documents or a part of a contract; a numbered section is the row's own.
fn source_problem(protocol: &Protocol, row: &Row) -> Option<String> {
    let mut cited = row.source.contains("contract ");
    for seed in protocol.seeds {
        for (at, _) in row.source.match_indices(seed.name) {
            cited = true;
            let after = row.source.get(at + seed.name.len()..).unwrap_or_default();
            let Some(number) = after.strip_prefix(" §") else {
                continue;
            };
            let number: String = number.chars().take_while(|letter| letter.is_alphanumeric()).collect();
            match seed.sections.iter().find(|(section, _)| *section == number) {
                Some((_, interface)) if implements(row, interface) => {}
                Some((_, interface)) => {
                    return Some(format!("{} §{number} describes {interface}", seed.name));
                }
                None => return Some(format!("{} has no §{number} that describes a call", seed.name)),
            }
        }
    }
    let seeds: Vec<_> = protocol.seeds.iter().map(|seed| seed.name).collect();
    (!cited).then(|| format!("the source names neither {} nor a contract", seeds.join(", ")))
}

/// Whether the file is JSON with a successful reply in it, or with a picture as reply.
fn has_success(bytes: &[u8], protocol: &Protocol) -> bool {
    serde_json::from_slice(bytes).is_ok_and(|value| holds_success(&value, protocol))
}

fn holds_success(value: &Value, protocol: &Protocol) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| {
            let success = |(member, number): &(&str, i64)| name == member && value.as_i64() == Some(*number);
            protocol.success.iter().any(success) || holds_success(value, protocol)
        }),
        Value::Array(items) => items.iter().any(|item| holds_success(item, protocol)),
        // A reply written out as text.
        Value::String(text) => {
            text.starts_with("image/") || text.starts_with('{') && has_success(text.as_bytes(), protocol)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::protocol;

    const PATH: &str = "crates/qplus/src/interface.rs";
    const DATA: &str = "tests/contracts/qplus/live.Login/success.json";

    fn messages(table_rows: &str, data: &str) -> Vec<String> {
        let table =
            format!("interfaces! {{ enum Api; async fn d(a: A, b: B) -> Result<C, D>; {table_rows} }}");
        let findings = tables(&Repository::from([(PATH, table.as_str()), (DATA, data)]));
        findings
            .into_iter()
            .map(|finding| finding.message)
            .filter(|message| !message.contains("has no row"))
            .collect()
    }

    const LOGIN: &str = r#"Login: "live/Login" => login, "seed 004";"#;

    #[test]
    fn a_row_with_a_source_and_a_successful_case_is_fine() {
        for data in [
            r#"{"cases":[{"reply":{"status":10000}}]}"#,
            r#"{"reply":"{\"status\":10000}"}"#,
            r#"{"content-type":"image/png"}"#,
        ] {
            assert_eq!(messages(LOGIN, data), <[String; 0]>::default(), "{data}");
        }
    }

    #[test]
    fn a_row_without_a_successful_case_is_found() {
        for data in [r#"{"reply":{"status":10002}}"#, "not JSON", r#"{"status":"10000"}"#] {
            let expected = "live/Login has no successful case in tests/contracts/qplus/live.Login/";
            assert_eq!(messages(LOGIN, data), [expected], "{data}");
        }
    }

    #[test]
    fn a_row_without_contract_data_is_found() {
        let row = r#"Register: "live/Register" => register, "contract qplus §4.2";"#;
        assert_eq!(
            messages(row, "{}"),
            ["live/Register has no contract data in tests/contracts/qplus/live.Register/"]
        );
    }

    #[test]
    fn a_name_stands_once_in_the_table() {
        let data = r#"{"status":10000}"#;
        assert_eq!(messages(&format!("{LOGIN} {LOGIN}"), data), ["live/Login has two rows"]);
    }

    #[test]
    fn a_published_call_without_a_row_is_found() {
        let found = tables(&Repository::from([(
            PATH,
            "interfaces! { enum Api; A: \"live/Login\" => a, \"seed 004\"; }",
        )]));
        let missing = found.iter().filter(|finding| finding.message.starts_with("seed 004 has no row: "));
        assert_eq!(missing.count(), 13);
        assert!(!found.iter().any(|finding| finding.message == "seed 004 has no row: Login"));
    }

    #[test]
    fn adapters_without_a_table_are_noted_only() {
        let repository = Repository::from([("crates/qplus/src/lib.rs", "//! Nothing yet.")]);
        assert_eq!(tables(&repository), []);
        assert_eq!(not_built_yet(&repository).len(), PROTOCOLS.len());
    }

    #[test]
    fn sources_name_the_right_section() {
        let problem = |name: &str, source: &str| {
            let row = Row { name: name.to_owned(), source: source.to_owned(), path: String::new(), line: 1 };
            source_problem(protocol("sxb"), &row)
        };
        assert_eq!(problem("live/roomlist", "seed 003 §五"), None);
        assert_eq!(problem("cos/get_sign", "contract sxb §4.B"), None);
        assert!(problem("live/roomlist", "").unwrap().contains("names neither seed 003 nor"));
        assert!(problem("live/roomlist", "seed 001 §1").unwrap().contains("names neither"));
        assert_eq!(
            problem("live/roomlist", "seed 003 §六").unwrap(),
            "seed 003 §六 describes live/reportmemid"
        );
        assert!(problem("live/roomlist", "seed 003 §二十").unwrap().contains("has no §二十"));
    }

    #[test]
    fn names_match_with_or_without_the_path() {
        let row =
            |name: &str| Row { name: name.to_owned(), source: String::new(), path: String::new(), line: 1 };
        assert!(implements(&row("live/GetMyLiveRoom"), "GetMyLiveRoom"));
        assert!(implements(&row("Login"), "Login"));
        assert!(!implements(&row("live/ReLogin"), "Login"));
    }
}
