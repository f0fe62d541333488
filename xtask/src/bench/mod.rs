//! Benches: relive against a bare hyper server, alternating in one run, because absolute figures of a shared machine
//! mean nothing.

mod load;
mod server;
mod smoke;

use anyhow::Result;
use clap::Subcommand;

/// What to measure.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Bench {
    /// Three calls of sxb at 64 connections: heartbeat, roomlist, reportmemid. Two minutes.
    Smoke,
}

pub(crate) fn run(bench: Bench) -> Result<()> {
    match bench {
        Bench::Smoke => smoke::run(),
    }
}
