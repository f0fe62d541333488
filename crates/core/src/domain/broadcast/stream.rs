//! Applies the notices of the media cloud: puts broadcasts on the air and takes them off it, and stores recordings.

use super::{
    close::{Close, close},
    open::{open_planned, put_on_air},
};
use crate::{
    AccountId, CallbackSource, Dialect, Error, Plan, Result, State, StreamCode, StreamEvent,
    domain::{
        recording::{self, MergePolicy},
        room,
        stream_code::{self, StreamKind, StreamOwner},
    },
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        broadcasts::{self, BroadcastRow, latest},
        pushes, rooms,
    },
};

/// Applies a notice of the media cloud. Idempotent.
///
/// Errors: [`Error::RoomNotFound`] for a recording of a stream that belongs to no room. Other notices of such a stream are
/// ignored.
pub(crate) fn event(
    tx: &mut Tx<'_>,
    code: &StreamCode,
    source: &CallbackSource,
    event: &StreamEvent,
) -> Result<()> {
    let owner = stream_code::owner(tx.conn, code, source)?;
    if let Some(owner) = &owner
        && *source == CallbackSource::Shared
        && owner.kind == StreamKind::Live
    {
        // Also without a room: the encoder may be up before the host's first `/upload_room`.
        note_push(tx, owner, code, event)?;
    }
    let owner = match owner {
        // The user of a link-mic stream needs no room, and a user of RoomService has one.
        Some(owner)
            if owner.kind == StreamKind::LinkMic || rooms::of_account(tx.conn, owner.account)?.is_some() =>
        {
            Some(owner)
        }
        _ => None,
    };
    match (event, owner) {
        (_, Some(owner)) if owner.kind == StreamKind::LinkMic => Ok(()),
        (StreamEvent::Recorded(new), Some(owner)) if owner.kind == StreamKind::RoomService => {
            recording::store_of_room_service(tx, owner.account, code, merge_policy(source), new)
        }
        (StreamEvent::Recorded(_), None) => Err(Error::RoomNotFound),
        (StreamEvent::Recorded(new), Some(owner)) => {
            recording::store(tx, owner.account, code, merge_policy(source), new)
        }
        (_, Some(owner)) if *source == CallbackSource::Shared && owner.kind == StreamKind::Live => {
            apply_to_broadcast(tx, &owner, code, event)
        }
        _ => Ok(()),
    }
}

fn merge_policy(source: &CallbackSource) -> MergePolicy {
    if *source == CallbackSource::Shared { MergePolicy::Overlapping } else { MergePolicy::Never }
}

/// Remembers the pushes under way, for a host that announces its live after its encoder has begun.
fn note_push(tx: &mut Tx<'_>, owner: &StreamOwner, code: &StreamCode, event: &StreamEvent) -> Result<()> {
    match event {
        StreamEvent::Started { sequence } => pushes::begin(tx, owner.account, code, sequence.as_deref()),
        StreamEvent::Stopped { sequence } => pushes::end(tx, code, sequence.as_deref()),
        StreamEvent::Recorded(_) => Ok(()),
    }
}

/// minilvb-v2: stores the host's plan for its next broadcast. The broadcast opens at once if the host's stream is up and
/// nothing is on air.
pub(crate) fn plan(tx: &mut Tx<'_>, account: AccountId, plan: &Plan) -> Result<()> {
    room::plan(tx, account, plan)?;
    if latest(tx.conn, account)?.is_some_and(|row| row.state == State::OnAir) {
        return Ok(());
    }
    let Some(push) = pushes::latest(tx.conn, account)? else { return Ok(()) };
    let (Some(host), Some(room)) = (accounts::by_id(tx.conn, account)?, rooms::of_account(tx.conn, account)?)
    else {
        return Ok(());
    };
    open_planned(tx, &host, &room, push.sequence.as_deref(), &push.code)
}

fn apply_to_broadcast(
    tx: &mut Tx<'_>,
    owner: &StreamOwner,
    code: &StreamCode,
    event: &StreamEvent,
) -> Result<()> {
    let Some(host) = accounts::by_id(tx.conn, owner.account)? else { return Ok(()) };
    match event {
        StreamEvent::Started { sequence } => stream_started(tx, &host, code, sequence.as_deref()),
        StreamEvent::Stopped { sequence } => stream_stopped(tx, &host, code, sequence.as_deref()),
        StreamEvent::Recorded(_) => Ok(()),
    }
}

/// A stream has started (minilvb paths only): puts the host's announced live or planned broadcast on the air.
fn stream_started(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    code: &StreamCode,
    sequence: Option<&str>,
) -> Result<()> {
    let row = latest(tx.conn, host.id)?;
    let room = rooms::of_account(tx.conn, host.id)?;
    let planned_at = room.as_ref().and_then(|room| room.planned_at);
    match row {
        Some(row) if row.state == State::OnAir => match row.driver {
            Dialect::MinilvbV1 if row.stream_code != *code => Ok(()),
            Dialect::MinilvbV1 | Dialect::MinilvbV2 => {
                broadcasts::renew(tx, &row, row.lease)?;
                store_sequence(tx, &row, sequence)
            }
            Dialect::Sxb | Dialect::Qplus | Dialect::RoomService => Ok(()),
        },
        // The later of announcement and plan counts.
        Some(row)
            if row.driver == Dialect::MinilvbV1
                && row.state == State::Prepared
                && planned_at.is_none_or(|planned_at| planned_at <= row.started_at) =>
        {
            if row.stream_code != *code {
                return Ok(());
            }
            match put_on_air(tx, host, &row, sequence) {
                // Sending the notice again would not help.
                Err(Error::RateLimited) => {
                    tracing::info!(
                        stream = code.as_str(),
                        "a guest's live stays off the air: limits.guest_lives_per_ip"
                    );
                    Ok(())
                }
                other => other,
            }
        }
        _ => match room {
            Some(room) if planned_at.is_some() => open_planned(tx, host, &room, sequence, code),
            _ => Ok(()),
        },
    }
}

/// A stream has stopped (minilvb paths only): closes the host's broadcast. The late end of an older push closes nothing.
fn stream_stopped(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    code: &StreamCode,
    sequence: Option<&str>,
) -> Result<()> {
    let Some(row) = latest(tx.conn, host.id)? else { return Ok(()) };
    let ours = match row.driver {
        // An announced live has one stream code. The user may also push another stream into the live of another host.
        Dialect::MinilvbV1 => row.stream_code == *code,
        Dialect::MinilvbV2 => true,
        Dialect::Sxb | Dialect::Qplus | Dialect::RoomService => false,
    };
    let other_push = matches!((sequence, &row.push_sequence), (Some(named), Some(known)) if named != known);
    if !ours || other_push {
        return Ok(());
    }
    close(tx, host, &row, Close::Suspend)
}

/// Stores the sequence of the push, if the notice has one.
fn store_sequence(tx: &mut Tx<'_>, row: &BroadcastRow, sequence: Option<&str>) -> Result<()> {
    if let Some(sequence) = sequence {
        broadcasts::set_push_sequence(tx, row, sequence)?;
    }
    Ok(())
}
