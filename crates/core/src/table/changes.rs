//! Table `changes` (PostgreSQL): the feed in which gateways tell each other which parts to read again.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};

use crate::{
    Result,
    store::{conn::Conn, prepared::prepared},
};

/// Time for which rows stay in the feed.
pub(crate) const RETENTION: &str = "10 minutes";

#[derive(QueryableByName)]
struct Snapshot {
    #[diesel(sql_type = Text)]
    snapshot: String,
}

#[derive(QueryableByName)]
pub(crate) struct ChangesRow {
    #[diesel(sql_type = Text)]
    pub(crate) keys: String,
}

/// The snapshot of this transaction: the numbers of the transactions that it sees.
pub(crate) fn current(conn: &mut Conn) -> Result<String> {
    let Conn::Postgres(conn) = conn else { return Ok(String::new()) };
    let current = prepared!(diesel::sql_query("SELECT pg_current_snapshot()::text AS snapshot"));
    Ok(current.get_result::<Snapshot>(conn)?.snapshot)
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
    diesel::sql_query(format!("DELETE FROM changes WHERE at < now() - interval '{RETENTION}'"))
        .execute(conn)?;
    Ok(())
}
