//! The order of the list of short videos.

use std::cmp::Reverse;

use super::ranked::Ranked;
use crate::{Page, ShortVideoId, UnixSeconds, Window, model::short_video::ShortVideoEntry};

/// All short videos, the latest upload first. 16 bytes per video; their contents are read from the table.
#[derive(Debug, Default)]
pub(crate) struct Clips {
    latest_first: Ranked<Reverse<ShortVideoEntry>>,
}

impl Clips {
    pub(crate) fn of(entries: Vec<ShortVideoEntry>) -> Self {
        Self { latest_first: entries.into_iter().map(Reverse).collect() }
    }

    pub(super) fn insert(&mut self, entry: ShortVideoEntry) {
        self.latest_first.insert(Reverse(entry));
    }

    pub(super) fn remove(&mut self, entry: ShortVideoEntry) {
        self.latest_first.remove(&Reverse(entry));
    }

    /// A page of the videos uploaded later than `after`.
    pub(crate) fn page(&self, after: UnixSeconds, window: Window) -> Page<ShortVideoId> {
        let first_too_old = ShortVideoEntry { created_at: after, id: ShortVideoId(i64::MAX) };
        let total = self.latest_first.rank(&Reverse(first_too_old));
        let limit = window.limit.min(total.saturating_sub(window.offset));
        let entries = self.latest_first.from(window.offset).take(limit);
        Page { total, items: entries.map(|Reverse(entry)| entry.id).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_latest_videos_of_a_time_first() {
        let entry =
            |created_at, id| ShortVideoEntry { created_at: UnixSeconds(created_at), id: ShortVideoId(id) };
        let mut clips = Clips::of(vec![entry(5, 2), entry(7, 1)]);
        clips.insert(entry(5, 3));
        clips.insert(entry(9, 4));
        clips.remove(entry(9, 4));
        let page = |after, offset, limit| {
            let page = clips.page(UnixSeconds(after), Window { offset, limit });
            (page.total, page.items.iter().map(|id| id.0).collect::<Vec<_>>())
        };
        assert_eq!(page(i64::MIN, 0, 9), (3, vec![1, 3, 2]));
        assert_eq!(page(i64::MIN, 1, 1), (3, vec![3]));
        assert_eq!(page(4, 0, 9), (3, vec![1, 3, 2]));
        assert_eq!(page(5, 0, 9), (1, vec![1]));
        assert_eq!(page(7, 0, 9), (0, vec![]));
        assert_eq!(page(4, usize::MAX, usize::MAX), (3, vec![]));
    }
}
