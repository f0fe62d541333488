//! Fragments: the bytes that a dialect writes for a value, kept with the value.
//!
//! Lists show the same broadcasts and recordings again and again, to every client in the same form. The core does not know the
//! form. It keeps a fragment per dialect with the value, and drops it when the value changes.

use std::{fmt, sync::OnceLock};

use crate::Dialect;

/// The bytes that a dialect writes for a value, before and after the numbers that change often, such as counters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fragment {
    /// The bytes before the first such number; all bytes if there is none.
    pub head: Box<[u8]>,
    /// The bytes after the last such number.
    pub tail: Box<[u8]>,
}

/// The fragments of one value, one per dialect. A clone has no fragments, and fragments do not count in comparisons.
#[derive(Default)]
pub(crate) struct Fragments([OnceLock<Fragment>; 5]);

impl Fragments {
    /// The fragment of a dialect; `make` makes it at the first call.
    pub(crate) fn of(&self, dialect: Dialect, make: impl FnOnce() -> Fragment) -> &Fragment {
        let [v1, v2, sxb, qplus, room_service] = &self.0;
        let slot = match dialect {
            Dialect::MinilvbV1 => v1,
            Dialect::MinilvbV2 => v2,
            Dialect::Sxb => sxb,
            Dialect::Qplus => qplus,
            Dialect::RoomService => room_service,
        };
        slot.get_or_init(make)
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
