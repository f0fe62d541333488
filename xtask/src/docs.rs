//! `cargo xtask docs`: the parts of documents that are written from the code, each between two markers. The interface
//! table of every `docs/protocols/<adapter>.md` comes from the adapter's own table, the layers in `docs/ARCHITECTURE.md`
//! from the imports of the core. The rest of the files is written by hand.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result, ensure};

use crate::{
    command::root,
    layers,
    marked::Part,
    seed::PROTOCOLS,
    table::{Row, rows},
    tree::Tree,
};

const TABLE: Part = Part("interfaces");
const LAYERS: Part = Part("layers:core");

/// A document with a generated part.
struct Document {
    path: String,
    part: Part,
    /// The whole text as it should be; `None` where the markers are missing.
    fresh: Option<String>,
}

/// Rewrites the stale parts, or with `check` only reports them as an error.
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
    for Document { path, part, fresh } in documents(&tree) {
        let text = fresh.with_context(|| format!("{path} {}", part.missing()))?;
        if tree.text(&path) != Some(text.as_str()) {
            fs::write(root.join(&path), text).with_context(|| format!("cannot write {path}"))?;
            println!("{path} rewritten");
        }
    }
    Ok(())
}

/// Every document that is not what it would be rewritten to, and why.
pub(crate) fn problems(tree: &Tree) -> Vec<(String, String)> {
    let stale = documents(tree).into_iter().filter_map(|Document { path, part, fresh }| match fresh {
        None => Some((path, part.missing())),
        Some(text) if tree.text(&path) != Some(text.as_str()) => {
            let message = format!("the part `{}` is stale; `cargo xtask docs` rewrites it", part.0);
            Some((path, message))
        }
        Some(_) => None,
    });
    stale.collect()
}

/// The documents of the adapters that have both a table and a document, and the architecture.
fn documents(tree: &Tree) -> Vec<Document> {
    let document = |path: String, part: Part, content: &str| {
        let fresh = part.replace(tree.text(&path)?, content);
        Some(Document { path, part, fresh })
    };
    let tables = PROTOCOLS.iter().filter_map(|protocol| {
        let rows = rows(tree, protocol.adapter)?;
        let path = format!("docs/protocols/{}.md", protocol.adapter);
        document(path, TABLE, &table(protocol.adapter, &rows))
    });
    let layers = layers::core_block(tree);
    let layers = layers.and_then(|block| document("docs/ARCHITECTURE.md".to_owned(), LAYERS, &block));
    tables.chain(layers).collect()
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
        let fresh = documents(&tree).remove(0).fresh.unwrap();
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
    fn the_layers_of_the_core_stand_in_the_architecture() {
        let check = |text: &str| {
            let tree = Tree::from([("crates/core/src/lib.rs", ""), ("docs/ARCHITECTURE.md", text)]);
            (problems(&tree).len(), documents(&tree).remove(0).fresh)
        };
        let (problems, fresh) = check("# A\n\n<!-- layers:core:begin -->\n<!-- layers:core:end -->\n");
        let fresh = fresh.unwrap();
        assert_eq!(problems, 1);
        assert!(fresh.contains("```text\nlib "), "{fresh}");
        assert_eq!(check(&fresh).0, 0);
        assert_eq!(check("# A\n").0, 1);
    }

    #[test]
    fn adapters_without_a_table_or_a_document_are_skipped() {
        assert_eq!(problems(&Tree::from([(PATH, "# qplus\n")])), []);
        assert_eq!(problems(&Tree::from([("crates/qplus/src/interface.rs", SOURCE)])), []);
    }
}
