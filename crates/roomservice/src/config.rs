//! The settings of this dialect.

/// The settings of the operator for this dialect (contract roomservice §9). The lifetime of its tokens belongs to
/// [`relive_core::SessionConfig`], its time-outs to [`relive_core::TimeoutConfig`], all keys to [`relive_core::CloudConfig`].
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Whether anybody gets a ticket for a new random user (`utils/get_login_info`).
    pub test_users: bool,
    /// Whether acceleration URLs carry the signature of the push URL, with which every viewer could publish.
    pub sign_accelerate_url: bool,
}
