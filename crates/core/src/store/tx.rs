//! The open transaction that a job works on, with the time and the list of changes.

use std::sync::atomic::Ordering;

use diesel::prelude::*;

use super::{conn::Conn, env::Env, prepared::prepared};
use crate::model::change::Change;
use crate::{Config, Random, Result, UnixSeconds};

/// One job inside a writer's transaction.
pub(crate) struct Tx<'a> {
    /// The connection, inside the transaction.
    pub(crate) conn: &'a mut Conn,
    /// The time of this transaction.
    pub(crate) now: UnixSeconds,
    env: &'a Env,
    changes: &'a mut Vec<Change>,
}

impl<'a> Tx<'a> {
    /// A job's view of an open transaction. The job's changes are appended to `changes`.
    pub(crate) fn new(
        conn: &'a mut Conn,
        now: UnixSeconds,
        env: &'a Env,
        changes: &'a mut Vec<Change>,
    ) -> Self {
        Self { conn, now, env, changes }
    }

    /// Records a change, which is applied to the read models after the commit.
    pub(crate) fn changed(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// The configuration.
    pub(crate) fn config(&self) -> &'a Config {
        &self.env.config
    }

    /// The source of randomness.
    pub(crate) fn random(&self) -> &'a dyn Random {
        &*self.env.random
    }

    /// Assigns the next number in the order of entry into audiences. Numbers grow, with gaps.
    pub(crate) fn next_position(&mut self) -> Result<i64> {
        match self.conn {
            Conn::Sqlite(_) => Ok(self.env.position.fetch_add(1, Ordering::Relaxed) + 1),
            Conn::Postgres(c) => {
                let next =
                    diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>("nextval('positions')"));
                Ok(prepared!(next).get_result(c)?)
            }
        }
    }

    /// The number of this gateway in the feed of changes.
    pub(crate) fn origin(&self) -> i64 {
        self.env.origin.load(Ordering::Relaxed)
    }

    /// Continues behind a number that another process has assigned.
    pub(crate) fn skip_positions(&self, given: i64) {
        self.env.position.fetch_max(given, Ordering::Relaxed);
    }
}
