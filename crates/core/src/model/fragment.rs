//! What adapters make of a piece of data that does not change, kept with it.
//!
//! A list shows the same broadcasts and recordings again and again, to everybody in the same words. The domain does not
//! know the words; it only keeps them, per dialect, as long as what they describe stays as it is.

use std::{fmt, sync::OnceLock};

use crate::Dialect;

/// How one dialect writes a piece of data: the bytes before and behind what changes all the time, such as counters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fragment {
    /// Up to the first number that changes; everything, if none does.
    pub head: Box<[u8]>,
    /// From behind the last number that changes.
    pub tail: Box<[u8]>,
}

/// One place per dialect. A copy of the data starts with empty places, and two data are equal whatever is kept with them.
#[derive(Default)]
pub(crate) struct Fragments([OnceLock<Fragment>; 4]);

impl Fragments {
    /// What is kept for a dialect, made now if it is the first time.
    pub(crate) fn of(&self, dialect: Dialect, make: impl FnOnce() -> Fragment) -> &Fragment {
        let [v1, v2, sxb, qplus] = &self.0;
        let place = match dialect {
            Dialect::MinilvbV1 => v1,
            Dialect::MinilvbV2 => v2,
            Dialect::Sxb => sxb,
            Dialect::Qplus => qplus,
        };
        place.get_or_init(make)
    }
}

impl Clone for Fragments {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Fragments {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Fragments {}

impl fmt::Debug for Fragments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fragments")
    }
}
