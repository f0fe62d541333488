//! `cargo xtask test`: every test of the workspace except doctests; those that store something once with SQLite and once
//! with PostgreSQL.

use anyhow::{Result, bail};

use crate::{
    command::{cargo, installed, run},
    interrupt,
    postgres::{Cluster, MISSING, Sync},
};

/// Packages whose tests run on whichever database they are given.
const STORING: &[&str] = &["relive-core", "relive-gateway", "contract-tests"];

/// Builds the server, because some tests start its binary, then runs the tests: with nextest where it is installed,
/// else with cargo's own runner. A failure does not keep the other tests from running.
///
/// `ci`: a machine without PostgreSQL has failed; on others it is told what was not run.
pub(crate) fn run_tests(args: &[String], ci: bool) -> Result<()> {
    let nextest = installed("nextest");
    // `--workspace` selects the same features as the test build, so that nothing is compiled twice.
    run(&mut cargo(["build", "--workspace", "--bin", "relive"]))?;
    let with_sqlite = run(cargo(runner(nextest)).args(args));
    let with_postgres = on_postgres(args, nextest, ci);
    with_sqlite.and(with_postgres)
}

fn on_postgres(args: &[String], nextest: bool, ci: bool) -> Result<()> {
    // Whoever interrupts the tests must not be left with a server.
    let _interrupt = interrupt::catch()?;
    let Some(cluster) = Cluster::start(Sync::Off)? else {
        if ci {
            bail!(MISSING);
        }
        println!("NOT RUN: every test on PostgreSQL. {MISSING}");
        return Ok(());
    };
    // One test stops and starts the server it uses: that one is not for the others.
    let Some(own) = Cluster::start(Sync::Off)? else { bail!(MISSING) };
    println!("==> once more on PostgreSQL");
    let mut command = cargo(runner(nextest));
    if nextest {
        // A second -E would add to the first: the operator's own selection stands alone.
        if !args.iter().any(|arg| arg.starts_with("-E") || arg.starts_with("--filter")) {
            let only: Vec<_> = STORING.iter().map(|name| format!("package({name})")).collect();
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
