//! What somebody may do next, and how often.

use relive_core::{Counted, Random as _, Role, Step, TestRandom};

use crate::plain::{GUESTS, USERS};

/// Groups a v1 viewer may name.
pub(crate) const GROUPS: [&str; 3] = ["g", "10004", "other"];
/// Kinds a room may be reported as.
pub(crate) const KINDS: [&str; 2] = ["live", "other"];

/// One act; whoever acts comes first, the host it concerns second.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
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
    Wait(i64),
}

/// Chooses acts.
#[derive(Debug)]
pub(crate) struct Chance(TestRandom);

impl Chance {
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

    fn anybody(&self) -> usize {
        self.below(USERS)
    }

    fn registered(&self) -> usize {
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

    /// The next act.
    pub(crate) fn act(&self) -> Act {
        match self.below(100) {
            0..3 => Act::Announce(self.anybody(), self.below(GROUPS.len())),
            3..9 => Act::SetOnAir(self.anybody(), self.below(3) > 0),
            9..18 => Act::EnterGroup(self.anybody(), self.anybody(), self.below(GROUPS.len())),
            18..23 => Act::QuitGroup(self.anybody(), self.anybody(), self.below(GROUPS.len())),
            23..33 => {
                let counted = if self.flip() { Counted::Like } else { Counted::AnonymousViewer };
                Act::Count(self.anybody(), counted, if self.below(3) > 0 { Step::Up } else { Step::Down })
            }
            33..35 => Act::Prepare(self.registered()),
            35..39 => Act::Report(self.registered(), i64::from(self.flip()) + 1, self.below(KINDS.len())),
            39..41 => Act::Exit(self.registered(), self.anybody()),
            41..51 => Act::Enter(self.registered(), self.anybody(), self.role()),
            51..54 => Act::Leave(self.registered(), self.anybody()),
            54..56 => Act::RequestMic(self.registered(), self.anybody()),
            56..59 => Act::SetMic(self.registered(), self.anybody(), self.flip()),
            59..69 => {
                let likes = [None, Some(0), Some(3), Some(9), Some(-1)][self.below(5)];
                Act::Beat(self.registered(), self.role(), likes)
            }
            69..74 => Act::Push(self.registered(), [2, 75, 75, 615][self.below(4)]),
            74 => Act::StopPush(self.registered()),
            75..82 => Act::Watch(self.registered(), self.anybody()),
            82..84 => Act::Unwatch(self.registered(), self.anybody()),
            84 => Act::Plan(self.registered()),
            85 => Act::Rename(self.registered(), self.below(3)),
            86..89 => Act::Started(self.anybody(), self.sequence()),
            89..92 => Act::Stopped(self.anybody(), self.sequence()),
            _ => Act::Wait(self.seconds()),
        }
    }
}
