//! [`Core`](core::Core) and its accessors: each method checks what memory can answer, or calls one function of the domain.

mod accounts;
mod audiences;
mod broadcasts;
pub(crate) mod cloud;
mod commit;
pub(crate) mod core;
mod recordings;
mod rooms;
mod sessions;
mod short_videos;
mod start;
mod streams;
mod upkeep;
