//! `cargo xtask docs`: the interface table of every `docs/protocols/<adapter>.md`, between two markers, written from the
//! adapter's own table. The rest of the file is written by hand.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result, ensure};

use crate::{
    command::root,
    marked::Part,
    seed::PROTOCOLS,
    table::{Row, rows},
    tree::Tree,
};

const TABLE: Part = Part("interfaces");

/// Rewrites the stale tables, or with `check` only reports them as an error.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = root()?;
    let tree = Tree::read(&root)?;
    if check {
        let problems = problems(&tree);
        for (path, message) in &problems {
            println!("{path}: {message}");
        }
        ensure!(problems.is_empty(), "the generated documentation is stale");
        return Ok(());
    }
    for (path, text) in documents(&tree) {
        let text = text.with_context(|| format!("{path} {}", TABLE.missing()))?;
        if tree.text(&path) != Some(text.as_str()) {
            fs::write(root.join(&path), text).with_context(|| format!("cannot write {path}"))?;
            println!("{path} rewritten");
        }
    }
    Ok(())
}

/// Every document that is not what it would be rewritten to, and why.
pub(crate) fn problems(tree: &Tree) -> Vec<(String, String)> {
    let stale = documents(tree).into_iter().filter_map(|(path, text)| match text {
        None => Some((path, TABLE.missing())),
        Some(text) if tree.text(&path) != Some(text.as_str()) => {
            Some((path, "the interface table is stale; `cargo xtask docs` rewrites it".to_owned()))
        }
        Some(_) => None,
    });
    stale.collect()
}

/// The documents of the adapters that have both a table and a document, each with the text it should have; `None`
/// where the markers are missing.
fn documents(tree: &Tree) -> Vec<(String, Option<String>)> {
    let documents = PROTOCOLS.iter().filter_map(|protocol| {
        let path = format!("docs/protocols/{}.md", protocol.adapter);
        let (rows, text) = (rows(tree, protocol.adapter)?, tree.text(&path)?);
        let text = TABLE.replace(text, &table(protocol.adapter, &rows));
        Some((path, text))
    });
    documents.collect()
}

fn table(adapter: &str, rows: &[Row]) -> String {
    let mut table = "| Interface | Specified in | Contract data |\n| --- | --- | --- |\n".to_owned();
    for row in rows {
        let folder = row.contract_folder(adapter);
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{}` | {} | [cases](../../{folder}/) |", row.name, row.source);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "interfaces! { enum Api; Login: \"live/Login\" => login, \"seed 004\"; }";
    const PATH: &str = "docs/protocols/qplus.md";

    fn check(text: &str) -> Vec<String> {
        let tree = Tree::from([("crates/qplus/src/interface.rs", SOURCE), (PATH, text)]);
        problems(&tree).into_iter().map(|(_, message)| message).collect()
    }

    #[test]
    fn a_document_is_fresh_once_rewritten_and_keeps_its_own_words() {
        let text = "# qplus\n\n<!-- interfaces:begin -->\n<!-- interfaces:end -->\n\nWords.\n";
        assert!(check(text)[0].contains("stale"));
        let tree = Tree::from([("crates/qplus/src/interface.rs", SOURCE), (PATH, text)]);
        let (_, fresh) = documents(&tree).remove(0);
        let fresh = fresh.unwrap();
        assert!(fresh.starts_with("# qplus\n\n") && fresh.ends_with("\n\nWords.\n"));
        assert!(
            fresh
                .contains("| `live/Login` | seed 004 | [cases](../../tests/contracts/qplus/live.Login/) |\n")
        );
        assert_eq!(check(&fresh), <[String; 0]>::default());
    }

    #[test]
    fn a_document_without_markers_is_a_problem() {
        assert!(check("# qplus\n")[0].contains("lacks the markers"));
    }

    #[test]
    fn adapters_without_a_table_or_a_document_are_skipped() {
        assert_eq!(problems(&Tree::from([(PATH, "# qplus\n")])), []);
        assert_eq!(problems(&Tree::from([("crates/qplus/src/interface.rs", SOURCE)])), []);
    }
}
