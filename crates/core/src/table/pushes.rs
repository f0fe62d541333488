//! Table `pushes`: the pushes that the media cloud has announced and not ended.

use diesel::prelude::*;

use crate::{
    AccountId, Result, Seconds, StreamCode, UnixSeconds,
    store::{
        Tx,
        conn::{Conn, on},
        schema::pushes,
    },
};

/// Time after which a push is taken for one whose end was missed.
const LONGEST_PUSH: Seconds = Seconds(7 * 24 * 3_600);

/// A push under way.
#[derive(Debug, Queryable)]
pub(crate) struct Push {
    pub(crate) code: StreamCode,
    /// The cloud's name of the push, if it gave one.
    pub(crate) sequence: Option<String>,
}

/// Stores that a push has begun; it takes the place of another push of the stream.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    account: AccountId,
    code: &StreamCode,
    sequence: Option<&str>,
) -> Result<()> {
    let row = (pushes::account_id.eq(account), pushes::sequence.eq(sequence), pushes::began_at.eq(tx.now));
    on!(tx.conn, |c| diesel::insert_into(pushes::table)
        .values((pushes::code.eq(code), row))
        .on_conflict(pushes::code)
        .do_update()
        .set(row)
        .execute(c))?;
    Ok(())
}

/// Deletes the push of a stream. Without effect if the push has another sequence than the one named.
pub(crate) fn end(tx: &mut Tx<'_>, code: &StreamCode, sequence: Option<&str>) -> Result<()> {
    let push = pushes::table.find(code);
    match sequence {
        None => on!(tx.conn, |c| diesel::delete(push).execute(c))?,
        Some(named) => {
            let same = pushes::sequence.is_null().or(pushes::sequence.eq(named));
            on!(tx.conn, |c| diesel::delete(push.filter(same)).execute(c))?
        }
    };
    Ok(())
}

/// The latest push of an account that is under way.
pub(crate) fn latest(conn: &mut Conn, account: AccountId) -> Result<Option<Push>> {
    Ok(on!(conn, |c| pushes::table
        .filter(pushes::account_id.eq(account))
        .order((pushes::began_at.desc(), pushes::code))
        .select((pushes::code, pushes::sequence))
        .first(c)
        .optional())?)
}

/// Deletes the pushes of an account.
pub(crate) fn delete_of(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    on!(tx.conn, |c| diesel::delete(pushes::table.filter(pushes::account_id.eq(account))).execute(c))?;
    Ok(())
}

/// Moves begins in the future to `now`.
pub(crate) fn bring_back(conn: &mut Conn, now: UnixSeconds) -> Result<()> {
    let ahead = pushes::table.filter(pushes::began_at.gt(now));
    on!(conn, |c| diesel::update(ahead).set(pushes::began_at.eq(now)).execute(c))?;
    Ok(())
}

/// Deletes the pushes that began so long ago that the notice of their end must have been lost.
pub(crate) fn delete_forgotten(tx: &mut Tx<'_>) -> Result<()> {
    let forgotten = pushes::table.filter(pushes::began_at.lt(tx.now - LONGEST_PUSH));
    on!(tx.conn, |c| diesel::delete(forgotten).execute(c))?;
    Ok(())
}
