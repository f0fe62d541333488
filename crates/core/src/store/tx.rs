//! The open transaction that a job works on, with the time and the list of changes.

use std::sync::atomic::Ordering;

use diesel::prelude::*;

use super::{caller::Caller, conn::Conn, env::Env, prepared::prepared};
use crate::limit::Limit;
use crate::model::change::Change;
use crate::{Client, Config, Random, Result, UnixSeconds};

/// One job inside a writer's transaction.
pub(crate) struct Tx<'a> {
    /// The connection, inside the transaction.
    pub(crate) conn: &'a mut Conn,
    /// The time of this transaction.
    pub(crate) now: UnixSeconds,
    env: &'a Env,
    changes: &'a mut Vec<Change>,
    caller: Caller,
}

impl<'a> Tx<'a> {
    /// A job's view of an open transaction. The job's changes are appended to `changes`.
    pub(crate) fn new(
        conn: &'a mut Conn,
        now: UnixSeconds,
        env: &'a Env,
        changes: &'a mut Vec<Change>,
    ) -> Self {
        Self { conn, now, env, changes, caller: Caller::default() }
    }

    /// Records a change, which is applied to the read models after the commit.
    pub(crate) fn changed(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Runs a job for a caller, which pays once for what the job does, however often the job is run.
    pub(super) fn for_caller<T>(
        &mut self,
        caller: &mut Caller,
        job: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        caller.begin();
        self.caller = *caller;
        let result = job(self);
        *caller = self.caller;
        if result.is_err() {
            // What the job was paid for has not happened.
            caller.refund(&self.env.budgets);
        }
        result
    }

    /// The client for which the job runs; `None` for the server's own jobs and the operator's.
    pub(crate) fn client(&self) -> Option<Client> {
        self.caller.client()
    }

    /// Uses one of the client's budget.
    ///
    /// Errors: [`Error::RateLimited`](crate::Error::RateLimited) if the budget is used up.
    pub(crate) fn spend(&mut self, limit: Limit) -> Result<()> {
        self.caller.spend(limit, &self.env.budgets, self.env.time.steady())
    }

    /// Checks how many of something the client has, one of which the job is about to make, against a limit.
    ///
    /// Errors: [`Error::RateLimited`](crate::Error::RateLimited) if one more would be too many.
    pub(crate) fn check_limit(&self, limit: Limit, amount: i64) -> Result<()> {
        self.env.budgets.check(limit, amount)
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
