//! `cargo xtask test`: every test of the workspace except doctests, with SQLite.

use anyhow::Result;

use crate::command::{cargo, installed, run};

/// Builds the server, because some tests start its binary, then runs the tests: with nextest where it is installed,
/// else with cargo's own runner. A failure does not keep the other tests from running.
pub(crate) fn run_tests(args: &[String]) -> Result<()> {
    // `--workspace` selects the same features as the test build, so that nothing is compiled twice.
    run(&mut cargo(["build", "--workspace", "--bin", "relive"]))?;
    run(cargo(runner(installed("nextest"))).args(args))
}

fn runner(nextest: bool) -> impl Iterator<Item = &'static str> {
    let words: &[_] = if nextest {
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        // Doctests are a job of their own; left to the default they would run here too.
        &["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests"]
    };
    words.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_runners_run_everything() {
        for nextest in [true, false] {
            let words: Vec<_> = runner(nextest).collect();
            assert!(words.contains(&"--workspace") && words.contains(&"--no-fail-fast"));
        }
    }
}
