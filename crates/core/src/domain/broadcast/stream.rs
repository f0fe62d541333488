//! Moves broadcasts by the media cloud's notices that a stream has started or stopped (minilvb paths only).

use super::{
    close::{Close, close},
    open::{open_planned, put_on_air},
};
use crate::{
    CallbackSource, Dialect, Error, Result, State, StreamEvent,
    domain::{
        recording::{self, Joining},
        stream_code::{self, StreamOwner},
    },
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        broadcasts::{self, BroadcastRow, latest},
        rooms,
    },
};

/// Takes a notice of the media cloud. Taking it again changes nothing.
///
/// Errors: [`Error::RoomNotFound`] for a recording of a stream that belongs to no room; events of such streams are fine.
pub(crate) fn event(tx: &mut Tx<'_>, code: &str, source: &CallbackSource, event: &StreamEvent) -> Result<()> {
    let owner = match stream_code::owner(tx.conn, code, source)? {
        Some(owner) if rooms::of_account(tx.conn, owner.account)?.is_some() => Some(owner),
        _ => None,
    };
    match (event, owner) {
        (StreamEvent::Recorded(_), None) => Err(Error::RoomNotFound),
        (StreamEvent::Recorded(new), Some(owner)) => {
            let joining =
                if *source == CallbackSource::Shared { Joining::Overlapping } else { Joining::Never };
            recording::store(tx, owner.account, code, joining, new)
        }
        (_, Some(owner)) if *source == CallbackSource::Shared && !owner.by_tail => {
            moved(tx, &owner, code, event)
        }
        _ => Ok(()),
    }
}

fn moved(tx: &mut Tx<'_>, owner: &StreamOwner, code: &str, event: &StreamEvent) -> Result<()> {
    let Some(host) = accounts::by_id(tx.conn, owner.account)? else { return Ok(()) };
    match event {
        StreamEvent::Started { sequence } => stream_started(tx, &host, code, sequence.as_deref()),
        StreamEvent::Stopped { sequence } => stream_stopped(tx, &host, code, sequence.as_deref()),
        StreamEvent::Recorded(_) => Ok(()),
    }
}

/// The cloud says a stream has started (minilvb paths only): an announced live, or what the host planned, goes on air.
fn stream_started(tx: &mut Tx<'_>, host: &AccountRow, code: &str, sequence: Option<&str>) -> Result<()> {
    let row = latest(tx.conn, host.id)?;
    let room = rooms::of_account(tx.conn, host.id)?;
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
fn stream_stopped(tx: &mut Tx<'_>, host: &AccountRow, code: &str, sequence: Option<&str>) -> Result<()> {
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
        broadcasts::set_push_sequence(tx, row, sequence)?;
    }
    Ok(())
}
