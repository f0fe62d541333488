//! Writes the generated part of docs/PERFORMANCE.md, and its plots.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::{Options, curve, growth, plot::Plot, report::Report};
use crate::{command::root, marked::Part};

const PAGE: &str = "docs/PERFORMANCE.md";
const PLOTS: &str = "docs/performance";
const TABLE: Part = Part("benches");

/// Writes the table, if it has rows, and the plots whose curves were measured.
pub(super) fn write(
    options: &Options,
    report: &Report,
    rates: &[(&'static str, curve::Curve)],
    growth: &[(&'static str, growth::Curve)],
) -> Result<()> {
    let root = root()?;
    if !report.is_empty() {
        write_table(&root.join(PAGE), options, report)?;
    }
    let rates = rates.iter().map(|(name, curve)| {
        (*name, curve.iter().map(|(connections, rate)| (f64::from(*connections), *rate)).collect())
    });
    let growth = growth.iter().map(|(name, curve)| {
        #[expect(clippy::cast_precision_loss, reason = "a hundred thousand")]
        let points = curve.iter().map(|(on_air, cost)| (*on_air as f64, *cost)).collect();
        (*name, points)
    });
    let plots = [
        (
            "connections.svg",
            Plot {
                title: "Requests a second, beside the bare server",
                across: "connections",
                base: 4.0,
                up: "× bare",
                lines: rates.collect(),
            },
        ),
        (
            "growth.svg",
            Plot {
                title: "Cost of a request, beside the bare server",
                across: "on air",
                base: 10.0,
                up: "× bare",
                lines: growth.collect(),
            },
        ),
    ];
    fs::create_dir_all(root.join(PLOTS))?;
    for (name, plot) in plots {
        if !plot.lines.is_empty() {
            let path = format!("{PLOTS}/{name}");
            fs::write(root.join(&path), plot.svg()?).with_context(|| format!("cannot write {path}"))?;
        }
    }
    Ok(())
}

fn write_table(page: &Path, options: &Options, report: &Report) -> Result<()> {
    let text = fs::read_to_string(page).with_context(|| format!("cannot read {PAGE}"))?;
    let content = format!("{}\n\n{}", measured(options), report.table());
    let text = TABLE.replace(&text, &content).with_context(|| format!("{PAGE} {}", TABLE.missing()))?;
    fs::write(page, text).with_context(|| format!("cannot write {PAGE}"))?;
    println!("{PAGE} rewritten");
    Ok(())
}

fn measured(options: &Options) -> String {
    let Options { pairs, seconds, soak, .. } = options;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let partly = if options.whole() { "" } else { " This was a shorter run than the goals are meant for." };
    format!(
        "On {cores} cores, which the load generator shared; pairs per row: {pairs}, seconds per measurement: {seconds}, \
         minutes of the mixed load: {soak}.{partly}"
    )
}
