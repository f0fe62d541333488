//! Closes broadcasts, and ends them past their deadlines.

use crate::{
    AccountId, Actor, Dialect, Result, RoomNumber, State,
    domain::{actor, room},
    model::{change::Change, rule},
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        audience,
        broadcasts::{self, BroadcastRow, end, latest},
        rooms,
    },
};

/// A way to close a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// minilvb-v1 and its stream events: an announced live is only taken off the air and may come back; every other broadcast
    /// on air ends.
    Suspend,
    /// Ends a broadcast on air; with `prepared`, also one that sxb has only prepared.
    End {
        /// Whether the host leaves its room, on air or not.
        prepared: bool,
    },
}

/// Closes a host's latest broadcast.
pub(crate) fn close(tx: &mut Tx<'_>, host: &AccountRow, row: &BroadcastRow, how: Close) -> Result<()> {
    let over = match (row.state, how) {
        (State::Ended, _) | (State::Prepared, Close::Suspend | Close::End { prepared: false }) => false,
        (State::Prepared, Close::End { prepared: true }) => row.driver == Dialect::Sxb,
        (State::OnAir, Close::Suspend) => row.driver != Dialect::MinilvbV1,
        (State::OnAir, Close::End { .. }) => true,
    };
    if over {
        end(tx, row)?;
        audience::clear(tx, row.account_id)?;
    } else if row.state == State::OnAir {
        // The broadcast has not ended, but has an end for now, so that a later recording does not belong to it.
        broadcasts::suspend(tx, row, host)?;
    }
    Ok(())
}

fn close_own(tx: &mut Tx<'_>, account: AccountId, how: Close) -> Result<()> {
    let (Some(host), Some(row)) = (accounts::by_id(tx.conn, account)?, latest(tx.conn, account)?) else {
        return Ok(());
    };
    close(tx, &host, &row, how)
}

/// minilvb-v1: takes the broadcast of an actor off the air; without effect if there is none.
///
/// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
pub(crate) fn suspend(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    let host = actor::hosting(tx, actor)?;
    match latest(tx.conn, host.id)? {
        Some(row) => close(tx, &host, &row, Close::Suspend),
        None => Ok(()),
    }
}

/// qplus: ends the broadcast that the room of an account has on air.
///
/// Errors: [`Error::NotRoomOwner`](crate::Error::NotRoomOwner).
pub(crate) fn stop_push(tx: &mut Tx<'_>, account: AccountId, room: RoomNumber) -> Result<()> {
    room::owned(tx, account, room)?;
    close_own(tx, account, Close::End { prepared: false })
}

/// sxb: ends the live of an account, or removes the account from the room of another host.
pub(crate) fn exit(tx: &mut Tx<'_>, account: AccountId, room: Option<RoomNumber>) -> Result<()> {
    let own = rooms::of_account(tx.conn, account)?.map(|room| room.number);
    match room {
        Some(other) if own != Some(other) => match rooms::owner(tx.conn, other)? {
            Some(host) => audience::remove(tx, host, account).map(|_| ()),
            None => Ok(()),
        },
        _ => close_own(tx, account, Close::End { prepared: true }),
    }
}

/// Ends a broadcast past its deadline, unless the table has a later beat, which another process has written.
pub(crate) fn expire(tx: &mut Tx<'_>, host: AccountId) -> Result<()> {
    let Some(row) = latest(tx.conn, host)?.filter(|row| row.state == State::OnAir) else {
        tx.changed(Change::OffAir { host });
        return Ok(());
    };
    if rule::broadcast_ends_at(row.beat_at, row.lease) <= tx.now {
        end(tx, &row)?;
        audience::clear(tx, host)
    } else {
        tx.changed(Change::Renewed { host, broadcast: row.id, beat_at: row.beat_at, lease: row.lease });
        Ok(())
    }
}

/// Ends the broadcast of a guest, on air or announced, and empties its audience, because an account registers its user id.
pub(crate) fn close_for_registration(tx: &mut Tx<'_>, guest: &AccountRow) -> Result<()> {
    if let Some(row) = latest(tx.conn, guest.id)?.filter(|row| row.state != State::Ended) {
        end(tx, &row)?;
    }
    audience::clear(tx, guest.id)
}
