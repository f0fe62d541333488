//! The layers inside the crates: their order, the check of it, and their graph as text.

mod check;
mod graph;
mod order;

use anyhow::{Context, Result};

use self::graph::{Counts, render};
pub(crate) use self::{check::problems, order::orders};
use crate::{command::root, imports::CrateFiles, tree::Tree};

/// Prints the layers of a crate, given by its folder below `crates/`, and how many files of which layers they use.
pub(crate) fn print(name: &str) -> Result<()> {
    let orders = orders();
    let order = orders.iter().find(|order| order.name == name).with_context(|| {
        let names: Vec<_> = orders.iter().map(|order| order.name).collect();
        format!("{name} has no layers; these crates have: {}", names.join(", "))
    })?;
    let files = CrateFiles::read(&Tree::read(&root()?)?, &order.folder());
    print!("{}", render(order, &files, Counts::Shown));
    Ok(())
}

/// The layers of the core as a document shows them; `None` while there is no core.
pub(crate) fn core_block(tree: &Tree) -> Option<String> {
    let order = orders().into_iter().find(|order| order.name == "core")?;
    let files = CrateFiles::read(tree, &order.folder());
    (!files.files.is_empty()).then(|| format!("```text\n{}```\n", render(&order, &files, Counts::Hidden)))
}
