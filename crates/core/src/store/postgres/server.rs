//! Which PostgreSQL server a connection reaches, and on which timeline it is.
//!
//! A name, a proxy or a URL with several hosts may lead to another server from one connection to the next. The time at
//! which a server was started tells one server process from another. The *timeline* grows whenever a standby is promoted
//! or a backup is restored to an earlier point; a server whose timeline is lower than one seen before lacks transactions
//! that were acknowledged.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::{
    pg::PgConnection,
    prelude::*,
    result::{DatabaseErrorKind, Error as QueryError},
    sql_types::{Nullable, Text},
};

use crate::store::prepared::prepared;

/// An SQL expression: the timeline in hex digits, NULL on a standby.
const TIMELINE: &str = "CASE WHEN pg_is_in_recovery() THEN NULL \
                        ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline";
/// An SQL expression: seconds since 1970 with their fraction.
const STARTED: &str = "extract(epoch FROM pg_postmaster_start_time())::text AS started";

/// The server behind a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Server {
    /// When it was started; empty for an embedded database.
    pub(in crate::store) started: String,
    pub(in crate::store) timeline: Timeline,
}

/// What a server says about its timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Timeline {
    /// It has none, or does not tell it.
    Untold,
    /// It is a standby and has not begun one of its own.
    Standby,
    /// Its number, from 1.
    Number(u32),
}

impl Server {
    /// An embedded database: there is no other one it could be mistaken for.
    pub(in crate::store) const EMBEDDED: Self = Self { started: String::new(), timeline: Timeline::Untold };

    /// Asks a PostgreSQL server.
    pub(in crate::store) fn of(conn: &mut PgConnection) -> QueryResult<Self> {
        let started = diesel::sql_query(format!("SELECT {STARTED}")).get_result::<Started>(conn)?.started;
        let timeline = match timeline(conn) {
            // Some hosted servers have no such functions.
            Err(QueryError::DatabaseError(DatabaseErrorKind::Unknown, _)) => Timeline::Untold,
            told => told?,
        };
        Ok(Self { started, timeline })
    }
}

/// Asks a PostgreSQL server for its timeline.
pub(in crate::store) fn timeline(conn: &mut PgConnection) -> QueryResult<Timeline> {
    let told = prepared!(diesel::sql_query(format!("SELECT {TIMELINE}"))).get_result::<Digits>(conn)?;
    Ok(told.timeline.map_or(Timeline::Standby, |digits| number(&digits)))
}

#[derive(QueryableByName)]
struct Started {
    #[diesel(sql_type = Text)]
    started: String,
}

#[derive(QueryableByName)]
struct Digits {
    #[diesel(sql_type = Nullable<Text>)]
    timeline: Option<String>,
}

fn number(digits: &str) -> Timeline {
    u32::from_str_radix(digits, 16).map_or(Timeline::Untold, Timeline::Number)
}

/// The newest timeline that any connection has seen since the start.
#[derive(Debug, Default)]
pub(in crate::store) struct NewestTimeline(AtomicU32);

impl NewestTimeline {
    /// Takes note of a timeline. `Err`: the newer one that was seen before.
    pub(in crate::store) fn admit(&self, timeline: u32) -> Result<(), u32> {
        let newest = self.0.fetch_max(timeline, Ordering::AcqRel);
        if timeline < newest { Err(newest) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_never_goes_back() {
        let newest = NewestTimeline::default();
        assert_eq!(number("0000000A"), Timeline::Number(10));
        assert_eq!((newest.admit(3), newest.admit(3), newest.admit(5)), (Ok(()), Ok(()), Ok(())));
        assert_eq!((newest.admit(4), newest.admit(5)), (Err(5), Ok(())));
    }
}
