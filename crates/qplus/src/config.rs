//! The settings of this dialect.

use std::sync::Arc;

use crate::delivery::CodeDelivery;

/// What the operator decides for this dialect.
#[derive(Clone)]
pub struct Config {
    /// Who may set a new password by phone number.
    pub password_reset: PasswordReset,
    /// Who is shown a room's anchor password.
    pub expose_anchor_password: ExposeAnchorPassword,
    /// How verification codes reach their phones; `None`: `AuthCode` answers 10001.
    pub delivery: Option<Arc<dyn CodeDelivery>>,
}

/// Who may set a new password by phone number (contract qplus §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the configuration offers exactly these")]
pub enum PasswordReset {
    /// Whoever knows the number, as published.
    Open,
    /// Whoever has a session of that account, a code sent to that phone, or a grant by the operator.
    Proof,
    /// Nobody.
    Off,
}

/// Who is shown a room's anchor password, with which one publishes into it (contract qplus §4.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the configuration offers exactly these")]
pub enum ExposeAnchorPassword {
    /// The room's owner.
    Owner,
    /// Everybody who is logged in, as published.
    All,
}
