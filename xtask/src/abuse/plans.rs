//! Statements of a client that visit more rows than they return: with enough rows one such call keeps a reader busy.

use anyhow::{Context, Result};

use super::{lab::Lab, report::Report};
use crate::{
    bench::{Goal, Unit},
    command::cargo,
    postgres::{Cluster, MISSING, Sync},
};

const STATEMENTS: Unit = Unit("", 0);

/// Runs the test of the core that measures every statement, on both databases.
pub(super) fn run(_lab: &Lab, report: &mut Report<'_>) -> Result<()> {
    measure(report, "SQLite", None)?;
    let Some(cluster) = Cluster::start(Sync::Off)? else {
        eprintln!("NOT RUN: plans on PostgreSQL. {MISSING}");
        return Ok(());
    };
    measure(report, "PostgreSQL", Some(&cluster))
}

fn measure(report: &mut Report<'_>, database: &str, cluster: Option<&Cluster>) -> Result<()> {
    let mut command = cargo(["test", "--quiet", "-p", "relive-core", "--test", "plans", "--", "--nocapture"]);
    command.env_remove("RELIVE_TEST_POSTGRES");
    if let Some(cluster) = cluster {
        command.env("RELIVE_TEST_POSTGRES", cluster.url());
    }
    let output = command.output().context("cannot start cargo")?;
    let shown = String::from_utf8_lossy(&output.stderr);
    let (measured, expensive) =
        figures(&shown).with_context(|| format!("the test of {database} shows no figures:\n{shown}"))?;
    if expensive > 0.0 {
        eprint!("{shown}");
    }
    report.add(
        format!("{database}, 100,000 rows a table: statements measured"),
        measured,
        STATEMENTS,
        Goal::AtLeast(90.0),
    );
    report.add(
        format!("{database}: those that visit more than 10 × the rows they return + 200"),
        expensive,
        STATEMENTS,
        Goal::AtMost(0.0),
    );
    Ok(())
}

/// The number of statements that the test has measured, and of those that visit too many rows.
fn figures(shown: &str) -> Option<(f64, f64)> {
    let line = shown.lines().find(|line| line.ends_with("statements measured"))?;
    let measured: u16 = line.split(' ').next()?.parse().ok()?;
    let expensive = shown.lines().filter(|line| line.starts_with("TOO EXPENSIVE: ")).count();
    Some((measured.into(), u16::try_from(expensive).ok()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_the_test_are_found() {
        let shown = "running 2 tests\n94 of 101 statements measured\nTOO EXPENSIVE: a\n    SELECT 1\nTOO EXPENSIVE: b\n";
        assert_eq!(figures(shown), Some((94.0, 2.0)));
        assert_eq!(figures("error: could not compile"), None);
    }
}
