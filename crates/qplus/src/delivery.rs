//! Verification codes on their way to phones. This crate makes the request and knows no channel.

use std::{error::Error, future::Future, pin::Pin};

/// A channel that brings verification codes to phones (contract qplus §5.1).
pub trait CodeDelivery: Send + Sync + 'static {
    /// Delivers a code. Clients wait ten seconds for the answer, so a channel must give up earlier than that.
    ///
    /// Errors: any reason why the code does not reach the phone; the client is told 10001.
    fn deliver<'a>(&'a self, code: VerificationCode<'a>) -> DeliveryFuture<'a>;
}

/// A code and the phone for which it is meant.
#[derive(Clone, Copy)]
pub struct VerificationCode<'a> {
    /// A national number of 7 to 11 digits.
    pub phone: &'a str,
    /// Six digits.
    pub code: &'a str,
}

/// The future [`CodeDelivery::deliver`] returns.
pub type DeliveryFuture<'a> = Pin<Box<dyn Future<Output = Result<(), DeliveryError>> + Send + 'a>>;

/// A code was not delivered.
///
/// ```
/// let error = qplus::DeliveryError::new("the gateway answered 503");
/// assert_eq!(error.to_string(), "the verification code was not delivered");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("the verification code was not delivered")]
pub struct DeliveryError(#[source] Box<dyn Error + Send + Sync>);

impl DeliveryError {
    /// An error with this reason. The reason is logged: it must contain neither the phone nor the code.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}
