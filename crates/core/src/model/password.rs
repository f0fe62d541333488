//! Passwords, in the forms that dialects deliver and in the form that is stored.

use std::fmt;

use secrecy::SecretString;

/// A password in a form that a dialect delivers.
#[derive(Clone)]
pub struct Password(PasswordForm);

/// The forms of a password.
#[derive(Clone)]
pub(crate) enum PasswordForm {
    Plain(SecretString),
    Canonical(SecretString),
    Md5(SecretString),
}

impl Password {
    /// The text that the user typed.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(PasswordForm::Plain(text.into().into()))
    }

    /// The canonical form, which the client computes: 32 lower-case hex digits.
    pub fn canonical(digits: impl Into<String>) -> Self {
        Self(PasswordForm::Canonical(digits.into().into()))
    }

    /// MD5 of the text, 32 lower-case hex digits, as QPlus stored passwords.
    pub fn md5(digits: impl Into<String>) -> Self {
        Self(PasswordForm::Md5(digits.into().into()))
    }

    /// The form in which the dialect delivered the password.
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
