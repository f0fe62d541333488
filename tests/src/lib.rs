//! The harness of the tests that send HTTP requests to a running gateway.
//!
//! * [`Server`]: a gateway on a free port, with a clock that stands still and reproducible randomness.
//! * [`Client`]: an HTTP client that sends requests as they are given.
//! * [`dialect`]: calls of the five dialects.
//! * [`case`], [`cases`]: contract data, one file per case, see `tests/README.md`.
//! * [`replay`]: replays the cases on a server.
//! * [`Shell`]: the part of a shell that executing a document needs.

pub mod case;
pub mod cases;
mod client;
pub mod dialect;
mod json;
mod needs;
pub mod replay;
mod rewrite;
mod server;
mod shell;
mod template;

pub use client::{Answer, Client};
pub use server::{Server, Setup, postgres};
pub use shell::Shell;
