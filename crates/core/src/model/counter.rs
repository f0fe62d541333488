//! Counters: likes, viewers without a name, and steps that are taken together.

use diesel::Queryable;

use super::{
    id::RecordingId,
    name::{FileId, UserId},
};

/// One more or one less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One more; nothing happens at 2^31-1.
    Up,
    /// One less; nothing happens at 0.
    Down,
}

impl Step {
    pub(crate) fn by(self) -> i64 {
        match self {
            Self::Up => 1,
            Self::Down => -1,
        }
    }
}

/// What is counted one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counted {
    /// A like; apart from the number a host reports.
    Like,
    /// A viewer without a name; apart from the named audience.
    AnonymousViewer,
}

/// One counter, and how its storms of steps find each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Counter {
    /// Of the latest broadcast of a user.
    Broadcast { user_id: UserId, counted: Counted },
    /// Of a recording of a user.
    Recording { owner: UserId, file_id: FileId, counted: Counted },
}

/// Counters stay within what clients can hold.
pub(crate) const LARGEST_COUNT: i64 = i32::MAX as i64;

/// Steps taken one after the other, each stopping at 0 and at [`LARGEST_COUNT`]: together they make `x` to
/// `(x + by)`, but at least `low` and at most `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) by: i64,
    pub(crate) low: i64,
    pub(crate) high: i64,
}

impl Steps {
    pub(crate) const NONE: Self = Self { by: 0, low: 0, high: LARGEST_COUNT };

    /// These steps and one more.
    pub(crate) fn then(self, step: i64) -> Self {
        let within = |bound: i64| (bound + step).clamp(0, LARGEST_COUNT);
        Self { by: self.by + step, low: within(self.low), high: within(self.high) }
    }
}

/// A broadcast's counters as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Queryable)]
pub(crate) struct Counters {
    /// Likes counted one by one.
    pub(crate) counted_likes: i64,
    /// Likes as the host reported them last.
    pub(crate) host_likes: i64,
    /// Viewers counted without a name.
    pub(crate) anonymous: i64,
    /// Grows with every step where several gateways count. With SQLite nobody asks: its writer applies steps in their order.
    pub(crate) version: i64,
}

impl Counters {
    /// These, or the others if those are newer.
    pub(crate) fn or_newer(self, others: Self) -> Self {
        if others.version > self.version { others } else { self }
    }
}

/// A recording's counters as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub(crate) struct RecordingCounters {
    pub(crate) id: RecordingId,
    pub(crate) likes: i64,
    pub(crate) viewers: i64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn steps_together_are_steps_one_by_one(
            start in prop_oneof![0_i64..4, LARGEST_COUNT - 4..=LARGEST_COUNT],
            ups in proptest::collection::vec(any::<bool>(), 0..12),
        ) {
            let (mut one_by_one, mut together) = (start, Steps::NONE);
            for up in ups {
                let step = if up { 1 } else { -1 };
                one_by_one = (one_by_one + step).clamp(0, LARGEST_COUNT);
                together = together.then(step);
            }
            prop_assert_eq!((start + together.by).clamp(together.low, together.high), one_by_one);
        }
    }
}
