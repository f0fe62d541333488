//! The settings of this dialect.

use secrecy::SecretString;

/// What an operator may set for this adapter.
#[derive(Debug, Clone)]
pub struct Config {
    /// Routes (a path behind the mount, such as `/sxb_dev`) whose clients get the later form of `recordlist`: `playurl`
    /// as an array, `index` as a page number from 1. They are served in addition to the fixed ones (contract sxb §1.5).
    pub client_profile: Vec<String>,
    /// Whether `timeStamp` and `sign` are checked (contract sxb §2.1).
    pub require_sign: bool,
    /// What is appended to the URL before it is hashed for `sign`; may be empty.
    pub sign_secret: SecretString,
    /// Seconds by which `timeStamp` may differ from the server's clock.
    pub sign_window: i64,
    /// Ids of the accounts that may use `account/kickout`.
    pub admins: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            client_profile: vec!["/sxb_dev".to_owned(), "/sxb_new".to_owned()],
            require_sign: false,
            sign_secret: SecretString::default(),
            sign_window: 300,
            admins: Vec::new(),
        }
    }
}
