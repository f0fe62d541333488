//! How a verification code leaves the server. This crate makes the request and knows no channel.

use std::{error::Error, future::Future, pin::Pin};

/// A channel that brings verification codes to phones (contract qplus §5.1).
pub trait CodeDelivery: Send + Sync + 'static {
    /// Hands the six digits of `code` over for `phone`, a national number of 7 to 11 digits. Clients wait ten seconds for
    /// the answer, so a channel that hangs has to give up before.
    ///
    /// Errors: whatever keeps the code from its phone; the client is told 10001.
    fn deliver<'a>(&'a self, phone: &'a str, code: &'a str) -> DeliveryFuture<'a>;
}

/// The future [`CodeDelivery::deliver`] returns.
pub type DeliveryFuture<'a> = Pin<Box<dyn Future<Output = Result<(), DeliveryError>> + Send + 'a>>;

/// A code did not leave.
///
/// ```
/// let error = qplus::DeliveryError::new("the gateway answered 503");
/// assert_eq!(error.to_string(), "the verification code was not delivered");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("the verification code was not delivered")]
pub struct DeliveryError(#[source] Box<dyn Error + Send + Sync>);

impl DeliveryError {
    /// Because of this. The reason goes into the log: it must name neither phone nor code.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}
