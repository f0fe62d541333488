//! Everything a developer of relive runs, as `cargo xtask <command>`: the tests, every CI job, the project's rules and
//! the generated part of its documentation. A laptop and a CI machine run the same code.
//!
//! It starts `cargo` and, for the benches, what it built and `wrk`; it installs nothing, and reads no environment variable.
#![expect(clippy::print_stdout, reason = "a command line tool answers on its standard output")]

mod bench;
mod ci;
mod command;
mod docs;
mod markdown;
mod package;
mod rust;
mod seed;
mod table;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::Parser;

/// Everything a developer of relive runs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Cli {
    /// Build the server, then run every test of the workspace except doctests.
    Test {
        /// Passed on to the test runner, such as the name of a test.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run the CI jobs, all of them or those named, until the first failure.
    Ci {
        /// Jobs to run, in this order; none = all.
        jobs: Vec<ci::Job>,
        /// Jobs to leave out.
        #[arg(long, value_name = "JOB")]
        skip: Vec<ci::Job>,
    },
    /// Check the project's own rules.
    Tidy {
        /// Print the rules and their reasons instead.
        #[arg(long)]
        list: bool,
    },
    /// Measure against a bare hyper server in the same run. Needs wrk.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Rewrite the interface tables in docs/protocols from the adapters' tables.
    Docs {
        /// Fail when a table is stale; write nothing.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli {
        Cli::Test { args } => test::run_tests(&args),
        Cli::Ci { jobs, skip } => ci::run(&jobs, &skip),
        Cli::Tidy { list: true } => {
            tidy::list();
            Ok(())
        }
        Cli::Tidy { list: false } => tidy::run(),
        Cli::Bench(bench) => bench::run(bench),
        Cli::Docs { check } => docs::run(check),
    }
}
