//! Streams: starts, renews and stops a push, counts viewers (contract qplus §4.12, §5.2–§5.4).

use relive_core::{RoomNumber, Seconds};
use serde::Serialize;

use crate::{
    code::Code,
    context::Context,
    envelope::Done,
    fields::{Input, flag},
};

/// Request of `PushLiveStream`.
pub(crate) struct PushLiveStream<'a> {
    session: &'a str,
    room: i64,
    status: i64,
    timeout: i64,
}

impl<'a> TryFrom<&'a Input<'_>> for PushLiveStream<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            session: input.session()?,
            room: input.integer("liveRoomId")?,
            status: input.integer("status")?,
            timeout: input.integer("timeout")?,
        })
    }
}

/// Computes the lease of a push: the requested time-out (default 60, at most an hour) plus a grace of a
/// quarter of it, 1 to 15 seconds. Without the grace every broadcast would end and start again each minute, because
/// clients renew a time-out of 60 seconds every 60 seconds (contract qplus §5.4).
fn lease(timeout: i64) -> Seconds {
    let timeout = if timeout <= 0 { 60 } else { timeout.min(3_600) };
    Seconds(timeout + (timeout / 4).clamp(1, 15))
}

/// Puts the caller's room on air, keeps it on air, or ends its broadcast.
pub(crate) async fn push(cx: &Context<'_>, request: PushLiveStream<'_>) -> Result<Done, Code> {
    let session = cx.session(request.session).await?;
    let room = RoomNumber(request.room);
    if flag(request.status)? {
        cx.core.broadcasts().push(session.account(), room, lease(request.timeout)).await?;
    } else {
        cx.core.broadcasts().stop_push(session.account(), room).await?;
    }
    Ok(Done {})
}

/// Request of `PlayLiveStream`.
pub(crate) struct PlayLiveStream<'a> {
    session: &'a str,
    room: i64,
    status: i64,
}

impl<'a> TryFrom<&'a Input<'_>> for PlayLiveStream<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            session: input.session()?,
            room: input.integer("liveroomId")?,
            status: input.integer("status")?,
        })
    }
}

/// Counts the caller as a viewer of a room, or stops counting it. Always succeeds, without effect if the caller cannot
/// be counted.
pub(crate) async fn play(cx: &Context<'_>, request: PlayLiveStream<'_>) -> Result<Done, Code> {
    let session = cx.session(request.session).await?;
    let room = RoomNumber(request.room);
    match request.status {
        1 => cx.core.audiences().watch(&session, room).await?,
        0 => cx.core.audiences().unwatch(&session, room).await?,
        _ => {}
    }
    Ok(Done {})
}

/// Request of `GetLiveroomNumber`.
pub(crate) struct GetLiveroomNumber<'a> {
    session: &'a str,
    room: i64,
}

impl<'a> TryFrom<&'a Input<'_>> for GetLiveroomNumber<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { session: input.session()?, room: input.integer("liveroomId")? })
    }
}

/// Reply of `GetLiveroomNumber`.
#[derive(Debug, Serialize)]
pub(crate) struct NumberReply {
    #[serde(rename = "liveroomId")]
    room: i64,
    number: i64,
}

/// Returns the number of viewers of a room; 0 if the room is not on air or does not exist.
pub(crate) async fn viewers(cx: &Context<'_>, request: GetLiveroomNumber<'_>) -> Result<NumberReply, Code> {
    cx.session(request.session).await?;
    let on_air = cx.core.broadcasts().of_room(RoomNumber(request.room)).await?;
    Ok(NumberReply { room: request.room, number: on_air.map_or(0, |on_air| on_air.viewers) })
}

#[cfg(test)]
mod tests {
    use super::{Seconds, lease};

    #[test]
    fn a_lease_is_the_timeout_and_its_grace() {
        for (timeout, expected) in [
            (0, 75),
            (-1, 75),
            (1, 2),
            (2, 3),
            (8, 10),
            (60, 75),
            (61, 76),
            (3_600, 3_615),
            (i64::MAX, 3_615),
        ] {
            assert_eq!(lease(timeout), Seconds(expected), "{timeout}");
        }
    }
}
