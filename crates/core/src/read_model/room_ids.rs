//! The ids under which broadcasts on air are shown and found as live rooms (contract roomservice §4.9, §7.5).

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    AccountId, BroadcastId, BroadcastInfo, GroupId,
    model::live_room::{folded, has_unique_ids, is_number, room_number},
};

/// The broadcasts with one id: live rooms of RoomService first, then in the order of opening.
type Holders = BTreeSet<(bool, BroadcastId, AccountId)>;

/// The ids of all broadcasts on air. A group that consists of digits is no id, because it could be a room number.
#[derive(Debug, Default)]
pub(super) struct RoomIds {
    exact: HashMap<GroupId, Holders>,
    /// The same, letter case ignored.
    folded: HashMap<String, Holders>,
    /// The broadcasts that have an id under which another one is shown.
    hidden: HashSet<BroadcastId>,
}

fn holder(info: &BroadcastInfo) -> (bool, BroadcastId, AccountId) {
    (!has_unique_ids(info.driver), info.id, info.host)
}

impl RoomIds {
    pub(super) fn insert(&mut self, info: &BroadcastInfo) {
        if !has_id(info) {
            return;
        }
        self.exact.entry(info.group_id.clone()).or_default().insert(holder(info));
        let alike = self.folded.entry(folded(&info.group_id)).or_default();
        let before = first(alike);
        alike.insert(holder(info));
        // Of the new broadcast and the one shown so far, one is hidden.
        if before.is_some() {
            self.hidden.extend([Some(info.id), before].into_iter().flatten());
        }
        if let Some(shown) = first(alike) {
            self.hidden.remove(&shown);
        }
    }

    pub(super) fn remove(&mut self, info: &BroadcastInfo) {
        if !has_id(info) {
            return;
        }
        let folded = folded(&info.group_id);
        if let Some(holders) = self.exact.get_mut(&info.group_id) {
            holders.remove(&holder(info));
            if holders.is_empty() {
                self.exact.remove(&info.group_id);
            }
        }
        if let Some(holders) = self.folded.get_mut(&folded) {
            holders.remove(&holder(info));
            self.hidden.remove(&info.id);
            match first(holders) {
                Some(shown) => {
                    self.hidden.remove(&shown);
                }
                None => {
                    self.folded.remove(&folded);
                }
            }
        }
    }

    /// The host of the broadcast that an id means, unless the id is a room number.
    pub(super) fn host(&self, id: &str) -> Option<AccountId> {
        self.exact.get(id)?.first().map(|(_, _, host)| *host)
    }

    /// The id under which a broadcast is shown: its group, or its room number if another broadcast is shown under the group.
    pub(super) fn shown(&self, info: &BroadcastInfo) -> GroupId {
        let is_own = if has_id(info) {
            !self.hidden.contains(&info.id)
        } else {
            // The own room number of the host, which no other broadcast can be shown under.
            room_number(&info.group_id) == Some(info.room)
        };
        if is_own { info.group_id.clone() } else { info.room.to_string().into() }
    }
}

/// The broadcast that is shown under an id.
fn first(holders: &Holders) -> Option<BroadcastId> {
    holders.first().map(|(_, id, _)| *id)
}

/// Whether the group of a broadcast can be its id.
fn has_id(info: &BroadcastInfo) -> bool {
    !info.group_id.is_empty() && !is_number(&info.group_id)
}
