//! The read model, the data served from memory: broadcasts on air, audiences, deadlines, open sessions, recent
//! recordings, and the order of the lists whose contents stay in the tables.
//!
//! The read model decides nothing. Jobs decide by the tables; after a commit their changes are applied here, before the
//! callers are answered. Only clocks (beats, the last uses of sessions) move here first and are flushed to the tables later.

pub(crate) mod audience;
mod by_id;
pub(crate) mod clips;
pub(crate) mod directory;
pub(crate) mod expiry;
mod group;
pub(crate) mod live;
pub(crate) mod member;
pub(crate) mod memory;
mod ranked;
pub(crate) mod recording_audiences;
pub(crate) mod refresh;
pub(crate) mod replay_lists;
pub(crate) mod replays;
pub(crate) mod revocations;
pub(crate) mod room_cache;
mod room_ids;
pub(crate) mod sessions;
#[cfg(test)]
mod tests;
