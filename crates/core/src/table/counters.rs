//! Table `counters`: likes and anonymous viewers of broadcasts, apart from the columns of `broadcasts`, which change rarely.

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Array, BigInt, Text},
};

use crate::{
    AccountId, BroadcastId, Counted, Dialect, Result, State, UserId,
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

/// The counters of a broadcast.
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

/// A broadcast whose counters a statement has changed, its host and its counters.
type Changed = Option<(BroadcastId, AccountId, Counters)>;

/// Reports changed counters to the read model.
fn publish(tx: &mut Tx<'_>, changed: Changed) {
    if let Some((broadcast, host, counters)) = changed {
        tx.changed(Change::Counters { host, broadcast, counters });
    }
}

/// Selects the counters of a user's latest broadcast, so that one statement finds and changes them.
macro_rules! latest_of {
    ($user_id:expr) => {
        counters::broadcast_id.nullable().eq(rooms::table
            .inner_join(accounts::table)
            .filter(accounts::user_id.eq($user_id))
            .select(rooms::broadcast_id)
            .single_value())
    };
}

/// The columns of [`Changed`].
macro_rules! changed {
    () => {
        (counters::broadcast_id, counters::account_id, counts!())
    };
}

// Adds steps to one column. Loads all rows, although there is one at most: a statement that is a transaction of its own
// commits at the end of its rows.
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

/// Adds steps to a counter of a user's latest broadcast; without effect if there is none.
pub(crate) fn count(tx: &mut Tx<'_>, user_id: &UserId, counted: Counted, steps: Steps) -> Result<()> {
    let changed = match counted {
        Counted::Like => step!(tx, user_id, counters::counted_likes, steps),
        Counted::AnonymousViewer => step!(tx, user_id, counters::anonymous, steps),
    };
    publish(tx, changed);
    Ok(())
}

/// PostgreSQL, where every statement is a round trip: adds steps to counters of many users' latest broadcasts in one
/// statement, which also writes the row of `changes`. The statement locks the rows in the order of their ids, so that two
/// writers never wait for each other.
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
                     fed AS (INSERT INTO changes (origin, keys) \
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
        publish(tx, Some((id, account_id, Counters { counted_likes, host_likes, anonymous, version })));
    }
    Ok(())
}

/// A broadcast whose counters have changed.
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

/// sxb: sets the likes that the host reports for its broadcast on air.
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
    publish(tx, changed);
    Ok(())
}
