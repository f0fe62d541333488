//! The relive server: everything between a socket and a protocol adapter, and everything an operator touches.
//!
//! * [`Gateway`]: a running server, startable in-process (port 0, other clock, other adapters).
//! * [`config`]: names, defaults, layers, origins, validation, generated secrets.
//! * [`cli`]: the `relive` command.
//! * `listener` → `connection` → `front` → `mount` → adapter: the way of a request, with `limits`, `client_address`
//!   and `body` standing at it. `admin` is the operator's listener, `observe` the log lines and metrics.
//! * `compose`: the one list of adapters; `code_delivery` how qplus' verification codes leave; `storage` the private
//!   place of a SQLite database.
//!
//! **Invariants:** only this crate reads the environment, the wall clock's factory and signals, and knows hyper. It
//! knows no dialect: paths, envelopes and codes are the adapters', except the answer to a path nobody owns and the words
//! of `relive user show`.

mod admin;
mod body;
mod client_address;
mod code_delivery;
mod compose;
mod connection;
mod front;
mod gateway;
mod limits;
mod listener;
mod mount;
mod observe;
mod storage;

pub mod cli;
pub mod config;

#[cfg(test)]
mod testing;

pub use gateway::{Gateway, GatewayError};
pub use mount::Mounted;
