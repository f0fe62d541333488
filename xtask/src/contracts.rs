//! `cargo xtask contracts`: compares contract cases with what a server answers, or rewrites their expected replies.
//!
//! The work is done by the program of the package `contract-tests`, which starts the server.

use anyhow::Result;
use clap::Args;

use crate::command::{cargo, run};

/// What to compare, and whether to rewrite it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A case such as sxb/live.roomlist/success, an interface such as sxb/live.roomlist, an adapter, its givens such as
    /// sxb/given, or the path of one of these; none = all cases.
    case: Option<String>,
    /// Rewrite the expected replies that differ.
    #[arg(long, requires = "case")]
    update: bool,
}

/// Runs the cases and prints how they differ; with `--update` rewrites them.
pub(crate) fn review(options: &Options) -> Result<()> {
    run(&mut cargo(words(options)))
}

fn words(options: &Options) -> impl Iterator<Item = &str> {
    let update = options.update.then_some("--update");
    ["run", "--quiet", "-p", "contract-tests", "--"].into_iter().chain(update).chain(options.case.as_deref())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::Cli;

    fn parsed(words: &[&str]) -> Option<Options> {
        match Cli::try_parse_from(["xtask", "contracts"].iter().chain(words)) {
            Ok(Cli::Contracts(options)) => Some(options),
            _ => None,
        }
    }

    #[test]
    fn an_update_needs_a_case() {
        assert!(parsed(&["--update"]).is_none());
        assert!(parsed(&[]).is_some() && parsed(&["sxb"]).is_some());
    }

    #[test]
    fn the_case_is_passed_on() {
        let options = parsed(&["sxb/given", "--update"]).unwrap();
        assert!(words(&options).collect::<Vec<_>>().ends_with(&["--", "--update", "sxb/given"]));
    }
}
