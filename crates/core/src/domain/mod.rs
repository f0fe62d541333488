//! The rules: each operation that changes something is a function over a transaction, tested without a runtime.
//!
//! A rule decides by the tables alone, never by the read model, which may be older than the tables.

pub(crate) mod account;
pub(crate) mod actor;
pub(crate) mod audience;
pub(crate) mod broadcast;
pub(crate) mod future;
pub(crate) mod group;
pub(crate) mod live_room;
pub(crate) mod login;
pub(crate) mod overview;
pub(crate) mod push_ttl;
pub(crate) mod recording;
pub(crate) mod registration;
pub(crate) mod report;
pub(crate) mod room;
pub(crate) mod session;
pub(crate) mod short_video;
pub(crate) mod stream_code;
#[cfg(test)]
mod tests;
pub(crate) mod verification;
