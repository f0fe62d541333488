//! Attacks on a server of one's own: what a stranger can make it cost, beside what docs/RELIABILITY.md promises.
//!
//! Every attack is bounded in count and time, runs on loopback in a temporary folder, and stops what it has started.

mod framing;
mod frozen;
mod json;
mod lab;
mod plans;
mod report;
mod unread;

use anyhow::{Result, bail, ensure};
use clap::Args;

use self::{lab::Lab, report::Report};
use crate::{bench::Profile, interrupt};

/// Selection of attacks.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Attacks to run, see `--list`; none = all.
    names: Vec<String>,
    /// Print the attacks and what they prove instead.
    #[arg(long)]
    list: bool,
    /// Attack a build without optimisation, which takes less time to build.
    #[arg(long)]
    debug: bool,
    /// Write the figures into docs/RELIABILITY.md.
    #[arg(long)]
    write: bool,
}

/// An attack and what it measures.
struct Attack {
    name: &'static str,
    /// What the attacker does.
    does: &'static str,
    run: fn(&Lab, &mut Report<'_>) -> Result<()>,
}

const ATTACKS: [Attack; 5] = [
    Attack { name: "framing", does: "sends requests whose end is in doubt", run: framing::run },
    Attack { name: "frozen", does: "calls a server whose PostgreSQL has stopped", run: frozen::run },
    Attack { name: "json", does: "sends bodies that cost more than their length", run: json::run },
    Attack { name: "plans", does: "asks for what a query could search many rows for", run: plans::run },
    Attack { name: "unread", does: "asks for large replies and reads none", run: unread::run },
];

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.list {
        for attack in &ATTACKS {
            println!("{:<10} {}", attack.name, attack.does);
        }
        return Ok(());
    }
    for name in &options.names {
        ensure!(ATTACKS.iter().any(|attack| attack.name == name), "no attack is called {name}: see --list");
    }
    // Ctrl-C must not leave servers running: they are killed when `lab` is dropped, which needs this process alive.
    let _interrupt = interrupt::catch()?;
    let lab = Lab::build(if options.debug { Profile::Debug } else { Profile::Release })?;
    let mut rows = Vec::new();
    print!("{}", report::HEAD);
    for attack in &ATTACKS {
        if options.names.is_empty() || options.names.iter().any(|name| name == attack.name) {
            (attack.run)(&lab, &mut Report::new(attack.name, &mut rows))?;
        }
    }
    if options.write {
        report::write(&rows)?;
    }
    let broken: Vec<_> = rows.iter().filter(|row| !row.is_kept()).map(|row| row.promise.clone()).collect();
    if !broken.is_empty() {
        bail!("promises broken: {}", broken.join("; "));
    }
    Ok(())
}
