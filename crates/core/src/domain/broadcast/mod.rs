//! Broadcasts: one going-on-air of a room, whichever dialect drives it.
//!
//! One broadcast per room at a time. The dialect that opened it is its *driver* and owns its clock; closing works through
//! every dialect. A new broadcast starts with counters at 0.

pub(crate) mod close;
pub(crate) mod count;
pub(crate) mod open;
pub(crate) mod stream;
