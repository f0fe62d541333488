//! Table `sessions`: one row per session of any dialect.

use std::{collections::HashMap, fmt};

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Nullable, Text},
};
use secrecy::SecretString;

use crate::{
    AccountId, Dialect, Result, Seconds, SessionConfig, UnixSeconds, UserId,
    model::{
        change::Change,
        cursor::{Cursor, parse_cursors},
        session::{Session, SessionUse, StoredSession, TokenHash},
    },
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, sessions},
    },
};

/// Largest number of sessions in one query, because SQLite limits its parameters.
const HASHES_PER_QUERY: usize = 500;
/// Largest number of sessions deleted by one sweep, so that no other job waits long.
const ROWS_PER_SWEEP: i64 = 1_000;

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
    pub(crate) fn session(&self, user_id: UserId) -> Option<Session> {
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

/// The row of a token hash, with the user id of its account.
pub(crate) fn by_digest(conn: &mut Conn, digest: &TokenHash) -> Result<Option<(SessionRow, UserId)>> {
    Ok(on!(conn, |c| sessions::table
        .inner_join(accounts::table)
        .filter(sessions::digest.eq(digest.bytes()))
        .select((sessions::all_columns, accounts::user_id))
        .first(c)
        .optional())?)
}

/// Reads the sessions of token hashes; a hash without a row is left out.
pub(crate) fn by_digests(conn: &mut Conn, digests: &[TokenHash]) -> Result<HashMap<TokenHash, Session>> {
    let mut found = HashMap::with_capacity(digests.len());
    for digests in digests.chunks(HASHES_PER_QUERY) {
        let digests: Vec<&[u8]> = digests.iter().map(TokenHash::bytes).collect();
        let rows: Vec<(SessionRow, UserId)> = on!(conn, |c| sessions::table
            .inner_join(accounts::table)
            .filter(sessions::digest.eq_any(&digests))
            .select((sessions::all_columns, accounts::user_id))
            .load(c))?;
        for session in rows.into_iter().filter_map(|(row, user_id)| row.session(user_id)) {
            found.insert(session.digest, session);
        }
    }
    Ok(found)
}

/// The minilvb-v2 session of a user, which signs the requests, with the user id as stored.
pub(crate) fn by_signer(conn: &mut Conn, user_id: &UserId) -> Result<Option<(SessionRow, UserId)>> {
    Ok(on!(conn, |c| sessions::table
        .inner_join(accounts::table)
        .filter(accounts::user_id.eq(user_id).and(sessions::dialect.eq(Dialect::MinilvbV2)))
        .select((sessions::all_columns, accounts::user_id))
        .first(c)
        .optional())?)
}

/// Whether an account has a session of RoomService that was used after a time.
pub(crate) fn has_room_service(conn: &mut Conn, account: AccountId, after: UnixSeconds) -> Result<bool> {
    // The time is compared here: in the query it makes SQLite read the sessions of all accounts in the order of their use.
    let used: Vec<UnixSeconds> = on!(conn, |c| prepared!(
        sessions::table
            .filter(sessions::account_id.eq(account).and(sessions::dialect.eq(Dialect::RoomService)))
            .select(sessions::used_at)
    )
    .load(c))?;
    Ok(used.into_iter().any(|used_at| used_at > after))
}

/// The rows of an account, grouped by dialect, the last used first.
pub(crate) fn of_account(conn: &mut Conn, account: AccountId) -> Result<Vec<SessionRow>> {
    Ok(on!(conn, |c| sessions::table
        .filter(sessions::account_id.eq(account))
        .order((sessions::dialect, sessions::used_at.desc(), sessions::digest))
        .load(c))?)
}

/// The token hashes of an account in one dialect, the least recently used first.
pub(crate) fn oldest_first(conn: &mut Conn, account: AccountId, dialect: Dialect) -> Result<Vec<TokenHash>> {
    // Sorted here, for the same reason as in `has_room_service`.
    let mut found: Vec<(UnixSeconds, UnixSeconds, Vec<u8>)> = on!(conn, |c| sessions::table
        .filter(sessions::account_id.eq(account).and(sessions::dialect.eq(dialect)))
        .select((sessions::used_at, sessions::opened_at, sessions::digest))
        .load(c))?;
    found.sort_unstable();
    Ok(found.iter().filter_map(|(.., bytes)| TokenHash::from_bytes(bytes)).collect())
}

/// Some sessions whose tokens, refresh token included, are no longer valid.
pub(crate) fn ended(conn: &mut Conn, policy: SessionConfig, now: UnixSeconds) -> Result<Vec<TokenHash>> {
    let idle =
        |dialect: Dialect, idle: Seconds| sessions::dialect.eq(dialect).and(sessions::used_at.le(now - idle));
    let found: Vec<Vec<u8>> = on!(conn, |c| sessions::table
        .filter(
            idle(Dialect::Sxb, policy.sxb_idle)
                .or(idle(Dialect::Qplus, policy.qplus_idle))
                .or(idle(Dialect::RoomService, policy.room_service_idle))
                // A session is not opened later than it is used, so a token last used `v2_token_ttl` ago has expired.
                .or(idle(Dialect::MinilvbV2, policy.v2_token_ttl).and(sessions::refresh_until.le(now)))
        )
        .select(sessions::digest)
        .limit(ROWS_PER_SWEEP)
        .load(c))?;
    Ok(found.iter().filter_map(|bytes| TokenHash::from_bytes(bytes)).collect())
}

/// Stores a new session, which is cached after the commit.
pub(crate) fn insert(tx: &mut Tx<'_>, row: &SessionRow, user_id: UserId) -> Result<()> {
    on!(tx.conn, |c| diesel::insert_into(sessions::table).values(row).execute(c))?;
    if let Some(session) = row.session(user_id) {
        tx.changed(Change::SessionOpened(Box::new(session)));
    }
    Ok(())
}

/// Deletes a session; returns whether there was one.
pub(crate) fn delete(tx: &mut Tx<'_>, digest: &TokenHash) -> Result<bool> {
    let deleted =
        on!(tx.conn, |c| diesel::delete(sessions::table.filter(sessions::digest.eq(digest.bytes())))
            .execute(c))?;
    if deleted > 0 {
        tx.changed(Change::SessionClosed(*digest));
    }
    Ok(deleted > 0)
}

/// Reads a session, which is cached after the commit, because a member shares its clock. Returns the stored time of its last
/// use; `None` for a session that is not in the table.
pub(crate) fn cache_session(tx: &mut Tx<'_>, digest: &TokenHash) -> Result<Option<UnixSeconds>> {
    let Some((row, user_id)) = by_digest(tx.conn, digest)? else { return Ok(None) };
    if let Some(session) = row.session(user_id) {
        tx.changed(Change::SessionOpened(Box::new(session)));
    }
    Ok(Some(row.used_at))
}

/// Writes the last uses and the cursors of sessions.
pub(crate) fn flush(tx: &mut Tx<'_>, used: &[SessionUse]) -> Result<()> {
    match tx.conn {
        // SQLite needs no round trip, so one statement per session is cheap.
        Conn::Sqlite(c) => {
            for SessionUse { digest, used_at, cursors } in used {
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
        // One statement for all sessions. Another gateway may have written a later use.
        Conn::Postgres(c) => {
            let digests: Vec<&[u8]> = used.iter().map(|it| it.digest.bytes()).collect();
            let times: Vec<UnixSeconds> = used.iter().map(|it| it.used_at).collect();
            let cursors: Vec<Option<&str>> = used.iter().map(|it| it.cursors.as_deref()).collect();
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
    for SessionUse { digest, cursors, .. } in used {
        if cursors.is_some() {
            tx.changed(Change::CursorsMoved(*digest));
        }
    }
    Ok(())
}

/// Moves uses and openings in the future to `now`, and the end of their refresh tokens to `refresh_until` at the latest.
pub(crate) fn bring_back(conn: &mut Conn, now: UnixSeconds, refresh_until: UnixSeconds) -> Result<()> {
    // A session is not opened later than it is used. Each dialect is named, because the index begins with it.
    let dialects = [Dialect::MinilvbV2, Dialect::Sxb, Dialect::Qplus, Dialect::RoomService];
    for dialect in dialects {
        let ahead = || sessions::table.filter(sessions::dialect.eq(dialect).and(sessions::used_at.gt(now)));
        on!(conn, |c| {
            diesel::update(ahead().filter(sessions::refresh_until.gt(refresh_until)))
                .set(sessions::refresh_until.eq(refresh_until))
                .execute(c)?;
            diesel::update(ahead().filter(sessions::opened_at.gt(now)))
                .set(sessions::opened_at.eq(now))
                .execute(c)?;
            diesel::update(ahead()).set(sessions::used_at.eq(now)).execute(c)?;
        });
    }
    Ok(())
}

/// The stored cursors of a session, whichever gateways served it.
pub(crate) fn cursors(conn: &mut Conn, digest: &TokenHash) -> Result<Option<[Cursor; 2]>> {
    let text: Option<String> = on!(conn, |c| sessions::table
        .filter(sessions::digest.eq(digest.bytes()))
        .select(sessions::cursors)
        .first(c)
        .optional())?;
    Ok(text.map(|text| parse_cursors(&text)))
}
