//! Compares the pages of recordings, of their members and of short videos with the tables.

use super::{lists::Tables, runner::Runner};
use crate::{Recording, RecordingFilter, RecordingOrder, Seconds, UnixSeconds, UserId, Window};

/// Pages that cover a list of the property test, and one behind its end. One of them is read after each operation.
const PAGES: [Window; 3] =
    [Window { offset: 0, limit: 5 }, Window { offset: 5, limit: 1_000 }, Window { offset: 900, limit: 5 }];

/// The part of a list that a window shows.
fn shown<T>(list: &[T], window: Window) -> Vec<&T> {
    list.iter().skip(window.offset).take(window.limit).collect()
}

impl Runner {
    /// Compares every page with the tables.
    pub(super) async fn check_pages(&self, tables: &Tables) {
        let turn = self.performed;
        let window = PAGES[turn % PAGES.len()];
        let owner = tables.accounts.get(turn % tables.accounts.len().max(1));
        self.check_recordings(tables, None, window).await;
        self.check_recordings(tables, owner.map(|owner| owner.user_id.clone()), window).await;
        self.check_members_of_recordings(tables, window).await;
        for after in [None, Some(self.core.now() - Seconds(60))] {
            let listed: Vec<_> = tables
                .clips
                .iter()
                .filter(|clip| after.is_none_or(|after| clip.created_at > after))
                .collect();
            let page = self.core.short_videos().list(after, window).await.unwrap();
            assert_eq!(page.total, listed.len());
            assert!(page.items.iter().eq(shown(&listed, window).into_iter().copied()), "{window:?}");
        }
    }

    async fn check_recordings(&self, tables: &Tables, owner: Option<UserId>, window: Window) {
        // The recordings of the property test end every 100 seconds.
        let after = Some(UnixSeconds(1_699_000_100));
        for order in
            [RecordingOrder::Ended { after: None }, RecordingOrder::Ended { after }, RecordingOrder::Stored]
        {
            for with_play_url in [false, true] {
                let mut listed: Vec<&Recording> = tables
                    .recordings
                    .iter()
                    .filter(|one| owner.as_ref().is_none_or(|owner| one.user_id == *owner))
                    .filter(|one| !one.play_url.is_empty() || !with_play_url && !one.hls_url.is_empty())
                    .collect();
                match order {
                    RecordingOrder::Ended { after } => {
                        listed.retain(|one| after.is_none_or(|after| one.end_at > after));
                    }
                    RecordingOrder::Stored => listed.sort_by_key(|one| std::cmp::Reverse(one.id)),
                }
                let filter = RecordingFilter { with_play_url, owner: owner.clone() };
                let page = self.core.recordings().list(filter, order, window).await.unwrap();
                assert_eq!(page.total, listed.len(), "{owner:?} {order:?} {with_play_url}");
                let items = page.items.iter().map(|one| &**one);
                assert!(items.eq(shown(&listed, window).into_iter().copied()), "{order:?} {window:?}");
            }
        }
    }

    async fn check_members_of_recordings(&self, tables: &Tables, window: Window) {
        for recording in &tables.recordings {
            let members: Vec<&UserId> = tables
                .recording_members
                .iter()
                .filter(|(of, _)| *of == recording.id)
                .map(|(_, user_id)| user_id)
                .collect();
            let group = recording.file_id.as_str().into();
            let page = self.core.audiences().group(&recording.user_id, &group, window).await.unwrap();
            assert_eq!(page.total, members.len());
            let listed = page.items.iter().map(|member| &member.user_id);
            assert!(listed.eq(shown(&members, window).into_iter().copied()), "{window:?}");
        }
    }
}
