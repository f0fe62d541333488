//! The settings of this dialect.

use relive_core::Seconds;

/// The settings of the operator for this dialect. The lifetimes of its tokens belong to [`relive_core::SessionConfig`],
/// all cloud keys to [`relive_core::CloudConfig`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Length of time by which the clock of a client may be off in either direction (contract minilvb-v2 §2.4).
    pub clock_skew: Seconds,
    /// The unit of `index` in the two lists.
    pub index_mode: IndexMode,
    /// UTC offset of the times in replies, in seconds to the east; 28,800 is UTC+8. At most 93,599 in either direction.
    pub utc_offset: i32,
    /// Age from which an entry is no longer listed; 0: no limit.
    pub list_window: Seconds,
    /// Whether `cos_info.Appid` is a JSON number instead of a string, for iOS builds that fail on a string.
    pub cos_appid_as_number: bool,
}

impl Default for Config {
    /// The values that seed 001 and its clients expect.
    fn default() -> Self {
        Self {
            clock_skew: Seconds(86_400),
            index_mode: IndexMode::Offset,
            utc_offset: 28_800,
            list_window: Seconds(7 * 86_400),
            cos_appid_as_number: false,
        }
    }
}

/// The unit of `index` in a list (contract minilvb-v2 §8, conflict 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexMode {
    /// Entries, counted from 0, as in seed 001.
    Offset,
    /// Pages, counted from 1, as in the original server; 0 is the first page, too.
    Page,
}
