//! What the protocol adapters of relive share, and nothing else.
//!
//! * [`Adapter`], [`Request`], [`Reply`]: the seam between the gateway and an adapter.
//! * [`interfaces!`], [`Interface`]: the one table of an adapter, from which its dispatch, its metric labels, its
//!   documentation and its completeness test follow.
//! * [`Object`], [`Value`]: a borrowed JSON object with the habits the old servers had (duplicate keys: last wins, a
//!   byte order mark is skipped, numbers as text), so that leniency has one name and one place.
//!
//! **Invariant:** this crate knows `http` and `bytes`, never hyper, never the domain.

mod adapter;
mod interface;
mod json;
mod write;

pub use adapter::{Adapter, Body, Endpoint, Reply, ReplyFuture, Request};
pub use interface::Interface;
pub use json::{Integer, JsonError, Object, Value};
pub use write::{array, count, number};
