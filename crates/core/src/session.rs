//! Sessions: who a token speaks for, and for how long.
//!
//! Policy by dialect: sxb one session per account, alive while used; minilvb-v2 one, of a fixed life, with a refresh
//! token; qplus several, alive while used. A dialect never ends another dialect's sessions, only a password change does.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Nullable, Text},
};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    AccountId, Core, Dialect, Error, Result, SessionConfig, UnixSeconds,
    live::{Change, ListPosition},
    memory::advance,
    random, rule,
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, sessions},
    },
};

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

/// A row of the table.
#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
pub(crate) struct SessionRow {
    pub(crate) digest: Vec<u8>,
    pub(crate) dialect: Dialect,
    pub(crate) account_id: AccountId,
    pub(crate) token: Option<String>,
    pub(crate) refresh_digest: Option<Vec<u8>>,
    pub(crate) refresh_until: Option<UnixSeconds>,
    pub(crate) opened_at: UnixSeconds,
    pub(crate) used_at: UnixSeconds,
    pub(crate) cursors: String,
}

impl SessionRow {
    /// The session of this row; `None` for a row without a token hash, which no gateway writes.
    pub(crate) fn session(&self, user_id: Arc<str>) -> Option<Session> {
        Some(Session::new(StoredSession {
            digest: TokenHash::from_bytes(&self.digest)?,
            dialect: self.dialect,
            account: self.account_id,
            user_id,
            token: self.token.clone().map(SecretString::from),
            opened_at: self.opened_at,
            used_at: self.used_at,
            cursors: parse_cursors(&self.cursors),
        }))
    }
}

impl fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionRow({:?} of {})", self.dialect, self.account_id)
    }
}

/// How far a session has read one of its lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// The last broadcast it got.
    pub(crate) on_air: Option<ListPosition>,
    /// The owner of the last room off air it got.
    pub(crate) off_air: Option<AccountId>,
}

/// The stored values a [`Session`] is made of.
pub(crate) struct StoredSession {
    pub(crate) digest: TokenHash,
    pub(crate) dialect: Dialect,
    pub(crate) account: AccountId,
    pub(crate) user_id: Arc<str>,
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
    read_on: AtomicBool,
    used_at: AtomicI64,
    pub(crate) account: AccountId,
    pub(crate) digest: TokenHash,
    opened_at: UnixSeconds,
    pub(crate) user_id: Arc<str>,
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
            used_at: AtomicI64::new(stored.used_at),
            dirty: AtomicBool::new(false),
            read_on: AtomicBool::new(false),
        }
    }

    /// Whose session it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The id the account is known by.
    pub fn user_id(&self) -> &str {
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
        self.used_at.load(Ordering::Relaxed)
    }

    pub(crate) fn cursors(&self) -> MutexGuard<'_, [Cursor; 2]> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the token still opens doors.
    pub(crate) fn is_alive(&self, config: SessionConfig, now: UnixSeconds) -> bool {
        now < rule::session_ends_at(self.dialect, self.opened_at, self.used_at(), config)
    }

    /// Notes a use; whether the flush has to be told.
    pub(crate) fn touch(&self, now: UnixSeconds) -> bool {
        advance(&self.used_at, now) && !self.dirty.swap(true, Ordering::Relaxed)
    }

    /// It has read on in its lists, up to there.
    pub(crate) fn read_on(&self, to: [Cursor; 2]) {
        let mut cursors = self.cursors();
        *cursors = to;
        // Under the lock: nobody takes the old place for the new one, or puts an older one over it.
        self.read_on.store(true, Ordering::Relaxed);
    }

    /// Whether it has read on since that was last written down.
    pub(crate) fn has_read_on(&self) -> bool {
        self.read_on.load(Ordering::Relaxed)
    }

    /// What the flush writes: when it was used last, and how far it has read if that has changed.
    pub(crate) fn take_dirty(&self) -> (UnixSeconds, Option<String>) {
        self.dirty.store(false, Ordering::Relaxed);
        let cursors = self.cursors();
        let read_on = self.read_on.swap(false, Ordering::Relaxed);
        (self.used_at(), read_on.then(|| format_cursors(*cursors)))
    }

    /// What the flush took could not be written.
    pub(crate) fn note_again(&self, cursors: bool) {
        self.dirty.store(true, Ordering::Relaxed);
        self.read_on.fetch_or(cursors, Ordering::Relaxed);
    }

    pub(crate) fn used_since(&self, at: UnixSeconds) {
        self.used_at.fetch_max(at, Ordering::Relaxed);
    }

    /// Takes over what another copy of it knows better.
    pub(crate) fn catch_up(&self, other: &Self) {
        self.used_since(other.used_at());
        let theirs = *other.cursors();
        let mut cursors = self.cursors();
        if !self.has_read_on() {
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
    pub user_id: Arc<str>,
    /// 32 lower-case hex digits: 128 random bits.
    pub token: SecretString,
    /// The same form, for the dialect that has one; else empty.
    pub refresh_token: SecretString,
    /// Seconds the token lives (unused, where use prolongs it).
    pub expires_in: i64,
}

impl fmt::Debug for IssuedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedSession for {}", self.user_id)
    }
}

/// Sessions of all dialects. From [`Core::sessions`].
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'a>(pub(crate) &'a Core);

impl Sessions<'_> {
    /// The session a token stands for; the use prolongs it where the dialect's sessions slide.
    ///
    /// Errors: [`Error::InvalidSession`].
    pub async fn authenticate(&self, dialect: Dialect, token: &str) -> Result<Arc<Session>> {
        self.admit(dialect, token, Arc::clone).await
    }

    /// Likewise, for who has to know nothing but whose session it is.
    ///
    /// Errors: [`Error::InvalidSession`].
    pub async fn account(&self, dialect: Dialect, token: &str) -> Result<AccountId> {
        self.admit(dialect, token, |session| session.account).await
    }

    async fn admit<T>(&self, dialect: Dialect, token: &str, take: impl Fn(&Arc<Session>) -> T) -> Result<T> {
        let digest = TokenHash::of(token);
        let now = self.0.now();
        let alive = |session: &Session| session.is_alive(self.0.config().sessions, now);
        let admit = |session: &Arc<Session>| {
            if session.dialect != dialect || !alive(session) {
                return Err(Error::InvalidSession);
            }
            self.0.memory().touch(session, now);
            Ok(take(session))
        };
        // A sibling may have closed it, or heard of it later than this gateway.
        let trusted =
            |known: &Arc<Session>| !self.0.has_siblings() || (self.0.memory().is_fresh() && alive(known));
        let known = self.0.memory().sessions.peek(&digest, |known| trusted(known).then(|| admit(known)));
        match known.flatten() {
            Some(admitted) => admitted,
            None => {
                admit(&self.load(move |conn| by_digest(conn, &digest)).await?.ok_or(Error::InvalidSession)?)
            }
        }
    }

    /// The one session of a user whose requests are signed (minilvb-v2), its token's life over or not.
    pub async fn signed(&self, user_id: &str) -> Result<Option<Arc<Session>>> {
        // With siblings there may be a newer one; which one a request is signed with does not show before it is checked.
        if !self.0.has_siblings()
            && let Some(session) = self.0.memory().sessions.signed(user_id)
        {
            return Ok(Some(session));
        }
        let user_id = user_id.to_owned();
        self.load(move |conn| by_signer(conn, &user_id)).await
    }

    /// Whether a session's token still opens doors.
    pub fn is_alive(&self, session: &Session) -> bool {
        session.is_alive(self.0.config().sessions, self.0.now())
    }

    /// Reads a session from the table into memory. Starts over when a session was closed meanwhile: what was read
    /// might be the one.
    async fn load(
        &self,
        query: impl Fn(&mut Conn) -> Result<Option<(SessionRow, String)>> + Clone + Send + 'static,
    ) -> Result<Option<Arc<Session>>> {
        for _ in 0..8 {
            let mark = self.0.memory().sessions.mark();
            let Some((row, user_id)) = self.0.store().read(query.clone()).await? else { return Ok(None) };
            let Some(session) = row.session(user_id.into()) else { return Ok(None) };
            if let Some(session) = self.0.memory().sessions.fill(session, mark, self.0.random()) {
                return Ok(Some(session));
            }
        }
        Err(Error::Busy)
    }

    /// Trades a refresh token for a new session (minilvb-v2). The old tokens die at once.
    ///
    /// Errors: [`Error::InvalidSession`] for an unknown user, a wrong, used or expired refresh token.
    pub async fn refresh(&self, user_id: &str, refresh_token: &str) -> Result<IssuedSession> {
        let (user_id, offered) = (user_id.to_owned(), TokenHash::of(refresh_token));
        self.0
            .store()
            .write(move |tx| {
                let (row, user_id) = by_signer(tx.conn, &user_id)?.ok_or(Error::InvalidSession)?;
                let matches = row
                    .refresh_digest
                    .as_deref()
                    .is_some_and(|known| bool::from(known.ct_eq(offered.bytes())));
                if !matches || row.refresh_until.is_none_or(|until| until <= tx.now) {
                    return Err(Error::InvalidSession);
                }
                open(tx, row.account_id, &user_id, Dialect::MinilvbV2)
            })
            .await
    }

    /// Ends the session of a token.
    ///
    /// Errors: [`Error::InvalidSession`] if it is over already, or expired.
    pub async fn close(&self, dialect: Dialect, token: &str) -> Result<()> {
        let session = self.authenticate(dialect, token).await?;
        let digest = session.digest;
        self.0
            .store()
            .write(move |tx| if close(tx, &digest)? { Ok(()) } else { Err(Error::InvalidSession) })
            .await
    }

    /// Ends the sessions of an account in one dialect. Returns how many there were.
    pub async fn close_all(&self, account: AccountId, dialect: Dialect) -> Result<usize> {
        self.0.store().write(move |tx| close_account(tx, account, Some(dialect))).await
    }
}

fn by_digest(conn: &mut Conn, digest: &TokenHash) -> Result<Option<(SessionRow, String)>> {
    Ok(on!(conn, |c| sessions::table
        .inner_join(accounts::table)
        .filter(sessions::digest.eq(digest.bytes()))
        .select((sessions::all_columns, accounts::user_id))
        .first(c)
        .optional())?)
}

/// Has a session in memory from this commit on, because a seat shares its clock. Returns when it was last used as far as
/// the table knows; `None` for one that is over.
pub(crate) fn cache_session(tx: &mut Tx<'_>, digest: &TokenHash) -> Result<Option<UnixSeconds>> {
    let Some((row, user_id)) = by_digest(tx.conn, digest)? else { return Ok(None) };
    if let Some(session) = row.session(user_id.into()) {
        tx.changed(Change::SessionOpened(Box::new(session)));
    }
    Ok(Some(row.used_at))
}

fn by_signer(conn: &mut Conn, user_id: &str) -> Result<Option<(SessionRow, String)>> {
    Ok(on!(conn, |c| sessions::table
        .inner_join(accounts::table)
        .filter(accounts::user_id.eq(user_id).and(sessions::dialect.eq(Dialect::MinilvbV2)))
        .select((sessions::all_columns, accounts::user_id))
        .first(c)
        .optional())?)
}

/// Opens a session as the dialect's policy wants it.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    account: AccountId,
    user_id: &str,
    dialect: Dialect,
) -> Result<IssuedSession> {
    let policy = tx.config().sessions;
    match dialect {
        Dialect::Qplus => make_room(tx, account, policy.qplus_per_account)?,
        _ => {
            close_account(tx, account, Some(dialect))?;
        }
    }
    let token = random::token(tx.random());
    let signed = dialect == Dialect::MinilvbV2;
    let refresh_token = if signed { random::token(tx.random()) } else { String::new() };
    let row = SessionRow {
        digest: TokenHash::of(&token).bytes().to_vec(),
        dialect,
        account_id: account,
        token: signed.then(|| token.clone()),
        refresh_digest: signed.then(|| TokenHash::of(&refresh_token).bytes().to_vec()),
        refresh_until: signed.then_some(tx.now + policy.v2_refresh_ttl),
        opened_at: tx.now,
        used_at: tx.now,
        cursors: String::new(),
    };
    on!(tx.conn, |c| diesel::insert_into(sessions::table).values(&row).execute(c))?;
    let user_id: Arc<str> = user_id.into();
    if let Some(session) = row.session(Arc::clone(&user_id)) {
        tx.changed(Change::SessionOpened(Box::new(session)));
    }
    Ok(IssuedSession {
        account,
        user_id,
        token: token.into(),
        refresh_token: refresh_token.into(),
        expires_in: match dialect {
            Dialect::MinilvbV1 | Dialect::MinilvbV2 => policy.v2_token_ttl,
            Dialect::Sxb => policy.sxb_idle,
            Dialect::Qplus => policy.qplus_idle,
        },
    })
}

/// Ends the least recently used sessions until one more fits.
fn make_room(tx: &mut Tx<'_>, account: AccountId, most: usize) -> Result<()> {
    let oldest_first: Vec<Vec<u8>> = on!(tx.conn, |c| sessions::table
        .filter(sessions::account_id.eq(account).and(sessions::dialect.eq(Dialect::Qplus)))
        .order((sessions::used_at, sessions::opened_at, sessions::digest))
        .select(sessions::digest)
        .load(c))?;
    let too_many = (oldest_first.len() + 1).saturating_sub(most.max(1));
    for digest in oldest_first.iter().take(too_many).filter_map(|bytes| TokenHash::from_bytes(bytes)) {
        close(tx, &digest)?;
    }
    Ok(())
}

/// Ends one session and takes whoever sits somewhere through it out of that audience.
pub(crate) fn close(tx: &mut Tx<'_>, digest: &TokenHash) -> Result<bool> {
    let gone = on!(tx.conn, |c| diesel::delete(sessions::table.filter(sessions::digest.eq(digest.bytes())))
        .execute(c))?;
    if gone > 0 {
        crate::audience::leave_with_session(tx, digest)?;
        tx.changed(Change::SessionClosed(*digest));
    }
    Ok(gone > 0)
}

/// Ends the sessions of an account, in one dialect or in all. Returns how many there were.
pub(crate) fn close_account(tx: &mut Tx<'_>, account: AccountId, dialect: Option<Dialect>) -> Result<usize> {
    let found: Vec<(Vec<u8>, Dialect)> = on!(tx.conn, |c| sessions::table
        .filter(sessions::account_id.eq(account))
        .select((sessions::digest, sessions::dialect))
        .load(c))?;
    let mut closed = 0;
    for (bytes, of) in found {
        if dialect.is_none_or(|wanted| wanted == of)
            && let Some(digest) = TokenHash::from_bytes(&bytes)
            && close(tx, &digest)?
        {
            closed += 1;
        }
    }
    Ok(closed)
}

/// Deletes sessions whose time is over. Their members have left by then, or leave here.
pub(crate) fn sweep(tx: &mut Tx<'_>) -> Result<()> {
    /// Rows per sweep at most, so that no other job waits long.
    const SOME: i64 = 1_000;
    let policy = tx.config().sessions;
    let now = tx.now;
    let idle =
        |dialect: Dialect, idle: i64| sessions::dialect.eq(dialect).and(sessions::used_at.le(now - idle));
    let over: Vec<Vec<u8>> = on!(tx.conn, |c| sessions::table
        .filter(idle(Dialect::Sxb, policy.sxb_idle).or(idle(Dialect::Qplus, policy.qplus_idle)).or(
            // Neither token opens anything any more; a token is not used after its life.
            idle(Dialect::MinilvbV2, policy.v2_token_ttl).and(sessions::refresh_until.le(now))
        ))
        .select(sessions::digest)
        .limit(SOME)
        .load(c))?;
    for digest in over.iter().filter_map(|bytes| TokenHash::from_bytes(bytes)) {
        close(tx, &digest)?;
    }
    Ok(())
}

/// When a session was used last; how far it has read, if that has changed.
pub(crate) type Use = (TokenHash, UnixSeconds, Option<String>);

/// Writes down when sessions were last used, and how far they have read.
pub(crate) fn flush(tx: &mut Tx<'_>, used: &[Use]) -> Result<()> {
    match tx.conn {
        // In process: a loop costs nothing.
        Conn::Sqlite(c) => {
            for (digest, used_at, cursors) in used {
                let row = sessions::table.filter(sessions::digest.eq(digest.bytes()));
                match cursors {
                    None => prepared!(diesel::update(row).set(sessions::used_at.eq(used_at))).run(c)?,
                    Some(cursors) => {
                        let moved = (sessions::used_at.eq(used_at), sessions::cursors.eq(cursors));
                        prepared!(diesel::update(row).set(moved)).run(c)?;
                    }
                }
            }
        }
        // One statement for all, and another gateway may have heard of a session later than this one.
        Conn::Postgres(c) => {
            let digests: Vec<&[u8]> = used.iter().map(|(digest, _, _)| digest.bytes()).collect();
            let times: Vec<i64> = used.iter().map(|(_, used_at, _)| *used_at).collect();
            let cursors: Vec<Option<&str>> = used.iter().map(|(_, _, cursors)| cursors.as_deref()).collect();
            prepared!(diesel::sql_query(
                "UPDATE sessions SET used_at = greatest(sessions.used_at, new.used_at), \
                 cursors = coalesce(new.cursors, sessions.cursors) \
                 FROM unnest($1, $2, $3) AS new (digest, used_at, cursors) WHERE sessions.digest = new.digest",
            )
            .bind::<Array<Binary>, _>(digests)
            .bind::<Array<BigInt>, _>(times)
            .bind::<Array<Nullable<Text>>, _>(cursors)).run(c)?;
        }
    }
    for (digest, _, cursors) in used {
        if cursors.is_some() {
            tx.changed(Change::SessionRead(*digest));
        }
    }
    Ok(())
}

/// How far a session has read, whichever gateway it read at.
pub(crate) fn cursors_in_table(conn: &mut Conn, digest: &TokenHash) -> Result<Option<[Cursor; 2]>> {
    let text: Option<String> = on!(conn, |c| sessions::table
        .filter(sessions::digest.eq(digest.bytes()))
        .select(sessions::cursors)
        .first(c)
        .optional())?;
    Ok(text.map(|text| parse_cursors(&text)))
}

/// `all;followed`, each `started.id.host.owner` with empty parts for what was not reached.
pub(crate) fn format_cursors(cursors: [Cursor; 2]) -> String {
    if cursors == [Cursor::default(); 2] {
        return String::new();
    }
    cursors
        .map(|cursor| {
            let place = cursor.on_air.map_or_else(|| "..".to_owned(), ListPosition::to_text);
            format!("{place}.{}", cursor.off_air.map_or_else(String::new, |owner| owner.to_string()))
        })
        .join(";")
}

pub(crate) fn parse_cursors(text: &str) -> [Cursor; 2] {
    let cursor = |part: Option<&str>| {
        let mut numbers = part.unwrap_or_default().split('.').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        let (started, id, host) = (next(), next(), next());
        Cursor { on_air: ListPosition::from_parts(started, id, host), off_air: next().map(AccountId) }
    };
    let mut parts = text.split(';');
    [cursor(parts.next()), cursor(parts.next())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BroadcastId;

    #[test]
    fn cursors_survive_the_table() {
        let cursors = [
            Cursor {
                on_air: Some(ListPosition::new(1_700_000_000, BroadcastId(7), AccountId(3))),
                off_air: None,
            },
            Cursor { on_air: None, off_air: Some(AccountId(12)) },
        ];
        assert_eq!(parse_cursors(&format_cursors(cursors)), cursors);
        assert_eq!(parse_cursors(""), [Cursor::default(); 2]);
        assert_eq!(parse_cursors("x.y;;;."), [Cursor::default(); 2]);
    }
}
