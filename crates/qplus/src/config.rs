//! The settings of this dialect.

use std::sync::Arc;

use crate::delivery::CodeDelivery;

/// The settings of the operator for this dialect.
#[derive(Clone)]
pub struct Config {
    /// The proof that setting a new password by phone number requires.
    pub password_reset: PasswordReset,
    /// The users to whom the anchor password of a room is shown.
    pub expose_anchor_password: ExposeAnchorPassword,
    /// The channel that delivers verification codes; `None`: `AuthCode` answers 10001.
    pub delivery: Option<Arc<dyn CodeDelivery>>,
}

/// The proof that setting a new password by phone number requires (contract qplus §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the configuration offers exactly these")]
pub enum PasswordReset {
    /// No proof: the phone number is enough, as published.
    Open,
    /// A session of the account, a verification code sent to the phone, or a grant by the operator.
    Proof,
    /// No proof is accepted: the call is refused.
    Off,
}

/// The users to whom the anchor password of a room is shown. A client that knows the password can publish into the room
/// (contract qplus §4.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the configuration offers exactly these")]
pub enum ExposeAnchorPassword {
    /// The owner of the room.
    Owner,
    /// All users with a session, as published.
    All,
}
