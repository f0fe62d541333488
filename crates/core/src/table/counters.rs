//! Table `counters`: likes and nameless viewers of broadcasts, apart from the rows that change rarely.

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Array, BigInt, Text},
};

use crate::{
    AccountId, BroadcastId, Counted, Dialect, Result, State,
    model::{
        change::Change,
        counter::{Counters, LARGEST_COUNT, Steps},
    },
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, broadcasts, counters, rooms},
    },
};

/// A counter after some steps.
macro_rules! stepped {
    ($column:expr, $steps:expr) => {
        diesel::dsl::case_when(($column + $steps.by).lt($steps.low), $steps.low.into_sql::<BigInt>())
            .when(($column + $steps.by).gt($steps.high), $steps.high.into_sql::<BigInt>())
            .otherwise($column + $steps.by)
    };
}

pub(crate) use stepped;

/// The columns of [`Counters`].
macro_rules! counts {
    () => {{
        use $crate::store::schema::counters;
        (counters::counted_likes, counters::host_likes, counters::anonymous, counters::version)
    }};
}

pub(crate) use counts;

/// Starts the counters of a broadcast of `host` at 0.
pub(crate) fn begin(tx: &mut Tx<'_>, broadcast: BroadcastId, host: AccountId) -> Result<()> {
    on!(tx.conn, |c| prepared!(diesel::insert_into(counters::table).values((
        counters::broadcast_id.eq(broadcast),
        counters::account_id.eq(host),
        counters::counted_likes.eq(0),
        counters::host_likes.eq(0),
        counters::anonymous.eq(0),
        counters::version.eq(0),
    )))
    .run(c))?;
    Ok(())
}

/// What has been counted on a broadcast.
pub(crate) fn counters_of(conn: &mut Conn, broadcast: BroadcastId) -> Result<Counters> {
    Ok(on!(conn, |c| counters::table.find(broadcast).select(counts!()).first(c))?)
}

/// The counters of some broadcasts, each with its host.
pub(crate) fn of_broadcasts(
    conn: &mut Conn,
    broadcasts: &[BroadcastId],
) -> Result<Vec<(AccountId, BroadcastId, Counters)>> {
    Ok(on!(conn, |c| counters::table
        .filter(counters::broadcast_id.eq_any(broadcasts))
        .select((counters::account_id, counters::broadcast_id, counts!()))
        .load(c))?)
}

/// The broadcast a statement has counted on, its host and its counters.
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

/// Counts on the latest broadcast of a user; without effect where there is none.
pub(crate) fn count(tx: &mut Tx<'_>, user_id: &str, counted: Counted, steps: Steps) -> Result<()> {
    let changed = match counted {
        Counted::Like => step!(tx, user_id, counters::counted_likes, steps),
        Counted::AnonymousViewer => step!(tx, user_id, counters::anonymous, steps),
    };
    announce(tx, changed);
    Ok(())
}

/// PostgreSQL, where every statement is a round trip: counts on the latest broadcasts of many users in one statement, which
/// also tells the other gateways. The rows are locked in the order of their ids, so that two writers never wait for each
/// other.
pub(crate) fn count_many(tx: &mut Tx<'_>, counted: Counted, steps: &[(&str, Steps)]) -> Result<()> {
    let origin = tx.origin();
    let Conn::Postgres(c) = tx.conn else { return Ok(()) };
    if steps.is_empty() {
        return Ok(());
    }
    let (users, steps): (Vec<&str>, Vec<Steps>) = steps.iter().copied().unzip();
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
            .set((
                counters::host_likes.eq(likes.clamp(0, LARGEST_COUNT)),
                counters::version.eq(counters::version + 1),
            ))
            .returning(changed!())
    )
    .get_result(c)
    .optional())?;
    announce(tx, changed);
    Ok(())
}
