//! Writes the layers of a crate as text, the top one first: the files of each and the layers it uses.

use std::{collections::BTreeMap, fmt::Write as _};

use super::order::Order;
use crate::imports::CrateFiles;

/// Longest line.
const WIDTH: usize = 100;

/// Whether the text says how many arrows lead to each layer. Documents leave the numbers out, so that not every new
/// import makes them stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    Shown,
    Hidden,
}

/// The text. An arrow is a pair of files, the first of which uses items of the second.
pub(super) fn render(order: &Order, files: &CrateFiles, counts: Counts) -> String {
    const NONE: &str = "(no layer)";
    let layer = |file: &str| order.layer(file).unwrap_or(NONE);
    let mut arrows: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for arrow in &files.arrows {
        *arrows.entry((layer(&arrow.from), layer(&arrow.to))).or_default() += 1;
    }
    let names: Vec<_> = order.layers().chain([NONE]).collect();
    let indent = names.iter().map(|name| name.len()).max().unwrap_or_default() + 2;
    let mut text = String::new();
    for name in &names {
        let own: Vec<_> = files.files.iter().filter(|file| layer(file) == *name).collect();
        if own.is_empty() {
            continue;
        }
        let own: Vec<_> = own.into_iter().map(|file| short(name, file)).collect();
        add_lines(&mut text, indent, name, &own);
        let used = names.iter().filter(|other| *other != name).filter_map(|other| {
            let count = arrows.get(&(*name, *other))?;
            Some(if counts == Counts::Shown { format!("{other} {count}") } else { (*other).to_owned() })
        });
        let used: Vec<_> = used.collect();
        if !used.is_empty() {
            let list: Vec<_> = std::iter::once("→".to_owned()).chain([used.join(", ")]).collect();
            add_lines(&mut text, indent, "", &list);
        }
    }
    text
}

/// A file's path without `.rs` and without the folder that is its layer.
fn short(layer: &str, file: &str) -> String {
    let path = file.strip_prefix(layer).and_then(|rest| rest.strip_prefix('/')).unwrap_or(file);
    path.strip_suffix(".rs").unwrap_or(path).to_owned()
}

/// Adds words after a name, in as many lines as needed.
fn add_lines(text: &mut String, indent: usize, name: &str, words: &[String]) {
    let mut line = format!("{name:indent$}");
    for word in words {
        if line.chars().count() + word.chars().count() > WIDTH && line.trim_end().chars().count() > indent {
            let _ = writeln!(text, "{}", line.trim_end());
            line = " ".repeat(indent);
        }
        line += word;
        line.push(' ');
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::{super::orders, *};
    use crate::tree::Tree;

    fn core(counts: Counts) -> String {
        let tree = Tree::from([
            (
                "crates/core/src/lib.rs",
                "mod error; mod model; mod domain; mod odd; use crate::model::id::Id;",
            ),
            ("crates/core/src/error.rs", "pub struct Error;"),
            ("crates/core/src/odd.rs", ""),
            ("crates/core/src/model/mod.rs", "pub(crate) mod id; pub(crate) mod page;"),
            ("crates/core/src/model/id.rs", "use super::page::Page; pub struct Id;"),
            ("crates/core/src/model/page.rs", "pub struct Page;"),
            ("crates/core/src/domain/mod.rs", "mod room;"),
            ("crates/core/src/domain/room.rs", "use crate::{error::Error, model::{id::Id, page::Page}};"),
        ]);
        let order = orders().remove(0);
        render(&order, &CrateFiles::read(&tree, &order.folder()), counts)
    }

    #[test]
    fn layers_stand_from_top_to_bottom_with_files_and_imports() {
        let expected = "lib         lib\n            → model 1\ndomain      mod room\n            → model 2, error 1\n\
                        model       id mod page\nerror       error\n(no layer)  odd\n";
        assert_eq!(core(Counts::Shown), expected);
        assert_eq!(core(Counts::Hidden), expected.replace(" 1", "").replace(" 2", ""));
    }

    #[test]
    fn long_lists_are_broken() {
        let mut text = String::new();
        let words: Vec<_> = (0..40).map(|number| format!("word{number}")).collect();
        add_lines(&mut text, 6, "a", &words);
        assert!(text.lines().count() > 2 && text.lines().all(|line| line.len() <= WIDTH));
        assert!(text.starts_with("a     word0 ") && text.lines().nth(1).unwrap().starts_with("      word"));
    }
}
