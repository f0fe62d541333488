//! The recordings: the order of every list, and the contents of the latest recordings.

use std::sync::Arc;

use super::{
    by_id::ById,
    replay_lists::{Formats, ReplayLists},
};
use crate::{
    AccountId, Page, Recording, RecordingId, RecordingOrder, Window,
    model::{account::OwnerProfile, counter::RecordingCounters, recording::RecordingEntry},
};

/// Largest number of recordings whose contents are in memory: those that ended last. The contents of others are read from the
/// table. Small in unit tests, so that these read the table, too.
const CAPACITY: usize = if cfg!(test) { 4 } else { 50_000 };

/// A recording of a page.
#[derive(Debug, PartialEq)]
pub(crate) enum Replay {
    /// Its contents.
    InMemory(Arc<Recording>),
    /// Its contents have to be read from the table.
    InTable(RecordingId),
}

/// The order of all recordings with a URL, and the contents of the latest ones.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    lists: ReplayLists,
    /// Recordings among the first [`CAPACITY`] in the order of the end; some of those may be missing.
    contents: ById<RecordingId, Arc<Recording>>,
}

impl Replays {
    /// The recordings with some entries, without contents.
    pub(crate) fn of(entries: &[RecordingEntry]) -> Self {
        Self { lists: ReplayLists::of(entries), contents: ById::default() }
    }

    /// The number of latest recordings to load with their contents.
    pub(crate) const fn contents_to_load() -> usize {
        CAPACITY
    }

    /// Stores a new or changed recording.
    pub(crate) fn put(&mut self, recording: Arc<Recording>) {
        let Some(entry) = recording.entry() else { return };
        self.lists.insert(entry);
        if self.lists.rank(&entry) >= CAPACITY {
            return;
        }
        self.contents.insert(entry.id, recording);
        if let Some(pushed_out) = self.lists.at(CAPACITY) {
            self.contents.remove(&pushed_out);
        }
    }

    fn change(&mut self, id: RecordingId, change: impl FnOnce(&mut Recording)) {
        if let Some(row) = self.contents.get_mut(&id) {
            // A copy without the fragments: a list may be using the old value.
            let mut changed = Recording::clone(row);
            change(&mut changed);
            *row = Arc::new(changed);
        }
    }

    /// Takes over the counters of a recording.
    pub(crate) fn count(&mut self, counters: RecordingCounters) {
        self.change(counters.id, |recording| {
            recording.likes = counters.likes;
            recording.viewers = counters.viewers;
        });
    }

    /// Takes over the nickname and the avatar of an owner.
    pub(crate) fn rename(&mut self, owner: &OwnerProfile) {
        for id in self.lists.owned_among_first(owner.account, CAPACITY) {
            self.change(id, |recording| {
                recording.owner_nickname.clone_from(&owner.nickname);
                recording.owner_avatar.clone_from(&owner.avatar);
            });
        }
    }

    /// Removes all recordings of a deleted owner and returns their numbers.
    pub(crate) fn remove_owner(&mut self, owner: AccountId) -> Vec<RecordingId> {
        let removed = self.lists.remove_owner(owner);
        for id in &removed {
            self.contents.remove(id);
        }
        removed
    }

    /// A page of a list, of all recordings or of an owner's.
    pub(crate) fn page(
        &self,
        formats: Formats,
        owner: Option<AccountId>,
        order: RecordingOrder,
        window: Window,
    ) -> Page<Replay> {
        let page = self.lists.page(formats, owner, order, window);
        let replay = |id| match self.contents.get(&id) {
            Some(contents) => Replay::InMemory(Arc::clone(contents)),
            None => Replay::InTable(id),
        };
        Page { total: page.total, items: page.items.into_iter().map(replay).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixSeconds;

    const ALL: Window = Window { offset: 0, limit: 99 };

    fn recording(id: i64, end_at: i64) -> Arc<Recording> {
        Arc::new(Recording::example(id, AccountId(id % 3), UnixSeconds(end_at), "http://vod.example/1", ""))
    }

    /// All recordings in the order of the end: their numbers, and whether their contents are in memory.
    fn all(replays: &Replays) -> Vec<(i64, bool)> {
        let page = replays.page(Formats::All, None, RecordingOrder::Ended { after: None }, ALL);
        page.items
            .iter()
            .map(|replay| match replay {
                Replay::InMemory(contents) => (contents.id.0, true),
                Replay::InTable(id) => (id.0, false),
            })
            .collect()
    }

    #[test]
    fn the_contents_of_the_recordings_that_ended_last_are_in_memory() {
        let mut replays = Replays::default();
        for id in [3, 1, 5, 2, 4] {
            replays.put(recording(id, 10 * id));
        }
        assert_eq!(all(&replays), [(5, true), (4, true), (3, true), (2, true), (1, false)]);
        replays.put(recording(6, 25));
        assert_eq!(all(&replays), [(5, true), (4, true), (3, true), (6, true), (2, false), (1, false)]);
        replays.remove_owner(AccountId(2));
        assert_eq!(
            all(&replays),
            [(4, true), (3, true), (6, true), (1, false)],
            "1 comes back when it changes"
        );
        replays.put(recording(1, 10));
        replays.put(recording(7, 60));
        assert_eq!(all(&replays), [(7, true), (4, true), (3, true), (6, true), (1, false)]);
        assert_eq!(replays.contents.len(), CAPACITY);
    }

    #[test]
    fn a_rename_changes_all_recordings_of_the_owner_and_no_page_already_read() {
        let mut replays = Replays::default();
        replays.put(recording(1, 5));
        replays.put(recording(4, 6));
        replays.put(recording(2, 7));
        let everything = |replays: &Replays| -> Vec<Arc<Recording>> {
            let page = replays.page(Formats::All, None, RecordingOrder::Ended { after: None }, ALL);
            let contents = page.items.into_iter().map(|replay| match replay {
                Replay::InMemory(contents) => contents,
                Replay::InTable(id) => panic!("{id} is not in memory"),
            });
            contents.collect()
        };
        let shown = everything(&replays);
        let (nickname, avatar) = ("Mei".to_owned(), "http://img.example/1".to_owned());
        replays.rename(&OwnerProfile { account: AccountId(1), nickname, avatar });
        replays.count(RecordingCounters { id: RecordingId(2), likes: 7, viewers: 8 });
        let after = everything(&replays);
        let names: Vec<_> = after.iter().map(|row| row.owner_nickname.as_str()).collect();
        assert_eq!(names, ["", "Mei", "Mei"]);
        assert_eq!((after[0].likes, after[0].viewers), (7, 8));
        assert!(shown.iter().all(|row| row.owner_nickname.is_empty() && row.likes == 0));
    }
}
