//! The order of every list of recordings.

use std::cmp::Reverse;

use super::ranked::{Ranked, merged_from};
use crate::{
    AccountId, Page, RecordingId, RecordingOrder, UnixSeconds, Window, model::recording::RecordingEntry,
};

/// Position in a list in the order of the end: latest end first; of equal ends the later stored first.
type ByEnd = (Reverse<UnixSeconds>, Reverse<i64>);

/// Position in a list in the order of storing, latest first.
type ByNumber = Reverse<i64>;

/// The recordings of a list by position: those with the URL of a file, and those with only the URL of a playlist. A list shows
/// the former, or both.
#[derive(Debug)]
struct ByFormat<K> {
    files: Ranked<K>,
    playlists: Ranked<K>,
}

impl<K> Default for ByFormat<K> {
    fn default() -> Self {
        Self { files: Ranked::default(), playlists: Ranked::default() }
    }
}

impl<K: Ord + Copy> ByFormat<K> {
    fn of(entries: &[RecordingEntry], position: impl Fn(&RecordingEntry) -> K) -> Self {
        let with = |has_file| entries.iter().filter(move |entry| entry.has_file == has_file).map(&position);
        Self { files: with(true).collect(), playlists: with(false).collect() }
    }

    fn insert(&mut self, position: K, entry: RecordingEntry) {
        if entry.has_file {
            self.playlists.remove(&position);
            self.files.insert(position);
        } else {
            self.playlists.insert(position);
        }
    }

    fn remove(&mut self, position: &K) {
        self.files.remove(position);
        self.playlists.remove(position);
    }

    fn len(&self) -> usize {
        self.files.len() + self.playlists.len()
    }

    fn rank(&self, position: &K) -> usize {
        self.files.rank(position) + self.playlists.rank(position)
    }

    /// All recordings from an index on.
    fn from(&self, index: usize) -> impl Iterator<Item = K> + '_ {
        merged_from(&self.files, &self.playlists, index)
    }

    /// A page of the positions before `end` and not before `start`; without these, of all.
    fn page(&self, formats: Formats, start: Option<&K>, end: Option<&K>, window: Window) -> Page<K> {
        let rank = |position: &K| match formats {
            Formats::Files => self.files.rank(position),
            Formats::All => self.rank(position),
        };
        let len = match formats {
            Formats::Files => self.files.len(),
            Formats::All => self.len(),
        };
        let first = start.map_or(0, rank);
        let total = end.map_or(len, rank).saturating_sub(first);
        let limit = window.limit.min(total.saturating_sub(window.offset));
        if limit == 0 {
            return Page { total, items: Vec::new() };
        }
        let from = first + window.offset;
        let items = match formats {
            Formats::Files => self.files.from(from).take(limit).collect(),
            Formats::All => self.from(from).take(limit).collect(),
        };
        Page { total, items }
    }
}

/// The recordings that a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formats {
    /// Those with the URL of a file.
    Files,
    /// Those with any URL.
    All,
}

/// The positions of all recordings with a URL, for each order, in the lists of all recordings and in those of their owners.
/// 64 bytes per recording.
#[derive(Debug, Default)]
pub(super) struct ReplayLists {
    ended: ByFormat<ByEnd>,
    stored: ByFormat<ByNumber>,
    ended_of_owner: ByFormat<(AccountId, ByEnd)>,
    stored_of_owner: ByFormat<(AccountId, ByNumber)>,
}

fn by_end(entry: &RecordingEntry) -> ByEnd {
    (Reverse(entry.end_at), Reverse(entry.id.0))
}

fn by_number(entry: &RecordingEntry) -> ByNumber {
    Reverse(entry.id.0)
}

/// The bounds of an owner's positions: the first possible one, and the first possible one of the next owner.
fn owned<K: Copy>(owner: AccountId, first: K) -> ((AccountId, K), (AccountId, K)) {
    ((owner, first), (AccountId(owner.0.saturating_add(1)), first))
}

/// The smallest possible position.
const FIRST_BY_END: ByEnd = (Reverse(UnixSeconds::MAX), Reverse(i64::MAX));
/// The smallest possible position.
const FIRST_BY_NUMBER: ByNumber = Reverse(i64::MAX);

impl ReplayLists {
    pub(super) fn of(entries: &[RecordingEntry]) -> Self {
        Self {
            ended: ByFormat::of(entries, by_end),
            stored: ByFormat::of(entries, by_number),
            ended_of_owner: ByFormat::of(entries, |entry| (entry.owner, by_end(entry))),
            stored_of_owner: ByFormat::of(entries, |entry| (entry.owner, by_number(entry))),
        }
    }

    /// Adds a recording, or takes over that a recording has a file now.
    pub(super) fn insert(&mut self, entry: RecordingEntry) {
        self.ended.insert(by_end(&entry), entry);
        self.stored.insert(by_number(&entry), entry);
        self.ended_of_owner.insert((entry.owner, by_end(&entry)), entry);
        self.stored_of_owner.insert((entry.owner, by_number(&entry)), entry);
    }

    /// Removes all recordings of an owner and returns their numbers.
    pub(super) fn remove_owner(&mut self, owner: AccountId) -> Vec<RecordingId> {
        let (start, end) = owned(owner, FIRST_BY_END);
        let all = Window { offset: 0, limit: usize::MAX };
        let removed = self.ended_of_owner.page(Formats::All, Some(&start), Some(&end), all).items;
        for (owner, position) in &removed {
            let number = position.1;
            self.ended.remove(position);
            self.stored.remove(&number);
            self.ended_of_owner.remove(&(*owner, *position));
            self.stored_of_owner.remove(&(*owner, number));
        }
        removed.into_iter().map(|(_, (_, Reverse(id)))| RecordingId(id)).collect()
    }

    /// The numbers of the recordings of an owner that are among the first so many in the order of the end.
    pub(super) fn owned_among_first(&self, owner: AccountId, count: usize) -> Vec<RecordingId> {
        let beyond = self.ended.from(count).next();
        let (start, end) = owned(owner, FIRST_BY_END);
        self.ended_of_owner
            .from(self.ended_of_owner.rank(&start))
            .take_while(|position| *position < end && beyond.is_none_or(|beyond| position.1 < beyond))
            .map(|(_, (_, Reverse(id)))| RecordingId(id))
            .collect()
    }

    /// The index of a recording in the order of the end.
    pub(super) fn rank(&self, entry: &RecordingEntry) -> usize {
        self.ended.rank(&by_end(entry))
    }

    /// The recording at an index in the order of the end.
    pub(super) fn at(&self, index: usize) -> Option<RecordingId> {
        self.ended.from(index).next().map(|(_, Reverse(id))| RecordingId(id))
    }

    /// A page of a list, of all recordings or of an owner's.
    pub(super) fn page(
        &self,
        formats: Formats,
        owner: Option<AccountId>,
        order: RecordingOrder,
        window: Window,
    ) -> Page<RecordingId> {
        match (order, owner) {
            (RecordingOrder::Ended { after }, None) => {
                let end = after.map(ended_by);
                numbers(self.ended.page(formats, None, end.as_ref(), window), |(_, number)| number)
            }
            (RecordingOrder::Ended { after }, Some(owner)) => {
                let (start, end) = owned(owner, FIRST_BY_END);
                let end = after.map_or(end, |after| (owner, ended_by(after)));
                let page = self.ended_of_owner.page(formats, Some(&start), Some(&end), window);
                numbers(page, |(_, (_, number))| number)
            }
            (RecordingOrder::Stored, None) => {
                numbers(self.stored.page(formats, None, None, window), |number| number)
            }
            (RecordingOrder::Stored, Some(owner)) => {
                let (start, end) = owned(owner, FIRST_BY_NUMBER);
                let page = self.stored_of_owner.page(formats, Some(&start), Some(&end), window);
                numbers(page, |(_, number)| number)
            }
        }
    }
}

/// The first possible position of a recording that ended at a time or earlier.
fn ended_by(time: UnixSeconds) -> ByEnd {
    (Reverse(time), Reverse(i64::MAX))
}

fn numbers<K>(page: Page<K>, number: impl Fn(K) -> ByNumber) -> Page<RecordingId> {
    let items = page.items.into_iter().map(|position| RecordingId(number(position).0)).collect();
    Page { total: page.total, items }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(id: i64, has_file: bool) -> RecordingEntry {
        let (owner, end_at) = (AccountId(id % 3), UnixSeconds(id % 10));
        RecordingEntry { id: RecordingId(id), owner, end_at, has_file }
    }

    proptest! {
        /// Inserting, changing and deleting leads to the lists that sorting gives.
        #[test]
        fn pages_are_those_of_the_sorted_list(
            loaded in proptest::collection::btree_map(1..30_i64, any::<bool>(), 0..20),
            steps in proptest::collection::vec((0..5_u8, 1..30_i64, any::<bool>()), 0..80),
            after in proptest::option::of(0..12_i64),
            offset in 0..10_usize,
        ) {
            let mut whole: Vec<_> = loaded.into_iter().map(|(id, has_file)| entry(id, has_file)).collect();
            let mut lists = ReplayLists::of(&whole);
            for (what, id, has_file) in steps {
                if what == 0 {
                    let owner = AccountId(id % 3);
                    let mut removed = lists.remove_owner(owner);
                    removed.sort_unstable();
                    let mut expected: Vec<_> =
                        whole.extract_if(.., |entry| entry.owner == owner).map(|entry| entry.id).collect();
                    expected.sort_unstable();
                    prop_assert_eq!(removed, expected);
                } else {
                    // A file is never taken away.
                    let known = whole.extract_if(.., |entry| entry.id.0 == id).any(|entry| entry.has_file);
                    whole.push(entry(id, has_file || known));
                    lists.insert(entry(id, has_file || known));
                }
            }
            whole.sort_by_key(by_end);
            prop_assert!(whole.iter().enumerate().all(|(index, entry)| lists.rank(entry) == index));
            prop_assert_eq!(lists.at(offset), whole.get(offset).map(|entry| entry.id));
            let after = after.map(UnixSeconds);
            let owners = [None, Some(AccountId(0)), Some(AccountId(2)), Some(AccountId(9))];
            for (formats, owner) in [Formats::Files, Formats::All].into_iter().flat_map(|f| owners.map(|o| (f, o))) {
                for order in [RecordingOrder::Ended { after }, RecordingOrder::Stored] {
                    let mut listed: Vec<_> = whole
                        .iter()
                        .filter(|entry| formats == Formats::All || entry.has_file)
                        .filter(|entry| owner.is_none_or(|owner| entry.owner == owner))
                        .filter(|entry| match order {
                            RecordingOrder::Ended { after } => after.is_none_or(|after| entry.end_at > after),
                            RecordingOrder::Stored => true,
                        })
                        .collect();
                    if order == RecordingOrder::Stored {
                        listed.sort_by_key(|entry| by_number(entry));
                    }
                    let page = lists.page(formats, owner, order, Window { offset, limit: 5 });
                    prop_assert_eq!(page.total, listed.len());
                    let expected = listed.iter().skip(offset).take(5).map(|entry| entry.id);
                    prop_assert!(page.items.into_iter().eq(expected));
                }
            }
            let first: Vec<_> = whole.iter().take(offset).filter(|one| one.owner == AccountId(1)).map(|one| one.id).collect();
            prop_assert_eq!(lists.owned_among_first(AccountId(1), offset), first);
        }
    }
}
