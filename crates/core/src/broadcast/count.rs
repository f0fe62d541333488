//! Likes, and viewers without a name.

use diesel::{dsl::sql, prelude::*, sql_types::BigInt};

use super::Broadcasts;
use crate::{
    AccountId, BroadcastId, Dialect, Result, State,
    live::{Change, Counters},
    store::{
        Tx,
        conn::on,
        schema::{accounts, broadcasts, rooms},
    },
};

/// Counters stay within what clients can hold.
const MOST: i64 = i32::MAX as i64;

/// One more or one less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One more; nothing happens at 2^31-1.
    Up,
    /// One less; nothing happens at 0.
    Down,
}

/// What is counted one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// A like; apart from the number a host reports.
    Like,
    /// A viewer without a name; apart from the named audience.
    AnonymousViewer,
}

impl Broadcasts<'_> {
    /// Counts on the latest broadcast of a user, on air or not. Without effect where there is none.
    pub async fn count(&self, user_id: &str, counted: Counted, step: Step) -> Result<()> {
        let user_id = user_id.to_owned();
        self.0
            .store()
            .write(move |tx| {
                let changed = match counted {
                    Counted::Like => like(tx, &user_id, step)?,
                    Counted::AnonymousViewer => anonymous_viewer(tx, &user_id, step)?,
                };
                announce(tx, changed);
                Ok(())
            })
            .await
    }
}

type Changed = Option<(BroadcastId, AccountId, i64, i64, i64)>;

fn announce(tx: &mut Tx<'_>, changed: Changed) {
    if let Some((broadcast, host, counted_likes, host_likes, anonymous)) = changed {
        let counters = Counters { counted_likes, host_likes, anonymous };
        tx.changed(Change::Counters { host, broadcast, counters });
    }
}

/// The latest broadcast of a user: one statement finds and moves it.
macro_rules! latest_of {
    ($user_id:expr) => {
        broadcasts::id.nullable().eq(rooms::table
            .inner_join(accounts::table)
            .filter(accounts::user_id.eq($user_id))
            .select(rooms::broadcast_id)
            .single_value())
    };
}

macro_rules! counters {
    () => {
        (
            broadcasts::id,
            broadcasts::account_id,
            broadcasts::counted_likes,
            broadcasts::host_likes,
            broadcasts::anonymous,
        )
    };
}

macro_rules! step {
    ($tx:expr, $user_id:expr, $column:expr, $step:expr) => {
        match $step {
            Step::Up => on!($tx.conn, |c| diesel::update(
                broadcasts::table.filter(latest_of!($user_id)).filter($column.lt(MOST))
            )
            .set($column.eq($column + 1))
            .returning(counters!())
            .get_result(c)
            .optional())?,
            Step::Down => on!($tx.conn, |c| diesel::update(
                broadcasts::table.filter(latest_of!($user_id)).filter($column.gt(0))
            )
            .set($column.eq($column - 1))
            .returning(counters!())
            .get_result(c)
            .optional())?,
        }
    };
}

fn like(tx: &mut Tx<'_>, user_id: &str, step: Step) -> Result<Changed> {
    Ok(step!(tx, user_id, broadcasts::counted_likes, step))
}

fn anonymous_viewer(tx: &mut Tx<'_>, user_id: &str, step: Step) -> Result<Changed> {
    Ok(step!(tx, user_id, broadcasts::anonymous, step))
}

/// sxb: the number of likes its host shows replaces what the host said before.
pub(crate) fn report_likes(tx: &mut Tx<'_>, host: AccountId, likes: i64) -> Result<()> {
    let latest = sql::<BigInt>("(SELECT max(id) FROM broadcasts AS own WHERE own.account_id = ")
        .bind::<BigInt, _>(host)
        .sql(")");
    let changed: Changed = on!(tx.conn, |c| diesel::update(
        broadcasts::table
            .filter(broadcasts::id.eq(latest))
            .filter(broadcasts::driver.eq(Dialect::Sxb).and(broadcasts::state.eq(State::OnAir)))
    )
    .set(broadcasts::host_likes.eq(likes.clamp(0, MOST)))
    .returning(counters!())
    .get_result(c)
    .optional())?;
    announce(tx, changed);
    Ok(())
}
