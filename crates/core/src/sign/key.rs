//! Keys that sign. A type of its own, so that no key stands where the signed text belongs, and nothing can print a key.

use secrecy::{ExposeSecret as _, SecretString};

/// The text of a key. Signs nothing worth having while it is empty.
#[derive(Clone, Copy)]
pub struct Key<'a>(pub &'a str);

impl Key<'_> {
    /// Whether no key is configured.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> From<&'a SecretString> for Key<'a> {
    fn from(secret: &'a SecretString) -> Self {
        Self(secret.expose_secret())
    }
}
