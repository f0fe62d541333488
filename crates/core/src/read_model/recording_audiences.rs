//! The order of entry of the members of recordings.

use super::ranked::Ranked;
use crate::{Page, RecordingId, Window, model::audience::RecordingMember};

/// The members of all recordings. 16 bytes per member; names and pictures are read from the table.
#[derive(Debug, Default)]
pub(crate) struct RecordingAudiences {
    members: Ranked<RecordingMember>,
}

/// Before the first member of a recording.
fn start(recording: RecordingId) -> RecordingMember {
    RecordingMember { recording, position: i64::MIN }
}

impl RecordingAudiences {
    pub(crate) fn of(members: Vec<RecordingMember>) -> Self {
        Self { members: members.into_iter().collect() }
    }

    pub(super) fn insert(&mut self, member: RecordingMember) {
        self.members.insert(member);
    }

    pub(super) fn remove(&mut self, member: RecordingMember) {
        self.members.remove(&member);
    }

    /// Removes all members of a recording.
    pub(super) fn remove_recording(&mut self, recording: RecordingId) {
        let all = Window { offset: 0, limit: usize::MAX };
        for position in self.page(recording, all).items {
            self.members.remove(&RecordingMember { recording, position });
        }
    }

    /// The number of members of all recordings.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// A page of the members of a recording: their order of entry, ascending.
    pub(crate) fn page(&self, recording: RecordingId, window: Window) -> Page<i64> {
        let first = self.members.rank(&start(recording));
        let next = self.members.rank(&start(RecordingId(recording.0.saturating_add(1))));
        let total = next.saturating_sub(first);
        let limit = window.limit.min(total.saturating_sub(window.offset));
        if limit == 0 {
            return Page { total, items: Vec::new() };
        }
        let members = self.members.from(first + window.offset).take(limit);
        Page { total, items: members.map(|member| member.position).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_members_of_one_recording() {
        let member = |recording, position| RecordingMember { recording: RecordingId(recording), position };
        let mut audiences =
            RecordingAudiences::of(vec![member(2, 9), member(1, 4), member(2, 3), member(3, 1)]);
        audiences.insert(member(2, 12));
        audiences.insert(member(1, 7));
        audiences.remove(member(1, 4));
        let page = |audiences: &RecordingAudiences, recording, offset, limit| {
            let page = audiences.page(RecordingId(recording), Window { offset, limit });
            (page.total, page.items)
        };
        assert_eq!(page(&audiences, 1, 0, 9), (1, vec![7]));
        assert_eq!(page(&audiences, 2, 1, 9), (3, vec![9, 12]));
        assert_eq!(page(&audiences, 2, 0, 1), (3, vec![3]));
        assert_eq!(page(&audiences, 2, 3, 1), (3, vec![]));
        assert_eq!(page(&audiences, 2, usize::MAX, usize::MAX), (3, vec![]));
        assert_eq!(page(&audiences, 4, 0, 9), (0, vec![]));
        audiences.remove_recording(RecordingId(2));
        assert_eq!(page(&audiences, 2, 0, 9), (0, vec![]));
        assert_eq!(page(&audiences, 3, 0, 9), (1, vec![1]));
    }
}
