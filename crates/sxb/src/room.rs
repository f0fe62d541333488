//! The room of a host: allocates its number, puts it on air, ends its broadcast (seed 003 §三, §四, §十二).

use relive_core::{HostLocation, Report, RoomNumber};
use serde::Serialize;

use crate::{
    call::{Authed, Input},
    code::Code,
    context::Context,
    envelope::Data,
    fields::{Fields, MAX_TEXT_BYTES},
};

/// Longest title and cover in bytes (contract sxb §4.A 4).
const MAX_TITLE_BYTES: usize = 128;
/// Longest address in bytes.
const MAX_ADDRESS_BYTES: usize = 100;

/// Request of `live/create` (seed 003 §三). The type of the room is checked but not used, as in the original server.
pub(crate) struct Create;

impl TryFrom<Input<'_>> for Create {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        input.fields.text("type").map(|_| Self)
    }
}

/// Reply of `live/create`.
#[derive(Serialize)]
pub(crate) struct CreateReply {
    roomnum: i64,
    /// The room number as a text. Clients derive the name of the IM group from the room number themselves.
    groupid: String,
}

/// Allocates the room of the caller.
pub(crate) async fn create(cx: &Context<'_>, call: Authed<Create>) -> Result<Data<CreateReply>, Code> {
    let RoomNumber(roomnum) = cx.core.broadcasts().prepare(call.caller).await?;
    Ok(Data(CreateReply { roomnum, groupid: roomnum.to_string() }))
}

/// Request of `live/reportroom` (seed 003 §四). `room.host` is only in the seed's table and is ignored: the host is the
/// caller.
pub(crate) struct ReportRoom(Report);

impl TryFrom<Input<'_>> for ReportRoom {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        let room = input.fields.object("room")?;
        Ok(Self(Report {
            title: room.lenient_text("title", MAX_TITLE_BYTES)?,
            cover: room.lenient_text("cover", MAX_TITLE_BYTES)?,
            kind: room.short_text("type", MAX_TEXT_BYTES)?,
            room: room.room()?,
            group_id: room.short_text("groupid", MAX_TEXT_BYTES)?.into(),
            app: room.integer("appid")?,
            // Android builds of December 2016 send neither `device` nor `videotype`.
            device: match room.optional_integer_in("device", 0..=2, "0, 1 or 2")?.unwrap_or(0) {
                0 => 0,
                1 => 1,
                _ => 2,
            },
            screen: room.optional_integer_in("videotype", 0..=1, "0 or 1")? == Some(1),
            place: place(input.fields)?,
        }))
    }
}

/// Reads `lbs`, which one client sends. Members of another type are ignored.
fn place(fields: Fields<'_>) -> Result<HostLocation, Code> {
    let Ok(lbs) = fields.object("lbs") else { return Ok(HostLocation::default()) };
    Ok(HostLocation {
        longitude: lbs.degrees("longitude"),
        latitude: lbs.degrees("latitude"),
        address: lbs.lenient_text("address", MAX_ADDRESS_BYTES)?,
    })
}

/// Puts the caller's room on air.
pub(crate) async fn report(cx: &Context<'_>, call: Authed<ReportRoom>) -> Result<(), Code> {
    Ok(cx.core.broadcasts().report(call.caller, call.request.0).await?)
}

/// Request of `live/exitroom` (seed 003 §十二). Without a room number, the caller's own room is meant.
pub(crate) struct ExitRoom {
    room: Option<RoomNumber>,
}

impl TryFrom<Input<'_>> for ExitRoom {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        input.fields.optional_text("type")?;
        Ok(Self { room: input.fields.optional_integer("roomnum")?.map(RoomNumber) })
    }
}

/// Ends the broadcast of the caller's room, or leaves another room.
pub(crate) async fn exit(cx: &Context<'_>, call: Authed<ExitRoom>) -> Result<(), Code> {
    Ok(cx.core.broadcasts().exit(call.caller, call.request.room).await?)
}
