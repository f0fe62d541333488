//! [`Core`](core::Core) and its accessors. A method answers from the read model, reads tables, or runs functions
//! of the domain as jobs.

mod accounts;
mod audiences;
mod broadcasts;
pub(crate) mod cloud;
mod commit;
pub(crate) mod core;
mod live_rooms;
mod recordings;
mod rooms;
mod sessions;
mod short_videos;
mod start;
pub(crate) mod streams;
mod upkeep;
