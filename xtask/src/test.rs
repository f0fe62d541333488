//! `cargo xtask test`: runs every test of the workspace except doctests. Tests of packages with a database run once
//! with SQLite and once with PostgreSQL.

use anyhow::{Result, bail};

use crate::{
    command::{cargo, installed, run},
    interrupt,
    postgres::{Cluster, MISSING, Sync},
};

/// Packages whose tests use PostgreSQL if the environment names a server, else SQLite.
const DATABASE_PACKAGES: &[&str] = &["relive-core", "relive-gateway", "contract-tests"];

/// Builds the server, because some tests start its binary, then runs the tests: with nextest where it is installed,
/// else with cargo's own runner. A failure does not keep the other tests from running.
///
/// With `ci`, a missing PostgreSQL is an error; else the tests that were not run are reported.
pub(crate) fn run_tests(args: &[String], ci: bool) -> Result<()> {
    let nextest = installed("nextest");
    // `--workspace` selects the same features as the test build, so that nothing is compiled twice.
    run(&mut cargo(["build", "--workspace", "--bin", "relive"]))?;
    let with_sqlite = run(cargo(runner(nextest)).args(args));
    let with_postgres = on_postgres(args, nextest, ci);
    with_sqlite.and(with_postgres)
}

fn on_postgres(args: &[String], nextest: bool, ci: bool) -> Result<()> {
    // Ctrl-C must not leave a PostgreSQL server running.
    let _interrupt = interrupt::catch()?;
    let Some(cluster) = Cluster::start(Sync::Off)? else {
        if ci {
            bail!(MISSING);
        }
        println!("NOT RUN: every test on PostgreSQL. {MISSING}");
        return Ok(());
    };
    // One test stops and starts its server, so it gets a server that no other test uses.
    let Some(own) = Cluster::start(Sync::Off)? else { bail!(MISSING) };
    println!("==> once more on PostgreSQL");
    let mut command = cargo(runner(nextest));
    if nextest {
        // A second -E would add tests to the selection in `args`.
        if !args.iter().any(|arg| arg.starts_with("-E") || arg.starts_with("--filter")) {
            let only: Vec<_> = DATABASE_PACKAGES.iter().map(|name| format!("package({name})")).collect();
            command.args(["-E", &only.join(" | ")]);
        }
        command.arg("--no-tests=pass");
    }
    run(command
        .args(args)
        .env("RELIVE_TEST_POSTGRES", cluster.url())
        .env("RELIVE_TEST_POSTGRES_ROOT", cluster.root())
        .env("RELIVE_TEST_POSTGRES_OWN", own.url())
        .env("RELIVE_TEST_POSTGRES_OWN_ROOT", own.root())
        .env("RELIVE_TEST_POSTGRES_CONTROL", own.control_words()))
}

fn runner(nextest: bool) -> impl Iterator<Item = &'static str> {
    let words: &[_] = if nextest {
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        // Without these flags doctests would run, too, which are a CI job of their own.
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
