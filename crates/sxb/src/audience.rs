//! The audience of a room: enters, leaves and lists members, takes heartbeats, requests and sets the microphone (seed
//! 003 §六 to §十).

use relive_core::{Error, Member, Microphone, Role, RoomNumber, Window};
use serde::{Serialize, Serializer};

use crate::{
    call::{Authed, Input},
    code::{Code, Fault},
    context::Context,
    envelope::Data,
};

/// Request of `live/reportmemid` (seed 003 §六). `id` of the seed is ignored: the token identifies the user.
pub(crate) struct ReportMemId {
    room: RoomNumber,
    role: Role,
    /// `operate`: not in the seed, whose clients only enter; sent by all later clients.
    leaves: bool,
}

impl TryFrom<Input<'_>> for ReportMemId {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            room: input.fields.room()?,
            role: input.fields.role()?,
            leaves: match input.fields.optional_integer("operate")? {
                None | Some(0) => false,
                Some(1) => true,
                Some(_) => return Err(Code::Field("operate", Fault::OutOf("0 or 1"))),
            },
        })
    }
}

/// Adds the caller to the audience or removes the caller from it. Leaving a room that is over succeeds: the web client stays in
/// the room until its leaving is answered with success.
pub(crate) async fn report(cx: &Context<'_>, call: Authed<ReportMemId>) -> Result<(), Code> {
    let ReportMemId { room, role, leaves } = call.request;
    let audiences = cx.core.audiences();
    if !leaves {
        return Ok(audiences.enter(call.caller, room, role).await?);
    }
    match audiences.leave(call.caller, room).await {
        Err(Error::NotOnAir) => Ok(()),
        left => Ok(left?),
    }
}

/// Request of `live/roomidlist` (seed 003 §七).
pub(crate) struct RoomIdList {
    room: RoomNumber,
    window: Window,
}

impl TryFrom<Input<'_>> for RoomIdList {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self { room: input.fields.room()?, window: input.fields.window()? })
    }
}

/// Reply of `live/roomidlist`.
#[derive(Serialize)]
pub(crate) struct RoomIdListReply {
    total: usize,
    #[serde(serialize_with = "entries")]
    idlist: Vec<Member>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    role: i16,
}

fn entries<S: Serializer>(members: &[Member], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(members.iter().map(|member| Entry {
        id: &member.user_id,
        role: match member.role {
            Role::Viewer => 0,
            Role::Host => 1,
            Role::OnMic => 2,
        },
    }))
}

/// Returns a page of the members of a room.
pub(crate) async fn list(cx: &Context<'_>, call: Authed<RoomIdList>) -> Result<Data<RoomIdListReply>, Code> {
    let page = cx.core.audiences().members(call.request.room, call.request.window).await?;
    Ok(Data(RoomIdListReply { total: page.total, idlist: page.items }))
}

/// Request of `live/heartbeat` (seed 003 §八). The room number is required, but may be that of another room than the
/// caller's: viewers with one of the clients send the number of their own room, or -1.
pub(crate) struct Heartbeat {
    role: Role,
    /// `thumbup`: in the prose of the seed, but not in its table. Missing: the number is unchanged.
    likes: Option<i64>,
}

impl TryFrom<Input<'_>> for Heartbeat {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        input.fields.room()?;
        let role = input.fields.role()?;
        // A number that cannot be true is ignored or capped: an error would end the host's live.
        let likes = input.fields.optional_integer("thumbup")?.filter(|likes| *likes >= 0);
        Ok(Self { role, likes: likes.map(|likes| likes.min(i64::from(i32::MAX))) })
    }
}

/// Extends the membership of the caller and, if it is the host, its live.
pub(crate) async fn heartbeat(cx: &Context<'_>, call: Authed<Heartbeat>) -> Result<(), Code> {
    Ok(cx.core.audiences().beat(call.caller, call.request.role, call.request.likes).await?)
}

/// Request of `live/request` (seed 003 §九).
pub(crate) struct RequestMic {
    room: RoomNumber,
}

impl TryFrom<Input<'_>> for RequestMic {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self { room: input.fields.room()? })
    }
}

/// Asks for the microphone; a caller outside of the room enters it as a viewer.
pub(crate) async fn request_mic(cx: &Context<'_>, call: Authed<RequestMic>) -> Result<(), Code> {
    Ok(cx.core.audiences().request_mic(call.caller, call.request.room).await?)
}

/// Request of `live/reportstatus` (seed 003 §十).
pub(crate) struct ReportStatus {
    room: RoomNumber,
    mic: Microphone,
}

impl TryFrom<Input<'_>> for ReportStatus {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            room: input.fields.room()?,
            mic: match input.fields.text("status")? {
                "on" => Microphone::On,
                "off" => Microphone::Off,
                _ => return Err(Code::Field("status", Fault::OutOf("on or off"))),
            },
        })
    }
}

/// Sets whether the caller is on mic.
pub(crate) async fn report_status(cx: &Context<'_>, call: Authed<ReportStatus>) -> Result<(), Code> {
    Ok(cx.core.audiences().set_mic(call.caller, call.request.room, call.request.mic).await?)
}
