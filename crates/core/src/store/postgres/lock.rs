//! The advisory lock that connections of relive hold shared, and a command that replaces the data exclusively.

use diesel::{
    connection::SimpleConnection as _, pg::PgConnection, prelude::*, result::Error as QueryError,
    sql_types::Bool,
};

/// The key of the lock: one per schema of a database.
const KEY: &str = "hashtext('relive'), hashtext(current_schema())";

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Takes the lock that every connection holds until it closes. `false`: a command replaces the data.
pub(in crate::store) fn share(conn: &mut PgConnection) -> QueryResult<bool> {
    let query = format!("SELECT pg_try_advisory_lock_shared({KEY}) AS locked");
    Ok(diesel::sql_query(query).get_result::<Locked>(conn)?.locked)
}

/// Turns the shared lock of a connection into an exclusive one, until the connection closes. Waits a second, because the
/// server notices later than its client that a connection was closed. `false`: another connection holds the lock.
pub(in crate::store) fn exclude(conn: &mut PgConnection) -> QueryResult<bool> {
    conn.batch_execute("SET lock_timeout = 1000")?;
    match diesel::sql_query(format!("SELECT pg_advisory_lock({KEY})")).execute(conn) {
        Ok(_) => Ok(true),
        // The time-out, or a deadlock with another command that waits for the same lock.
        Err(QueryError::DatabaseError(..)) => Ok(false),
        Err(error) => Err(error),
    }
}
