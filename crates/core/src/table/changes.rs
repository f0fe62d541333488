//! Table `changes` (PostgreSQL): the feed in which gateways tell each other which parts to read again.

use std::time::Duration;

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Text},
};

use crate::{
    Result, Seconds, UnixSeconds,
    store::{conn::Conn, prepared::prepared},
};

/// Time for which rows stay in the feed, by the clock of the database.
pub(crate) const RETENTION: Seconds = Seconds(600);

/// A look at the feed: a later look finds what was committed since.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct FeedPosition {
    /// The numbers of the transactions that the look saw, as PostgreSQL writes them.
    #[diesel(sql_type = Text)]
    pub(crate) snapshot: String,
    /// The time of the look by the clock of the database.
    #[diesel(sql_type = BigInt)]
    pub(crate) looked_at: UnixSeconds,
    /// The same in milliseconds, at the moment of the look instead of the begin of its transaction.
    #[diesel(sql_type = BigInt)]
    told_ms: i64,
}

impl FeedPosition {
    /// The time of the look since 1970 by the clock of the database; `None` for SQLite, which has no time of its own.
    pub(crate) fn told(&self) -> Option<Duration> {
        (self.told_ms > 0).then(|| since_epoch(self.told_ms))
    }

    /// Whether a look at `now` may miss rows, because the feed may have dropped them since. Half of [`RETENTION`] is left for
    /// transactions that take long.
    pub(crate) fn is_too_old(&self, now: UnixSeconds) -> bool {
        now.0.saturating_sub(self.looked_at.0) > RETENTION.0 / 2
    }
}

#[derive(QueryableByName)]
pub(crate) struct ChangesRow {
    #[diesel(sql_type = Text)]
    pub(crate) keys: String,
}

/// The position of this transaction in the feed.
pub(crate) fn current(conn: &mut Conn) -> Result<FeedPosition> {
    let Conn::Postgres(conn) = conn else {
        return Ok(FeedPosition { snapshot: String::new(), looked_at: UnixSeconds(0), told_ms: 0 });
    };
    let current = prepared!(diesel::sql_query(
        "SELECT pg_current_snapshot()::text AS snapshot, extract(epoch FROM now())::bigint AS looked_at, \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS told_ms"
    ));
    Ok(current.get_result(conn)?)
}

/// The current time of the database server since 1970; `None` for SQLite, which has no time of its own.
pub(crate) fn database_time(conn: &mut Conn) -> Result<Option<Duration>> {
    let Conn::Postgres(conn) = conn else { return Ok(None) };
    let told = diesel::select(sql::<BigInt>("(extract(epoch FROM clock_timestamp()) * 1000)::bigint"));
    Ok(Some(since_epoch(told.get_result(conn)?)))
}

fn since_epoch(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// The number of no gateway: the numbers of gateways begin with 1.
pub(crate) const NOBODY: i64 = 0;

/// The rows of siblings that this transaction sees and the snapshot `last` did not see. Each row is returned exactly once,
/// whatever the order in which the transactions got their numbers and were committed.
pub(crate) fn unseen(conn: &mut Conn, last: &str, origin: i64) -> Result<Vec<ChangesRow>> {
    let Conn::Postgres(conn) = conn else { return Ok(Vec::new()) };
    let unseen = diesel::sql_query(
        "SELECT keys FROM changes WHERE xid >= pg_snapshot_xmin($1::pg_snapshot) \
         AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot) AND origin <> $2",
    )
    .bind::<Text, _>(last)
    .bind::<BigInt, _>(origin);
    Ok(prepared!(unseen).load(conn)?)
}

/// Deletes rows older than [`RETENTION`], which every gateway has read. Runs on a writer.
pub(crate) fn prune(conn: &mut Conn) -> Result<()> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    diesel::sql_query("DELETE FROM changes WHERE at < now() - $1 * interval '1 second'")
        .bind::<BigInt, _>(RETENTION)
        .execute(conn)?;
    Ok(())
}
