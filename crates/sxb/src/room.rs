//! A host's own room: allotting it, putting it on the air, ending it (seed 003 §三, §四, §十二).

use relive_core::{HostLocation, Report, RoomNumber};
use serde::Serialize;

use crate::{
    call::{Authed, Input},
    code::Code,
    context::Context,
    envelope::Data,
    fields::{Fields, LONG},
};

/// Bytes of a title or a cover (contract sxb §4.A 4).
const TITLE: usize = 128;
/// Bytes of an address.
const ADDRESS: usize = 100;

/// Seed 003 §三. The kind of room is checked and forgotten, as it always was.
pub(crate) struct Create;

impl TryFrom<Input<'_>> for Create {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        input.fields.text("type").map(|_| Self)
    }
}

#[derive(Serialize)]
pub(crate) struct CreateReply {
    roomnum: i64,
    /// Clients make the group's name of the room number themselves.
    groupid: String,
}

pub(crate) async fn create(cx: &Context, call: Authed<Create>) -> Result<Data<CreateReply>, Code> {
    let RoomNumber(roomnum) = cx.core.broadcasts().prepare(call.caller).await?;
    Ok(Data(CreateReply { roomnum, groupid: roomnum.to_string() }))
}

/// Seed 003 §四. `room.host` is in its table only: the host is who has logged in.
pub(crate) struct ReportRoom(Report);

impl TryFrom<Input<'_>> for ReportRoom {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        let room = input.fields.object("room")?;
        Ok(Self(Report {
            title: room.lenient_text("title", TITLE)?,
            cover: room.lenient_text("cover", TITLE)?,
            kind: room.short_text("type", LONG)?,
            room: room.room()?,
            group_id: room.short_text("groupid", LONG)?,
            app: room.integer("appid")?,
            device: match room.integer_in("device", 0..=2, "0, 1 or 2")? {
                0 => 0,
                1 => 1,
                _ => 2,
            },
            screen: room.integer_in("videotype", 0..=1, "0 or 1")? == 1,
            place: place(input.fields)?,
        }))
    }
}

/// `lbs`, sent by one client: what is of another type in it is overlooked.
fn place(fields: Fields<'_>) -> Result<HostLocation, Code> {
    let Ok(lbs) = fields.object("lbs") else { return Ok(HostLocation::default()) };
    Ok(HostLocation {
        longitude: lbs.degrees("longitude"),
        latitude: lbs.degrees("latitude"),
        address: lbs.lenient_text("address", ADDRESS)?,
    })
}

pub(crate) async fn report(cx: &Context, call: Authed<ReportRoom>) -> Result<(), Code> {
    Ok(cx.core.broadcasts().report(call.caller, call.request.0).await?)
}

/// Seed 003 §十二. Without a room number it is the caller's own.
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

pub(crate) async fn exit(cx: &Context, call: Authed<ExitRoom>) -> Result<(), Code> {
    Ok(cx.core.broadcasts().exit(call.caller, call.request.room).await?)
}
