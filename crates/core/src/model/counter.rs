//! Counters: likes, anonymous viewers, and the sum of several steps.

use diesel::Queryable;

use super::{
    id::RecordingId,
    name::{FileId, UserId},
};

/// A step of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Adds 1; without effect at 2^31-1.
    Up,
    /// Subtracts 1; without effect at 0.
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

/// The kinds of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counted {
    /// Likes, without those that a host reports.
    Like,
    /// Anonymous viewers, who are not members.
    AnonymousViewer,
}

/// One counter. Concurrent steps with equal values share a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Counter {
    /// A counter of a user's latest broadcast.
    Broadcast { user_id: UserId, counted: Counted },
    /// A counter of a user's recording.
    Recording { owner: UserId, file_id: FileId, counted: Counted },
}

/// The largest value of a counter: clients read 32-bit numbers.
pub(crate) const LARGEST_COUNT: i64 = i32::MAX as i64;

/// The sum of several steps, each of which stops at 0 and at [`LARGEST_COUNT`]: together they change `x` to `x + by`, but at
/// least to `low` and at most to `high`.
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
    /// Anonymous viewers.
    pub(crate) anonymous: i64,
    /// Grows with every statement in PostgreSQL, where counters may arrive out of order. Not used with SQLite, whose writer keeps
    /// the order.
    pub(crate) version: i64,
}

impl Counters {
    /// These counters, or the others if those have a higher version.
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
        fn a_sum_of_steps_equals_the_steps_one_by_one(
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
