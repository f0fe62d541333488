//! Closing, time-outs, and what a cloud's stream events do.

use diesel::prelude::*;

use super::{
    BroadcastRow, latest,
    open::{open_planned, put_on_air},
    publish,
};
use crate::{
    AccountId, Dialect, Result, State,
    account::AccountRow,
    audience,
    live::Change,
    room, rule,
    store::{Tx, conn::on, prepared::prepared, schema::broadcasts},
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
pub(super) fn close(tx: &mut Tx<'_>, host: &AccountRow, row: &BroadcastRow, how: Close) -> Result<()> {
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
        let now = tx.now;
        let row: BroadcastRow = on!(tx.conn, |c| prepared!(
            diesel::update(broadcasts::table.find(row.id))
                .set((broadcasts::state.eq(State::Prepared), broadcasts::ended_at.eq(now)))
                .returning(broadcasts::all_columns)
        )
        .get_result(c))?;
        publish(tx, &row, host)?;
    }
    Ok(())
}

/// A broadcast is over for good. The audience is the caller's business.
pub(super) fn end(tx: &mut Tx<'_>, row: &BroadcastRow) -> Result<()> {
    let now = tx.now;
    on!(tx.conn, |c| prepared!(
        diesel::update(broadcasts::table.find(row.id))
            .set((broadcasts::state.eq(State::Ended), broadcasts::ended_at.eq(now)))
    )
    .run(c))?;
    tx.changed(Change::OffAir { host: row.account_id });
    Ok(())
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
pub(crate) fn take_over(tx: &mut Tx<'_>, guest: &AccountRow) -> Result<()> {
    if let Some(row) = latest(tx.conn, guest.id)?.filter(|row| row.state != State::Ended) {
        end(tx, &row)?;
    }
    audience::clear(tx, guest.id)
}

/// The cloud says a stream has started (minilvb paths only): an announced live, or what the host planned, goes on air.
pub(crate) fn stream_started(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    code: &str,
    sequence: Option<&str>,
) -> Result<()> {
    let row = latest(tx.conn, host.id)?;
    let room = room::of_account(tx.conn, host.id)?;
    let planned_at = room.as_ref().and_then(|room| room.planned_at);
    match row {
        Some(row) if row.state == State::OnAir => match row.driver {
            Dialect::MinilvbV1 if row.stream_code != code => Ok(()),
            Dialect::MinilvbV1 | Dialect::MinilvbV2 => remember(tx, &row, sequence),
            Dialect::Sxb | Dialect::Qplus => Ok(()),
        },
        // What the host said last counts: the live it announced, unless it planned another one since.
        Some(row)
            if row.driver == Dialect::MinilvbV1
                && row.state == State::Prepared
                && planned_at.is_none_or(|planned_at| planned_at <= row.started_at) =>
        {
            if row.stream_code == code { put_on_air(tx, host, &row, sequence) } else { Ok(()) }
        }
        _ => match room {
            Some(room) if planned_at.is_some() => open_planned(tx, host, &room, sequence, code),
            _ => Ok(()),
        },
    }
}

/// The cloud says a stream has stopped (minilvb paths only). The late end of an older push closes nothing.
pub(crate) fn stream_stopped(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    code: &str,
    sequence: Option<&str>,
) -> Result<()> {
    let Some(row) = latest(tx.conn, host.id)? else { return Ok(()) };
    let ours = match row.driver {
        // An announced live has one stream; the user may push another one into somebody else's live.
        Dialect::MinilvbV1 => row.stream_code == code,
        Dialect::MinilvbV2 => true,
        Dialect::Sxb | Dialect::Qplus => false,
    };
    let other_push = matches!((sequence, &row.push_sequence), (Some(told), Some(known)) if told != known);
    if !ours || other_push {
        return Ok(());
    }
    close(tx, host, &row, Close::Suspend)
}

fn remember(tx: &mut Tx<'_>, row: &BroadcastRow, sequence: Option<&str>) -> Result<()> {
    if let Some(sequence) = sequence {
        on!(tx.conn, |c| prepared!(
            diesel::update(broadcasts::table.find(row.id)).set(broadcasts::push_sequence.eq(sequence))
        )
        .run(c))?;
    }
    Ok(())
}
