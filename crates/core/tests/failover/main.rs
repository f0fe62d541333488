//! Cores reach PostgreSQL through a relay that breaks connections and leads to other servers. Run by `cargo xtask test`,
//! which provides the server and its programs.

#![expect(clippy::unwrap_used, reason = "a test that meets something else has failed")]

mod cut;
mod log;
mod promoted;
mod relay;
mod server;
