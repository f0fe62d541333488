//! The reasons why a vector fails.

use serde_json::Value;

/// Why a vector fails.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Mismatch {
    /// No algorithm has that name.
    #[error("unknown algorithm")]
    UnknownAlgorithm,
    /// The vector lacks that member, or it has the wrong type or a value out of range.
    #[error("malformed vector: {0}")]
    Malformed(String),
    /// The result is not the expected one.
    #[error("expected {expected}, got {got}")]
    Differs {
        /// Result in the vector.
        expected: Value,
        /// Result of this code.
        got: Value,
    },
}

/// The error for a member that is absent or of another type.
pub(super) fn malformed(member: &str) -> Mismatch {
    Mismatch::Malformed(member.to_owned())
}
