//! Sessions: account, last use, and how far the session has read its lists.

use std::{
    fmt,
    hash::{Hash, Hasher},
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::{
    clock::AtomicTime,
    cursor::{Cursor, format_cursors},
    id::{AccountId, Dialect},
    name::UserId,
    rule,
};
use crate::{Seconds, UnixSeconds, config::SessionConfig};

/// SHA-256 of a token, which is stored and looked up instead of the token. The time of a lookup reveals nothing about a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TokenHash([u8; 32]);

impl Hash for TokenHash {
    /// Uses a part of the digest, because any part of a SHA-256 is distributed like the whole.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.first_chunk().map_or(0, |part| u64::from_le_bytes(*part)));
    }
}

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Parses 64 hex digits.
    pub(crate) fn from_hex(digits: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

/// The stored values of a [`Session`].
pub(crate) struct StoredSession {
    pub(crate) digest: TokenHash,
    pub(crate) dialect: Dialect,
    pub(crate) account: AccountId,
    pub(crate) user_id: UserId,
    pub(crate) token: Option<SecretString>,
    pub(crate) opened_at: UnixSeconds,
    pub(crate) used_at: UnixSeconds,
    pub(crate) cursors: [Cursor; 2],
}

/// A session.
// The order of the fields puts those that every request reads side by side, so that they share a cache line.
#[repr(C)]
pub struct Session {
    pub(crate) dialect: Dialect,
    dirty: AtomicBool,
    /// Whether the cursors have moved since they were last written.
    cursors_dirty: AtomicBool,
    used_at: AtomicTime,
    pub(crate) account: AccountId,
    pub(crate) digest: TokenHash,
    opened_at: UnixSeconds,
    pub(crate) user_id: UserId,
    token: Option<SecretString>,
    cursors: Mutex<[Cursor; 2]>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?} of {})", self.dialect, self.user_id)
    }
}

impl Session {
    /// A session with the stored clock and cursors.
    pub(crate) fn new(stored: StoredSession) -> Self {
        Self {
            digest: stored.digest,
            cursors: Mutex::new(stored.cursors),
            dialect: stored.dialect,
            account: stored.account,
            user_id: stored.user_id,
            token: stored.token,
            opened_at: stored.opened_at,
            used_at: AtomicTime::new(stored.used_at),
            dirty: AtomicBool::new(false),
            cursors_dirty: AtomicBool::new(false),
        }
    }

    /// The account of the session.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The user id of the account.
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The token, in the dialect whose requests it signs; `None` in the others.
    pub fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    /// The token in the clear, for keyed digests; empty where [`Session::token`] is `None`.
    pub fn expose_token(&self) -> &str {
        self.token.as_ref().map_or("", |token| token.expose_secret())
    }

    pub(crate) fn used_at(&self) -> UnixSeconds {
        self.used_at.get()
    }

    pub(crate) fn cursors(&self) -> MutexGuard<'_, [Cursor; 2]> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first second in which the session has ended if it is not used any more.
    pub(crate) fn idle_ends_at(&self, config: SessionConfig) -> UnixSeconds {
        rule::idle_session_ends_at(self.used_at(), rule::watching_idle(self.dialect, config))
    }

    /// Whether the token is still valid.
    pub(crate) fn is_alive(&self, config: SessionConfig, now: UnixSeconds) -> bool {
        now < rule::session_ends_at(self.dialect, self.opened_at, self.used_at(), config)
    }

    /// Whether a client has used the session since it was opened (minilvb-v2).
    pub(crate) fn is_used(&self) -> bool {
        rule::signed_session_is_used(self.opened_at, self.used_at())
    }

    /// Records a use; returns whether the session just became dirty.
    pub(crate) fn record_use(&self, now: UnixSeconds) -> bool {
        let now = match self.dialect {
            Dialect::MinilvbV2 => now.max(self.opened_at + Seconds(1)),
            _ => now,
        };
        self.used_at.advance(now) && !self.dirty.swap(true, Ordering::Relaxed)
    }

    /// Sets how far the session has read its lists.
    pub(crate) fn set_cursors(&self, to: [Cursor; 2]) {
        let mut cursors = self.cursors();
        *cursors = to;
        // Set under the lock, so that no flush takes the old cursors for the new ones and no merge overwrites the new ones.
        self.cursors_dirty.store(true, Ordering::Relaxed);
    }

    /// Whether the cursors have moved since they were last written.
    pub(crate) fn has_dirty_cursors(&self) -> bool {
        self.cursors_dirty.load(Ordering::Relaxed)
    }

    /// Takes the values that a flush writes: the last use, and the cursors if they have moved.
    pub(crate) fn take_dirty(&self) -> (UnixSeconds, Option<String>) {
        self.dirty.store(false, Ordering::Relaxed);
        let cursors = self.cursors();
        let moved = self.cursors_dirty.swap(false, Ordering::Relaxed);
        (self.used_at(), moved.then(|| format_cursors(*cursors)))
    }

    /// Marks the values as dirty again, because the flush that took them failed.
    pub(crate) fn restore_dirty(&self, cursors: bool) {
        self.dirty.store(true, Ordering::Relaxed);
        self.cursors_dirty.fetch_or(cursors, Ordering::Relaxed);
    }

    /// Moves the last use by a length, but not into the future; returns whether it moved and was not dirty yet. The last use of
    /// a minilvb-v2 session says nothing about silence and stays as it is.
    pub(crate) fn shift(&self, by: Seconds, now: UnixSeconds) -> bool {
        self.dialect != Dialect::MinilvbV2
            && self.used_at.shift(by, now)
            && !self.dirty.swap(true, Ordering::Relaxed)
    }

    /// Whether the session was opened after a time.
    pub(crate) fn is_opened_after(&self, time: UnixSeconds) -> bool {
        self.opened_at > time
    }

    pub(crate) fn advance_used_at(&self, at: UnixSeconds) {
        self.used_at.advance(at);
    }

    /// Takes over the later use, and the cursors unless its own have moved, of another copy of the session.
    pub(crate) fn merge(&self, other: &Self) {
        self.advance_used_at(other.used_at());
        let theirs = *other.cursors();
        let mut cursors = self.cursors();
        if !self.has_dirty_cursors() {
            *cursors = theirs;
        }
    }
}

/// The tokens that a login issues.
#[derive(Clone)]
pub struct IssuedSession {
    /// The account of the session.
    pub account: AccountId,
    /// The user id of the account.
    pub user_id: UserId,
    /// 32 lower-case hex digits: 128 random bits.
    pub token: SecretString,
    /// The refresh token, in the same form; empty in a dialect without one.
    pub refresh_token: SecretString,
    /// Lifetime of the token; in a dialect where a use prolongs it, the lifetime without a use.
    pub expires_in: Seconds,
}

impl fmt::Debug for IssuedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedSession for {}", self.user_id)
    }
}

/// A refresh token that a client offers for new tokens (minilvb-v2).
#[derive(Clone)]
pub struct RefreshOffer {
    /// The user id that the client names.
    pub user_id: UserId,
    /// The refresh token.
    pub token: SecretString,
    /// The client's address.
    pub client: IpAddr,
}

impl fmt::Debug for RefreshOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshOffer of {} from {}", self.user_id, self.client)
    }
}

/// The values of a session that the next flush writes.
#[derive(Debug)]
pub(crate) struct SessionUse {
    pub(crate) digest: TokenHash,
    pub(crate) used_at: UnixSeconds,
    /// The cursors in the text form of [`format_cursors`], if they have moved.
    pub(crate) cursors: Option<String>,
}
