//! Everything a developer of relive runs, as `cargo xtask <command>`: the tests, every CI job, the project's rules and
//! the generated part of its documentation. A laptop and a CI machine run the same code.
//!
//! It starts `cargo`, for the benches what it built and `wrk`, and PostgreSQL in a temporary folder; it installs nothing,
//! and of the environment it reads `CI` alone.
#![expect(clippy::print_stdout, reason = "a command line tool answers on its standard output")]

mod abuse;
mod bench;
mod ci;
mod command;
mod contracts;
mod docs;
mod imports;
mod interrupt;
mod layers;
mod markdown;
mod marked;
mod package;
mod postgres;
mod rust;
mod seed;
mod table;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::{Parser, builder::FalseyValueParser};

/// Everything a developer of relive runs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Cli {
    /// Build the server, then run every test of the workspace except doctests; those that store something on SQLite and
    /// on PostgreSQL.
    Test {
        /// Fail where PostgreSQL is not installed.
        #[arg(long, env = "CI", hide_env = true, value_parser = FalseyValueParser::new())]
        ci: bool,
        /// Passed on to the test runner, such as the name of a test.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Compare contract cases with what the server answers, or rewrite their expected replies.
    Contracts(contracts::Options),
    /// Run the CI jobs, all of them or those named, until the first failure.
    Ci {
        /// Jobs to run, in this order; none = all.
        jobs: Vec<ci::Job>,
        /// Jobs to leave out.
        #[arg(long, value_name = "JOB")]
        skip: Vec<ci::Job>,
        /// Fail where PostgreSQL is not installed.
        #[arg(long, env = "CI", hide_env = true, value_parser = FalseyValueParser::new())]
        ci: bool,
    },
    /// Run a PostgreSQL server of one's own until Ctrl-C.
    Postgres,
    /// Check the project's own rules.
    Tidy {
        /// Print the rules and their reasons instead.
        #[arg(long)]
        list: bool,
        /// Print the layers of a crate, such as `core` or `sxb`, with their files and imports instead.
        #[arg(long, value_name = "CRATE", conflicts_with = "list")]
        graph: Option<String>,
    },
    /// Measure the server beside a bare hyper server and other yardsticks in the same run. Needs wrk; some rows also
    /// PostgreSQL or valgrind.
    Bench(bench::Options),
    /// Attack a server of one's own and check that what docs/RELIABILITY.md promises is kept.
    Abuse(abuse::Options),
    /// Rewrite the generated parts of the documents: the interface tables in docs/protocols, the layers in
    /// docs/ARCHITECTURE.md.
    Docs {
        /// Fail when a part is stale; write nothing.
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
        Cli::Test { args, ci } => test::run_tests(&args, ci),
        Cli::Contracts(options) => contracts::review(&options),
        Cli::Ci { jobs, skip, ci } => ci::run(&jobs, &skip, ci),
        Cli::Postgres => postgres::run(),
        Cli::Tidy { list: true, .. } => {
            tidy::list();
            Ok(())
        }
        Cli::Tidy { graph: Some(name), .. } => layers::print(&name),
        Cli::Tidy { .. } => tidy::run(),
        Cli::Bench(options) => bench::run(options),
        Cli::Abuse(options) => abuse::run(&options),
        Cli::Docs { check } => docs::run(check),
    }
}
