//! The table of promises and figures.

use std::{fmt, fs};

use anyhow::{Context as _, Result};

use crate::{
    bench::{Goal, Unit},
    command::root,
    marked::Part,
};

/// The document with the table, and the name of the generated part.
const DOCUMENT: &str = "docs/RELIABILITY.md";
const PART: Part = Part("attacks");

pub(super) const HEAD: &str =
    "| attack | promise | measured | bar | kept |\n| --- | --- | --- | --- | --- |\n";

/// One promise.
#[derive(Debug, Clone)]
pub(super) struct Row {
    attack: &'static str,
    pub(super) promise: String,
    measured: f64,
    bar: Goal,
    unit: Unit,
}

impl Row {
    pub(super) fn is_kept(&self) -> bool {
        self.bar.met(self.measured) != Some(false)
    }
}

/// Formats the row as a line of a Markdown table.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attack, promise, measured, bar, unit } = self;
        let kept = if self.is_kept() { "yes" } else { "**no**" };
        write!(f, "| `{attack}` | {promise} | {} | {} | {kept} |", unit.number(*measured), bar.text(*unit))
    }
}

/// The rows of one attack.
#[derive(Debug)]
pub(super) struct Report<'a> {
    attack: &'static str,
    rows: &'a mut Vec<Row>,
}

impl<'a> Report<'a> {
    pub(super) fn new(attack: &'static str, rows: &'a mut Vec<Row>) -> Self {
        Self { attack, rows }
    }

    /// Adds a figure and prints it.
    pub(super) fn add(&mut self, promise: impl Into<String>, measured: f64, unit: Unit, bar: Goal) {
        let row = Row { attack: self.attack, promise: promise.into(), measured, bar, unit };
        println!("{row}");
        self.rows.push(row);
    }
}

/// Writes the table into the document.
pub(super) fn write(rows: &[Row]) -> Result<()> {
    let path = root()?.join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let table = rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let text = PART.replace(&text, &format!("{HEAD}{table}\n")).with_context(|| PART.missing())?;
    fs::write(&path, text).with_context(|| format!("cannot write {DOCUMENT}"))
}
