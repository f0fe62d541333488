//! A password in the forms in which dialects deliver it, and as it is stored.

use std::fmt;

use secrecy::SecretString;

/// A password as some dialect delivers it.
#[derive(Clone)]
pub struct Password(PasswordForm);

/// What is known of a password.
#[derive(Clone)]
pub(crate) enum PasswordForm {
    Plain(SecretString),
    Canonical(SecretString),
    Md5(SecretString),
}

impl Password {
    /// The text the user typed.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(PasswordForm::Plain(text.into().into()))
    }

    /// The canonical form, 32 lower-case hex digits, made by the client.
    pub fn canonical(digits: impl Into<String>) -> Self {
        Self(PasswordForm::Canonical(digits.into().into()))
    }

    /// MD5 of the text, 32 lower-case hex digits: what QPlus stored.
    pub fn md5(digits: impl Into<String>) -> Self {
        Self(PasswordForm::Md5(digits.into().into()))
    }

    /// The form in which the password came.
    pub(crate) fn form(&self) -> &PasswordForm {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// The salted slow hash of a password, in PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StoredPassword(pub(crate) String);
