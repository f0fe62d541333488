//! The settings of this dialect.

/// What an operator decides about this dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Whether guests get push URLs and may go on and off the air.
    pub guests: bool,
    /// Seconds by which the clock of a client that signs its requests may be off in either direction.
    pub clock_skew: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self { guests: true, clock_skew: 300 }
    }
}
