//! The identifiers of the lines that a dry run has checked, for finding duplicates inside a file.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
};

use relive_core::NewAccount;

/// Identifiers remembered at most, in about 80 MB.
const MOST: usize = 4_000_000;

/// A set of identifiers, kept as hashes: for ten million of them the odds that two are taken for one are 1 to 300,000.
#[derive(Default)]
pub(super) struct Seen {
    /// User ids in lower case.
    folded: HashSet<u64>,
    /// User ids, phone numbers and e-mail addresses.
    identifiers: HashSet<u64>,
    state: RandomState,
}

impl Seen {
    /// Whether later accounts were not remembered.
    pub(super) fn is_full(&self) -> bool {
        self.folded.len() + self.identifiers.len() >= MOST
    }

    /// Adds an account if none of its identifiers is used, by the rules of a registration. Fails with the field and the reason.
    pub(super) fn add(&mut self, account: &NewAccount) -> Result<(), &'static str> {
        let hash = |text: &str| self.state.hash_one(text);
        let (id, folded) = (hash(&account.user_id), hash(&account.user_id.to_ascii_lowercase()));
        let (phone, email) = (account.phone.as_deref().map(hash), account.email.as_deref().map(hash));
        if self.folded.contains(&folded) {
            return Err("id: the same as in an earlier line, or different in letter case only");
        }
        if self.identifiers.contains(&id) {
            return Err("id: the phone number or e-mail address of an earlier line");
        }
        let used = |identifier: Option<u64>| identifier.is_some_and(|hash| self.identifiers.contains(&hash));
        if used(phone) {
            return Err("phone: used by an earlier line");
        }
        if used(email) {
            return Err("email: used by an earlier line");
        }
        if !self.is_full() {
            self.folded.insert(folded);
            self.identifiers.extend([Some(id), phone, email].into_iter().flatten());
        }
        Ok(())
    }
}
