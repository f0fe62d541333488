//! The actions of users and of the media cloud, and how often each is chosen.

use relive_core::{Counted, FieldChange, FieldValue, Random as _, Role, Step, TestRandom};

use crate::model::{GUESTS, USERS};

/// Groups that a v1 viewer may name.
pub(crate) const GROUPS: [&str; 3] = ["g", "10004", "other"];
/// Kinds that a room may be reported as.
pub(crate) const KINDS: [&str; 2] = ["live", "other"];

/// Custom fields of live rooms.
pub(crate) const FIELDS: [&str; 3] = ["gifts", "topic", "round"];

/// The changes of a custom field that are chosen from.
const FIELD_CHANGES: usize = 5;

/// Returns a change of a custom field by its index. The last one makes the field a text, to which no number is added.
pub(crate) fn field_change(index: usize) -> FieldChange {
    match index {
        0 | 1 => FieldChange::Add(3),
        2 => FieldChange::Add(-1),
        3 => FieldChange::Set(FieldValue::Number(i64::from(i32::MAX) - 2)),
        _ => FieldChange::Set(FieldValue::Text("tea".to_owned())),
    }
}

/// One action: the acting user is the first field, the host concerned the second.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    Announce(usize, usize),
    SetOnAir(usize, bool),
    EnterGroup(usize, usize, usize),
    QuitGroup(usize, usize, usize),
    Count(usize, Counted, Step),
    Prepare(usize),
    Report(usize, i64, usize),
    Exit(usize, usize),
    Enter(usize, usize, Role),
    Leave(usize, usize),
    RequestMic(usize, usize),
    SetMic(usize, usize, bool),
    Beat(usize, Role, Option<i64>),
    Push(usize, i64),
    StopPush(usize),
    Watch(usize, usize),
    Unwatch(usize, usize),
    Plan(usize),
    Rename(usize, usize),
    Started(usize, Option<u8>),
    Stopped(usize, Option<u8>),
    CreateRoom(usize),
    EnterAsAnchor(usize, usize),
    LeaveAsAnchor(usize, usize),
    BeatAsAnchor(usize, usize),
    WatchRoom(usize, usize),
    LeaveRoom(usize, usize),
    Like(usize, i64),
    /// A field and a change, by their indexes.
    ChangeField(usize, usize, usize, usize),
    Wait(i64),
}

/// Chooses actions at random.
#[derive(Debug)]
pub(crate) struct Generator(TestRandom);

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(TestRandom::seeded(seed))
    }

    pub(crate) fn below(&self, limit: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % u64::try_from(limit).unwrap()).unwrap()
    }

    fn flip(&self) -> bool {
        self.below(2) == 0
    }

    fn any_user(&self) -> usize {
        self.below(USERS)
    }

    fn registered_user(&self) -> usize {
        GUESTS + self.below(USERS - GUESTS)
    }

    fn role(&self) -> Role {
        [Role::Viewer, Role::Viewer, Role::OnMic, Role::Host][self.below(4)]
    }

    fn sequence(&self) -> Option<u8> {
        [None, Some(1), Some(2)][self.below(3)]
    }

    fn seconds(&self) -> i64 {
        let longest = [3, 3, 20, 20, 60, 100, 1_000, 4_000][self.below(8)];
        i64::try_from(self.below(longest)).unwrap()
    }

    /// Chooses the next action.
    pub(crate) fn next(&self) -> Action {
        match self.below(136) {
            0..3 => Action::Announce(self.any_user(), self.below(GROUPS.len())),
            3..9 => Action::SetOnAir(self.any_user(), self.below(3) > 0),
            9..18 => Action::EnterGroup(self.any_user(), self.any_user(), self.below(GROUPS.len())),
            18..23 => Action::QuitGroup(self.any_user(), self.any_user(), self.below(GROUPS.len())),
            23..33 => {
                let counted = if self.flip() { Counted::Like } else { Counted::AnonymousViewer };
                Action::Count(self.any_user(), counted, if self.below(3) > 0 { Step::Up } else { Step::Down })
            }
            33..35 => Action::Prepare(self.registered_user()),
            35..39 => {
                Action::Report(self.registered_user(), i64::from(self.flip()) + 1, self.below(KINDS.len()))
            }
            39..41 => Action::Exit(self.registered_user(), self.any_user()),
            41..51 => Action::Enter(self.registered_user(), self.any_user(), self.role()),
            51..54 => Action::Leave(self.registered_user(), self.any_user()),
            54..56 => Action::RequestMic(self.registered_user(), self.any_user()),
            56..59 => Action::SetMic(self.registered_user(), self.any_user(), self.flip()),
            59..69 => {
                let likes = [None, Some(0), Some(3), Some(9), Some(-1)][self.below(5)];
                Action::Beat(self.registered_user(), self.role(), likes)
            }
            69..74 => Action::Push(self.registered_user(), [2, 75, 75, 615][self.below(4)]),
            74 => Action::StopPush(self.registered_user()),
            75..82 => Action::Watch(self.registered_user(), self.any_user()),
            82..84 => Action::Unwatch(self.registered_user(), self.any_user()),
            84 => Action::Plan(self.registered_user()),
            85 => Action::Rename(self.registered_user(), self.below(3)),
            86..89 => Action::Started(self.any_user(), self.sequence()),
            89..92 => Action::Stopped(self.any_user(), self.sequence()),
            92..96 => Action::CreateRoom(self.registered_user()),
            96..103 => {
                let host = self.registered_user();
                Action::EnterAsAnchor(host, if self.flip() { host } else { self.registered_user() })
            }
            103..106 => Action::LeaveAsAnchor(self.registered_user(), self.registered_user()),
            106..114 => Action::BeatAsAnchor(self.registered_user(), self.registered_user()),
            114..119 => Action::WatchRoom(self.registered_user(), self.any_user()),
            119..121 => Action::LeaveRoom(self.registered_user(), self.any_user()),
            121..123 => Action::Like(self.any_user(), [1, 10, -1, -4][self.below(4)]),
            123..129 => {
                let (user, host) = (self.registered_user(), self.any_user());
                let user = if host >= GUESTS && self.flip() { host } else { user };
                Action::ChangeField(user, host, self.below(FIELDS.len()), self.below(FIELD_CHANGES))
            }
            _ => Action::Wait(self.seconds()),
        }
    }
}
