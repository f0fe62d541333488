//! Broadcasts: a broadcast is one going on air of a room.
//!
//! A room has one broadcast at a time. The dialect that opened the broadcast is its *driver* and alone renews its lease; every
//! dialect can close it. A new broadcast starts with counters at 0.

pub(crate) mod close;
pub(crate) mod count;
pub(crate) mod open;
pub(crate) mod stream;
