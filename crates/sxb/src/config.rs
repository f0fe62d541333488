//! The settings of this dialect.

use relive_core::{Seconds, UserId};
use secrecy::SecretString;

/// The settings of the operator for this dialect.
#[derive(Debug, Clone)]
pub struct Config {
    /// Routes (a path below the mount, such as `/sxb_dev`) whose clients use the later form of `recordlist`: `playurl`
    /// is an array, and `index` is a page number from 1. These routes are served in addition to the fixed ones
    /// (contract sxb §1.5).
    pub client_profile: Vec<String>,
    /// Routes whose clients read `playurl` of `recordlist` as an array while `index` stays an offset: the apps of January to
    /// April 2017, which called `/sxb`. These routes are served as well (contract sxb §0 R4).
    pub array_playurl: Vec<String>,
    /// Whether `timeStamp` and `sign` are checked (contract sxb §2.1).
    pub require_sign: bool,
    /// The secret that is appended to the URL before the URL is hashed for `sign`; may be empty.
    pub sign_secret: SecretString,
    /// Length of time by which `timeStamp` may differ from the server's clock.
    pub sign_window: Seconds,
    /// Ids of the accounts that may use `account/kickout`.
    pub admins: Vec<UserId>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            client_profile: vec!["/sxb_dev".to_owned(), "/sxb_new".to_owned()],
            array_playurl: Vec::new(),
            require_sign: false,
            sign_secret: SecretString::default(),
            sign_window: Seconds(300),
            admins: Vec::new(),
        }
    }
}
