//! Live rooms: broadcasts under an id of their own, which clients name and several anchors push into (contract roomservice §4,
//! §7).
//!
//! A room is created first, which prepares a broadcast, and opens when its creator enters as an anchor. The creator's beat is
//! the clock of the broadcast.

pub(crate) mod anchor;
pub(crate) mod audience;
mod claim;
pub(crate) mod custom_field;
mod lookup;
pub(crate) mod room;
