//! Reads the adapters' interface tables from the sources: rows of the form `Variant: "name" => handler, "source";`
//! inside `interfaces! { … }`, in any file of the crate.

use crate::{
    rust::{Kind, Token, Tokens, plain_string},
    tree::Tree,
};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Stable name of the interface, such as `live/roomlist`.
    pub(crate) name: String,
    /// The specification of the interface, such as `seed 003 §五`.
    pub(crate) source: String,
    /// The file that holds the row.
    pub(crate) path: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl Row {
    /// The folder of the interface's contract data.
    pub(crate) fn contract_folder(&self, adapter: &str) -> String {
        // The crate of minilvb-v1 also exports the adapter of the media cloud's callbacks.
        let adapter = if self.path.contains("/src/callback/") { "callback" } else { adapter };
        format!("tests/contracts/{adapter}/{}", self.name.trim_matches('/').replace('/', "."))
    }
}

/// All rows of an adapter; `None` while the crate has no table.
pub(crate) fn rows(tree: &Tree, adapter: &str) -> Option<Vec<Row>> {
    let mut found = None;
    for (path, bytes) in tree.below(&format!("crates/{adapter}/src")) {
        let Some(tokens) = std::str::from_utf8(bytes).ok().and_then(Tokens::of) else {
            continue;
        };
        let tokens: Vec<_> = tokens.iter().filter(|token| !token.test_only).collect();
        for table in tables(&tokens) {
            let statements = table.split(|token| token.text == ";");
            found
                .get_or_insert_with(Vec::new)
                .extend(statements.filter_map(|statement| row(path, statement)));
        }
    }
    found
}

/// The tokens inside each `interfaces! { … }`.
fn tables<'a, 'b>(tokens: &'b [&'a Token]) -> impl Iterator<Item = &'b [&'a Token]> {
    let starts = tokens.windows(3).enumerate().filter_map(|(index, window)| {
        let texts = window.iter().map(|token| token.text.as_str());
        texts.eq(["interfaces", "!", "{"]).then_some(index + 3)
    });
    starts.filter_map(|start| {
        let inside = tokens.get(start..)?;
        let mut depth = 1_usize;
        let end = inside.iter().position(|token| {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        inside.get(..end)
    })
}

/// Reads `Variant : "name" = > … , "source"`; `None` for any other statement.
fn row(path: &str, statement: &[&Token]) -> Option<Row> {
    let [variant, colon, name, .., comma, source] = statement else { return None };
    if variant.kind != Kind::Word || colon.text != ":" || comma.text != "," {
        return None;
    }
    Some(Row {
        name: plain_string(&name.text)?.to_owned(),
        source: plain_string(&source.text)?.to_owned(),
        path: path.to_owned(),
        line: variant.line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"//! Table.
relive_wire::interfaces! {
    /// Every call.
    pub(crate) enum Api;
    async fn dispatch(cx: &Cx<'_>, input: &Input) -> Result<Reply, Code>;
    Regist: "account/regist" => account::regist, "seed 003 §一";
    RoomList:
        "live/roomlist" => room::list::<7>, "seed 003 §五";
}
fn after() { let x: u8 = 7; }
"#;

    #[test]
    fn rows_are_read_with_their_lines() {
        let tree =
            Tree::from([("crates/sxb/src/interface.rs", TABLE), ("crates/qplus/src/lib.rs", "//! None.")]);
        let rows = rows(&tree, "sxb").unwrap();
        let found: Vec<_> =
            rows.iter().map(|row| (row.name.as_str(), row.source.as_str(), row.line)).collect();
        assert_eq!(found, [("account/regist", "seed 003 §一", 6), ("live/roomlist", "seed 003 §五", 7)]);
        assert_eq!(rows[1].contract_folder("sxb"), "tests/contracts/sxb/live.roomlist");
        assert_eq!(super::rows(&tree, "qplus"), None);
    }
}
