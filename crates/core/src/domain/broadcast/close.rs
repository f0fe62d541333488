//! Closing a broadcast, and time-outs.

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

/// How a broadcast is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// minilvb-v1 and its stream events: an announced live is only taken off the air and may come back; everything
    /// else that is on air ends.
    Suspend,
    /// Ends what is on air; with `prepared`, also what sxb has only prepared.
    End {
        /// The host leaves its room, on air or not.
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
        // Not over, but a recording made later is of something else.
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

/// minilvb-v1: takes what an actor has on air off the air; without effect where there is nothing.
///
/// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
pub(crate) fn suspend(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    let host = actor::acting(tx, actor)?;
    match latest(tx.conn, host.id)? {
        Some(row) => close(tx, &host, &row, Close::Suspend),
        None => Ok(()),
    }
}

/// qplus: ends whatever the room of an account has on air.
///
/// Errors: [`Error::NotRoomOwner`](crate::Error::NotRoomOwner).
pub(crate) fn stop_push(tx: &mut Tx<'_>, account: AccountId, room: RoomNumber) -> Result<()> {
    room::owned(tx, account, room)?;
    close_own(tx, account, Close::End { prepared: false })
}

/// sxb: ends the live of an account, or takes the account out of the room of somebody else.
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

/// Ends a broadcast whose host fell silent. The stored beat may be newer than the remembered one, if another process
/// heard of the host: then it lives on.
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

/// Somebody registers a guest's name: what the guest has on air or announced ends, its audience goes home.
pub(crate) fn close_for_registration(tx: &mut Tx<'_>, guest: &AccountRow) -> Result<()> {
    if let Some(row) = latest(tx.conn, guest.id)?.filter(|row| row.state != State::Ended) {
        end(tx, &row)?;
    }
    audience::clear(tx, guest.id)
}
