//! The harness of the tests that go through the front door.
//!
//! * [`Server`]: a gateway on a free port, with a clock that stands still and reproducible randomness.
//! * [`Client`]: an HTTP client that sends exactly what it is told.
//! * [`dialect`]: the four dialects as a test speaks them.
//! * [`case`], [`cases`]: contract data, one file per case, see `tests/README.md`.
//! * [`replay`]: the cases against a server.
//! * [`Shell`]: enough of a shell to execute a document.

pub mod case;
pub mod cases;
mod client;
pub mod dialect;
mod json;
pub mod replay;
mod rewrite;
mod server;
mod shell;
mod template;

pub use client::{Answer, Client};
pub use server::{Server, postgres};
pub use shell::Shell;
