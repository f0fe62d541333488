//! The code that the protocol adapters of relive share.
//!
//! * [`Adapter`], [`Request`], [`Reply`]: the interface between the gateway and an adapter.
//! * [`interfaces!`], [`Interface`]: the table of an adapter. Dispatch, metric labels, documentation and the test for
//!   completeness are derived from it.
//! * [`Object`], [`Value`]: a JSON object, read as leniently as the original servers did (the last of duplicate keys
//!   counts, a byte order mark is skipped, numbers may be texts).
//! * [`replace_lone_surrogates`]: what Go's JSON decoder does before it reads a text.
//! * [`array()`], [`number()`], [`count()`]: write JSON replies piece by piece.
//!
//! **Invariant:** this crate depends on `http` and `bytes`, neither on hyper nor on the domain.

mod adapter;
mod interface;
mod json;
mod surrogate;
mod write;

pub use adapter::{Adapter, Body, Endpoint, Reply, ReplyFuture, Request};
pub use interface::Interface;
pub use json::{Integer, JsonError, Object, Value};
pub use surrogate::replace_lone_surrogates;
pub use write::{array, count, number};
