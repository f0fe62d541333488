//! The latest recordings, as lists show them.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::ranked::Ranked;
use crate::{
    AccountId, Page, Recording, RecordingFilter, RecordingId, RecordingOrder, UnixSeconds, Window,
    model::{account::OwnerProfile, counter::RecordingCounters},
};

/// Largest number of recordings in memory; older ones are read from the table.
const CAPACITY: usize = 50_000;

/// Position in a list: latest end first; of equal ends the later stored first.
type ReplayPosition = (Reverse<UnixSeconds>, Reverse<i64>);

fn position(recording: &Recording) -> ReplayPosition {
    (Reverse(recording.end_at), Reverse(recording.id.0))
}

/// The recordings with a URL that ended after `complete_after`, in list order.
#[derive(Debug)]
pub(crate) struct Replays {
    rows: HashMap<i64, Arc<Recording>>,
    of_owner: HashMap<AccountId, BTreeSet<i64>>,
    all: Ranked<ReplayPosition>,
    with_play_url: Ranked<ReplayPosition>,
    /// Recordings that ended at this time or earlier may be missing.
    complete_after: UnixSeconds,
    capacity: usize,
}

impl Default for Replays {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Replays {
    /// An empty set for so many recordings.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            rows: HashMap::new(),
            of_owner: HashMap::new(),
            all: Ranked::default(),
            with_play_url: Ranked::default(),
            complete_after: UnixSeconds::MIN,
            capacity,
        }
    }

    /// Rows to load: the capacity, plus one to detect that there are more.
    pub(crate) const fn rows_to_load() -> usize {
        CAPACITY + 1
    }

    /// Stores a new or changed recording.
    pub(crate) fn put(&mut self, recording: Arc<Recording>) {
        self.remove(recording.id);
        if recording.play_url.is_empty() && recording.hls_url.is_empty()
            || recording.end_at <= self.complete_after
        {
            return;
        }
        self.all.insert(position(&recording));
        if !recording.play_url.is_empty() {
            self.with_play_url.insert(position(&recording));
        }
        self.of_owner.entry(recording.owner).or_default().insert(recording.id.0);
        self.rows.insert(recording.id.0, recording);
        while self.rows.len() > self.capacity
            && let Some((Reverse(end_at), Reverse(id))) = self.all.last()
        {
            // Other recordings of the same second may have been removed, too.
            self.complete_after = end_at;
            self.remove(RecordingId(id));
        }
    }

    /// Removes a recording.
    pub(crate) fn remove(&mut self, id: RecordingId) {
        let Some(old) = self.rows.remove(&id.0) else { return };
        self.all.remove(&position(&old));
        self.with_play_url.remove(&position(&old));
        if let Some(ids) = self.of_owner.get_mut(&old.owner) {
            ids.remove(&id.0);
            if ids.is_empty() {
                self.of_owner.remove(&old.owner);
            }
        }
    }

    fn change(&mut self, id: i64, change: impl FnOnce(&mut Recording)) {
        if let Some(row) = self.rows.get_mut(&id) {
            // A copy without the fragments: a list may be using the old value.
            let mut changed = Recording::clone(row);
            change(&mut changed);
            *row = Arc::new(changed);
        }
    }

    /// Takes over the counters of a recording.
    pub(crate) fn count(&mut self, counters: RecordingCounters) {
        self.change(counters.id.0, |recording| {
            recording.likes = counters.likes;
            recording.viewers = counters.viewers;
        });
    }

    /// Takes over the nickname and the avatar of an owner.
    pub(crate) fn rename(&mut self, owner: &OwnerProfile) {
        for id in self.of_owner.get(&owner.account).cloned().unwrap_or_default() {
            self.change(id, |recording| {
                recording.owner_nickname.clone_from(&owner.nickname);
                recording.owner_avatar.clone_from(&owner.avatar);
            });
        }
    }

    /// Removes all recordings of a deleted owner.
    pub(crate) fn remove_owner(&mut self, owner: AccountId) {
        for id in self.of_owner.remove(&owner).unwrap_or_default() {
            self.remove(RecordingId(id));
        }
    }

    /// A page of a list; `None` if the list has to be read from the table.
    pub(crate) fn page(
        &self,
        filter: &RecordingFilter,
        order: RecordingOrder,
        window: Window,
    ) -> Option<Page<Arc<Recording>>> {
        let after = filter.ended_after.unwrap_or(UnixSeconds::MIN);
        if filter.owner.is_some() || order != RecordingOrder::Ended || after < self.complete_after {
            return None;
        }
        let list = if filter.with_play_url { &self.with_play_url } else { &self.all };
        let total = match filter.ended_after {
            None => list.len(),
            Some(after) => list.rank(&(Reverse(after), Reverse(i64::MAX))),
        };
        let items = list
            .from(window.offset)
            .take(window.limit.min(total.saturating_sub(window.offset)))
            .filter_map(|(_, Reverse(id))| self.rows.get(&id).map(Arc::clone))
            .collect();
        Some(Page { total, items })
    }

    #[cfg(test)]
    pub(crate) fn everything(&self) -> Vec<Recording> {
        self.all.from(0).map(|(_, Reverse(id))| (*self.rows[&id]).clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recording(id: i64, end_at: i64, play: bool) -> Arc<Recording> {
        let url = |there: bool| if there { "http://vod.example/1" } else { "" };
        Arc::new(Recording::example(id, AccountId(id % 3), UnixSeconds(end_at), url(play), url(!play)))
    }

    fn filter(with_play_url: bool, ended_after: Option<UnixSeconds>) -> RecordingFilter {
        RecordingFilter { with_play_url, ended_after, ..RecordingFilter::default() }
    }

    proptest! {
        /// With a small capacity a page is either correct or refused.
        #[test]
        fn pages_are_right_or_refused(
            steps in proptest::collection::vec((0..4_u8, 1..30_i64, any::<bool>()), 1..80),
            capacity in 1..40_usize,
            after in proptest::option::of(0..12_i64),
            offset in 0..10_usize,
        ) {
            let mut replays = Replays::with_capacity(capacity);
            let after = after.map(UnixSeconds);
            let mut whole: Vec<Arc<Recording>> = Vec::new();
            for (what, id, play) in steps {
                whole.retain(|row| match what { 3 => row.owner != AccountId(id % 3), _ => row.id.0 != id });
                match what {
                    0 | 1 => {
                        // The end of a recording never changes.
                        whole.push(recording(id, id % 10, play));
                        replays.put(recording(id, id % 10, play));
                    }
                    2 => replays.remove(RecordingId(id)),
                    _ => replays.remove_owner(AccountId(id % 3)),
                }
            }
            whole.sort_by_key(|row| position(row));
            for with_play_url in [false, true] {
                let listed: Vec<_> = whole
                    .iter()
                    .filter(|row| !with_play_url || !row.play_url.is_empty())
                    .filter(|row| after.is_none_or(|after| row.end_at > after))
                    .collect();
                let window = Window { offset, limit: 5 };
                let page = replays.page(&filter(with_play_url, after), RecordingOrder::Ended, window);
                if let Some(page) = page {
                    prop_assert_eq!(page.total, listed.len());
                    prop_assert!(page.items.iter().eq(listed.into_iter().skip(offset).take(5)));
                } else {
                    prop_assert!(whole.len() > capacity || after.is_some_and(|after| after < replays.complete_after)
                        || replays.complete_after > UnixSeconds::MIN);
                }
            }
        }
    }

    #[test]
    fn a_rename_changes_all_recordings_of_the_owner_and_no_page_already_read() {
        let mut replays = Replays::default();
        replays.put(recording(1, 5, true));
        replays.put(recording(4, 6, true));
        replays.put(recording(2, 7, true));
        let shown = replays.page(&filter(true, None), RecordingOrder::Ended, Window { offset: 0, limit: 9 });
        let (nickname, avatar) = ("Mei".to_owned(), "http://img.example/1".to_owned());
        replays.rename(&OwnerProfile { account: AccountId(1), nickname, avatar });
        replays.count(RecordingCounters { id: RecordingId(2), likes: 7, viewers: 8 });
        let after = replays.everything();
        let names: Vec<_> = after.iter().map(|row| row.owner_nickname.as_str()).collect();
        assert_eq!(names, ["", "Mei", "Mei"]);
        assert_eq!((after[0].likes, after[0].viewers), (7, 8));
        assert!(shown.unwrap().items.iter().all(|row| row.owner_nickname.is_empty() && row.likes == 0));
    }
}
