//! The interface to the channel that delivers verification codes. The channel itself is not part of this crate.

use std::{error::Error, future::Future, pin::Pin};

/// A channel that delivers verification codes to phones (contract qplus §5.1).
pub trait CodeDelivery: Send + Sync + 'static {
    /// Delivers a code. Clients wait ten seconds for the answer, so a channel must give up earlier than that.
    ///
    /// Errors: any reason why the code was not delivered; the client gets 10001.
    fn deliver<'a>(&'a self, code: VerificationCode<'a>) -> DeliveryFuture<'a>;
}

/// A verification code, and the phone that should get it.
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
    /// Makes an error with this reason. The reason is logged, so it must contain neither the phone nor the code.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}
