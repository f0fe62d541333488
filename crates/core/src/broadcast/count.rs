//! Likes, and viewers without a name.

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Array, BigInt, Text},
};

use super::{BroadcastRow, Broadcasts};
use crate::{
    AccountId, BroadcastId, Dialect, Result, State,
    live::{Change, Counters},
    recording,
    store::{
        Isolation, Tx,
        coalesce::{MOST, Steps},
        conn::{Conn, Engine, on},
        prepared::prepared,
        schema::{accounts, broadcasts, counters, rooms},
    },
};

/// One more or one less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One more; nothing happens at 2^31-1.
    Up,
    /// One less; nothing happens at 0.
    Down,
}

/// What is counted one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counted {
    /// A like; apart from the number a host reports.
    Like,
    /// A viewer without a name; apart from the named audience.
    AnonymousViewer,
}

impl Step {
    pub(crate) fn by(self) -> i64 {
        match self {
            Self::Up => 1,
            Self::Down => -1,
        }
    }
}

/// One counter, and how its storms of steps find each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Counter {
    /// Of the latest broadcast of a user.
    Broadcast { user_id: String, counted: Counted },
    /// Of a recording of a user.
    Recording { owner: String, file_id: String, counted: Counted },
}

/// Moves counters; without effect on what is not there.
pub(crate) fn apply(tx: &mut Tx<'_>, counters: &[(Counter, Steps)]) -> Result<()> {
    if let Conn::Postgres(_) = tx.conn {
        for counted in [Counted::Like, Counted::AnonymousViewer] {
            together(tx, counted, counters)?;
        }
    }
    for (counter, steps) in counters {
        match counter {
            Counter::Broadcast { user_id, counted } => {
                if let Conn::Sqlite(_) = tx.conn {
                    let changed = match counted {
                        Counted::Like => like(tx, user_id, *steps)?,
                        Counted::AnonymousViewer => anonymous_viewer(tx, user_id, *steps)?,
                    };
                    announce(tx, changed);
                }
            }
            Counter::Recording { owner, file_id, counted } => {
                recording::count(tx, owner, file_id, *counted, *steps)?;
            }
        }
    }
    Ok(())
}

/// The transaction that [`apply`] needs: steps of one kind on broadcasts are one statement, with SQLite one per broadcast.
pub(crate) fn isolation(counters: &[(Counter, Steps)], engine: Engine) -> Isolation {
    let kind = |(counter, _): &(Counter, Steps)| match counter {
        Counter::Broadcast { counted, .. } => Some(*counted),
        Counter::Recording { .. } => None,
    };
    let first = counters.first().and_then(kind);
    let one_kind = first.is_some() && counters.iter().all(|counter| kind(counter) == first);
    if one_kind && (counters.len() == 1 || engine == Engine::Postgres) {
        Isolation::SingleStatement
    } else {
        Isolation::ReadCommitted
    }
}

/// A counter after some steps.
macro_rules! stepped {
    ($column:expr, $steps:expr) => {
        diesel::dsl::case_when(($column + $steps.by).lt($steps.low), $steps.low.into_sql::<BigInt>())
            .when(($column + $steps.by).gt($steps.high), $steps.high.into_sql::<BigInt>())
            .otherwise($column + $steps.by)
    };
}
pub(crate) use stepped;

impl Broadcasts<'_> {
    /// Counts on the latest broadcast of a user, on air or not. Without effect where there is none.
    pub async fn count(&self, user_id: &str, counted: Counted, step: Step) -> Result<()> {
        self.0.count(Counter::Broadcast { user_id: user_id.to_owned(), counted }, step).await
    }
}

/// The columns of [`Counters`].
macro_rules! counts {
    () => {{
        use $crate::store::schema::counters;
        (counters::counted_likes, counters::host_likes, counters::anonymous, counters::version)
    }};
}
pub(crate) use counts;

/// A broadcast begins with nothing counted.
pub(super) fn begin(tx: &mut Tx<'_>, row: &BroadcastRow) -> Result<()> {
    on!(tx.conn, |c| prepared!(diesel::insert_into(counters::table).values((
        counters::broadcast_id.eq(row.id),
        counters::account_id.eq(row.account_id),
        counters::counted_likes.eq(0),
        counters::host_likes.eq(0),
        counters::anonymous.eq(0),
        counters::version.eq(0),
    )))
    .run(c))?;
    Ok(())
}

/// What has been counted on a broadcast.
pub(super) fn counters_of(conn: &mut Conn, broadcast: BroadcastId) -> Result<Counters> {
    Ok(on!(conn, |c| counters::table.find(broadcast).select(counts!()).first(c))?)
}

type Changed = Option<(BroadcastId, AccountId, Counters)>;

fn announce(tx: &mut Tx<'_>, changed: Changed) {
    if let Some((broadcast, host, counters)) = changed {
        tx.changed(Change::Counters { host, broadcast, counters });
    }
}

/// The latest broadcast of a user: one statement finds and moves it.
macro_rules! latest_of {
    ($user_id:expr) => {
        counters::broadcast_id.nullable().eq(rooms::table
            .inner_join(accounts::table)
            .filter(accounts::user_id.eq($user_id))
            .select(rooms::broadcast_id)
            .single_value())
    };
}

macro_rules! changed {
    () => {
        (counters::broadcast_id, counters::account_id, counts!())
    };
}

// Loaded to its end, though it is one row: where the statement is a transaction by itself, that is where it commits.
macro_rules! step {
    ($tx:expr, $user_id:expr, $column:expr, $steps:expr) => {
        on!($tx.conn, |c| prepared!(
            diesel::update(counters::table.filter(latest_of!($user_id)))
                .set($column.eq(stepped!($column, $steps)))
                .returning(changed!())
        )
        .load(c))?
        .pop()
    };
}

fn like(tx: &mut Tx<'_>, user_id: &str, steps: Steps) -> Result<Changed> {
    Ok(step!(tx, user_id, counters::counted_likes, steps))
}

fn anonymous_viewer(tx: &mut Tx<'_>, user_id: &str, steps: Steps) -> Result<Changed> {
    Ok(step!(tx, user_id, counters::anonymous, steps))
}

/// With PostgreSQL, where every statement is a round trip: all broadcasts in one, which tells the other gateways as well.
/// They are locked in the order of their ids, whoever counts on them.
fn together(tx: &mut Tx<'_>, counted: Counted, counters: &[(Counter, Steps)]) -> Result<()> {
    let origin = tx.origin();
    let Conn::Postgres(c) = tx.conn else { return Ok(()) };
    let of_broadcasts = counters.iter().filter_map(|(counter, steps)| match counter {
        Counter::Broadcast { user_id, counted: of } if *of == counted => Some((user_id.as_str(), *steps)),
        _ => None,
    });
    let (users, steps): (Vec<&str>, Vec<Steps>) = of_broadcasts.unzip();
    if users.is_empty() {
        return Ok(());
    }
    let numbers = |of: fn(&Steps) -> i64| steps.iter().map(of).collect::<Vec<i64>>();
    let (by, low, high) =
        (numbers(|steps| steps.by), numbers(|steps| steps.low), numbers(|steps| steps.high));
    macro_rules! step {
        ($column:literal) => {
            prepared!(
                diesel::sql_query(concat!(
                    "WITH step AS MATERIALIZED (SELECT counters.broadcast_id, new.by, new.low, new.high \
                     FROM unnest($1, $2, $3, $4) AS new (user_id, by, low, high) \
                     JOIN accounts USING (user_id) JOIN rooms ON rooms.account_id = accounts.id \
                     JOIN counters USING (broadcast_id) \
                     ORDER BY counters.broadcast_id FOR UPDATE OF counters), \
                     moved AS (UPDATE counters SET ",
                    $column,
                    " = least(greatest(",
                    $column,
                    " + step.by, step.low), step.high), \
                     version = version + 1 FROM step \
                     WHERE counters.broadcast_id = step.broadcast_id \
                     RETURNING counters.broadcast_id AS id, account_id, counted_likes, host_likes, anonymous, \
                     version), \
                     told AS (INSERT INTO changes (origin, keys) \
                     SELECT $5, string_agg('c' || id, ' ') FROM moved HAVING count(*) > 0) \
                     SELECT * FROM moved"
                ))
                .bind::<Array<Text>, _>(users)
                .bind::<Array<BigInt>, _>(by)
                .bind::<Array<BigInt>, _>(low)
                .bind::<Array<BigInt>, _>(high)
                .bind::<BigInt, _>(origin)
            )
            .load::<Moved>(c)?
        };
    }
    let moved = match counted {
        Counted::Like => step!("counted_likes"),
        Counted::AnonymousViewer => step!("anonymous"),
    };
    for Moved { id, account_id, counted_likes, host_likes, anonymous, version } in moved {
        announce(tx, Some((id, account_id, Counters { counted_likes, host_likes, anonymous, version })));
    }
    Ok(())
}

/// A broadcast that has been counted on.
#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = BigInt)]
    id: BroadcastId,
    #[diesel(sql_type = BigInt)]
    account_id: AccountId,
    #[diesel(sql_type = BigInt)]
    counted_likes: i64,
    #[diesel(sql_type = BigInt)]
    host_likes: i64,
    #[diesel(sql_type = BigInt)]
    anonymous: i64,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// sxb: the number of likes its host shows replaces what the host said before.
pub(crate) fn report_likes(tx: &mut Tx<'_>, host: AccountId, likes: i64) -> Result<()> {
    let latest = sql::<BigInt>("(SELECT max(id) FROM broadcasts AS own WHERE own.account_id = ")
        .bind::<BigInt, _>(host)
        .sql(")");
    let on_air = broadcasts::table
        .filter(broadcasts::id.eq(latest))
        .filter(broadcasts::driver.eq(Dialect::Sxb).and(broadcasts::state.eq(State::OnAir)))
        .select(broadcasts::id);
    let changed: Changed = on!(tx.conn, |c| prepared!(
        diesel::update(counters::table.filter(counters::broadcast_id.eq_any(on_air)))
            .set(
                (counters::host_likes.eq(likes.clamp(0, MOST)), counters::version.eq(counters::version + 1),)
            )
            .returning(changed!())
    )
    .get_result(c)
    .optional())?;
    announce(tx, changed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_steps_of_one_kind_do_without_a_transaction() {
        let one = |counter| (counter, Steps { by: 1, low: 0, high: MOST });
        let broadcast = |user: &str, counted| one(Counter::Broadcast { user_id: user.to_owned(), counted });
        let like = |user| broadcast(user, Counted::Like);
        let viewer = || broadcast("a", Counted::AnonymousViewer);
        let recording = || {
            let (owner, file_id) = ("a".to_owned(), "file".to_owned());
            one(Counter::Recording { owner, file_id, counted: Counted::Like })
        };
        for engine in [Engine::Sqlite, Engine::Postgres] {
            assert_eq!(isolation(&[like("a")], engine), Isolation::SingleStatement);
            assert_eq!(isolation(&[viewer()], engine), Isolation::SingleStatement);
            assert_eq!(isolation(&[like("a"), viewer()], engine), Isolation::ReadCommitted);
            assert_eq!(isolation(&[like("a"), recording()], engine), Isolation::ReadCommitted);
            assert_eq!(isolation(&[recording()], engine), Isolation::ReadCommitted);
            assert_eq!(isolation(&[], engine), Isolation::ReadCommitted);
        }
        assert_eq!(isolation(&[like("a"), like("b")], Engine::Postgres), Isolation::SingleStatement);
        // With SQLite a statement each: all of them are counted, or none.
        assert_eq!(isolation(&[like("a"), like("b")], Engine::Sqlite), Isolation::ReadCommitted);
    }
}
