//! The settings of this dialect.

/// How this dialect is to behave. The lives of its tokens are the core's business
/// ([`relive_core::SessionConfig`]), and so are all cloud keys ([`relive_core::CloudConfig`]).
#[derive(Debug, Clone)]
pub struct Config {
    /// Seconds by which a client's clock may be off in either direction (contract minilvb-v2 §2.4).
    pub clock_skew: i64,
    /// What `index` of the two lists counts.
    pub index_mode: IndexMode,
    /// Seconds east of UTC of the times in replies; 28,800 is UTC+8. At most 93,599 either way.
    pub utc_offset: i32,
    /// Age in seconds at which an entry leaves the two lists; 0 = never.
    pub list_window: i64,
    /// Whether `cos_info.Appid` is a JSON number instead of a string, for iOS builds that stop at a string.
    pub cos_appid_as_number: bool,
}

impl Default for Config {
    /// What seed 001 and its clients expect.
    fn default() -> Self {
        Self {
            clock_skew: 300,
            index_mode: IndexMode::Offset,
            utc_offset: 28_800,
            list_window: 7 * 86_400,
            cos_appid_as_number: false,
        }
    }
}

/// What `index` of a list counts (contract minilvb-v2 §8, conflict 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexMode {
    /// Entries from 0, as seed 001 has it.
    Offset,
    /// Pages from 1, as the original server had it; 0 is the first page too.
    Page,
}
