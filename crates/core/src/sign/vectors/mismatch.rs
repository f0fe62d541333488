//! The reasons why a vector does not hold.

use serde_json::Value;

/// Why a vector does not hold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Mismatch {
    /// No function here goes by that name.
    #[error("unknown algorithm")]
    UnknownAlgorithm,
    /// The vector lacks that member, or it has the wrong type or a value out of range.
    #[error("malformed vector: {0}")]
    Malformed(String),
    /// The result is another one.
    #[error("expected {expected}, got {got}")]
    Differs {
        /// What the vector says.
        expected: Value,
        /// What this code says.
        got: Value,
    },
}

/// The error for a member that is absent or of another type.
pub(super) fn malformed(member: &str) -> Mismatch {
    Mismatch::Malformed(member.to_owned())
}
