//! The relive server: everything between a socket and a protocol adapter, and everything an operator touches.
//!
//! * [`Gateway`]: a running server, which tests can start in-process (port 0, other clock, other adapters).
//! * [`config`]: names, defaults, layers, origins, validation, generated secrets.
//! * [`cli`]: the `relive` command.
//! * `listener` → `connection` → `front` → `mount` → adapter: the path of a request. `limits`, `client_address`, `body`,
//!   `budget` and `unsent` are used on this path. `admin` is the operator's listener, `observe` holds log lines and metrics.
//! * `compose` builds the enabled adapters, `code_delivery` sends qplus' verification codes, `storage` creates the file
//!   of a SQLite database with private permissions.
//!
//! **Invariants:** only this crate reads the environment, handles signals, chooses the clock and uses hyper. Paths,
//! envelopes and codes belong to the adapters; this crate knows only two of their replies, those to a path that no
//! adapter owns, and the terms in the output of `relive user show`.

mod admin;
mod body;
mod budget;
mod client_address;
mod code_delivery;
mod compose;
mod connection;
mod descriptors;
mod front;
mod gateway;
mod limits;
mod listener;
mod mount;
mod observe;
mod path;
mod storage;
mod unsent;

pub mod cli;
pub mod config;

#[cfg(test)]
mod testing;

pub use gateway::{Gateway, GatewayError};
pub use mount::Mounted;
