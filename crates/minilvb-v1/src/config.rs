//! The settings of this dialect.

use relive_core::Seconds;

/// The settings of the operator for this dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Whether guests get push URLs and may go on and off the air.
    pub guests: bool,
    /// Whether imported accounts act without proof, as on the original server.
    pub trust_imported: bool,
    /// Length of time by which the clock of a client may be off in either direction if the client signs its requests.
    pub clock_skew: Seconds,
}

impl Default for Config {
    fn default() -> Self {
        Self { guests: true, trust_imported: false, clock_skew: Seconds(86_400) }
    }
}
