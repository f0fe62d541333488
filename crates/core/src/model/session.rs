//! A session in memory: whose token it is, when it was used last, how far it has read its lists.

use std::{
    fmt,
    hash::{Hash, Hasher},
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

/// SHA-256 of a token: what is stored and looked up. A look-up by digest tells nothing through its timing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TokenHash([u8; 32]);

impl Hash for TokenHash {
    /// Any part of a SHA-256 is as good as the whole.
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

    /// From 64 hex digits.
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

/// The stored values a [`Session`] is made of.
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

/// A live session. Cheap to hold: one per logged-in client.
// In this order: what every request looks at is side by side, so that as little as possible comes from main memory.
#[repr(C)]
pub struct Session {
    pub(crate) dialect: Dialect,
    dirty: AtomicBool,
    /// It has read on since the cursors were last written down.
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
    /// A session whose clock and cursors stand as they are stored.
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

    /// Whose session it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The id the account is known by.
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The token, in the dialect whose requests are signed with it; `None` elsewhere.
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

    /// Whether the token still opens doors.
    pub(crate) fn is_alive(&self, config: SessionConfig, now: UnixSeconds) -> bool {
        now < rule::session_ends_at(self.dialect, self.opened_at, self.used_at(), config)
    }

    /// Notes a use; whether the flush has to be told.
    pub(crate) fn record_use(&self, now: UnixSeconds) -> bool {
        self.used_at.advance(now) && !self.dirty.swap(true, Ordering::Relaxed)
    }

    /// It has read on in its lists, up to there.
    pub(crate) fn set_cursors(&self, to: [Cursor; 2]) {
        let mut cursors = self.cursors();
        *cursors = to;
        // Under the lock: nobody takes the old place for the new one, or puts an older one over it.
        self.cursors_dirty.store(true, Ordering::Relaxed);
    }

    /// Whether it has read on since that was last written down.
    pub(crate) fn has_dirty_cursors(&self) -> bool {
        self.cursors_dirty.load(Ordering::Relaxed)
    }

    /// What the flush writes: when it was used last, and how far it has read if that has changed.
    pub(crate) fn take_dirty(&self) -> (UnixSeconds, Option<String>) {
        self.dirty.store(false, Ordering::Relaxed);
        let cursors = self.cursors();
        let moved = self.cursors_dirty.swap(false, Ordering::Relaxed);
        (self.used_at(), moved.then(|| format_cursors(*cursors)))
    }

    /// What the flush took could not be written.
    pub(crate) fn restore_dirty(&self, cursors: bool) {
        self.dirty.store(true, Ordering::Relaxed);
        self.cursors_dirty.fetch_or(cursors, Ordering::Relaxed);
    }

    pub(crate) fn advance_used_at(&self, at: UnixSeconds) {
        self.used_at.advance(at);
    }

    /// Takes over what another copy of it knows better.
    pub(crate) fn merge(&self, other: &Self) {
        self.advance_used_at(other.used_at());
        let theirs = *other.cursors();
        let mut cursors = self.cursors();
        if !self.has_dirty_cursors() {
            *cursors = theirs;
        }
    }
}

/// What a login hands out.
#[derive(Clone)]
pub struct IssuedSession {
    /// Whose session it is.
    pub account: AccountId,
    /// The id the account is known by.
    pub user_id: UserId,
    /// 32 lower-case hex digits: 128 random bits.
    pub token: SecretString,
    /// The same form, for the dialect that has one; else empty.
    pub refresh_token: SecretString,
    /// How long the token lives (unused, where use prolongs it).
    pub expires_in: Seconds,
}

impl fmt::Debug for IssuedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedSession for {}", self.user_id)
    }
}

/// The use of a session, as the next flush writes it.
#[derive(Debug)]
pub(crate) struct SessionUse {
    pub(crate) digest: TokenHash,
    pub(crate) used_at: UnixSeconds,
    /// How far the session has read, in the text form of [`format_cursors`], if that has changed.
    pub(crate) cursors: Option<String>,
}
