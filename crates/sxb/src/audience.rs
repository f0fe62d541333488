//! Who is in a room: entering, leaving, staying, talking along (seed 003 §六 to §十).

use relive_core::{Member, Role, RoomNumber, Window};
use serde::{Serialize, Serializer};

use crate::{
    call::{Authed, Input},
    code::{Code, Fault},
    context::Context,
    envelope::Data,
};

/// Seed 003 §六. The seed's `id` is not read: the token says who it is.
pub(crate) struct ReportMemId {
    room: RoomNumber,
    role: Role,
    /// Not in the seed, whose clients only enter; sent by all later ones.
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

pub(crate) async fn report(cx: &Context, call: Authed<ReportMemId>) -> Result<(), Code> {
    let ReportMemId { room, role, leaves } = call.request;
    let audiences = cx.core.audiences();
    Ok(if leaves {
        audiences.leave(call.caller, room).await
    } else {
        audiences.enter(call.caller, room, role).await
    }?)
}

/// Seed 003 §七.
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

pub(crate) async fn list(cx: &Context, call: Authed<RoomIdList>) -> Result<Data<RoomIdListReply>, Code> {
    let page = cx.core.audiences().members(call.request.room, call.request.window).await?;
    Ok(Data(RoomIdListReply { total: page.total, idlist: page.items }))
}

/// Seed 003 §八. The room number must be there but need not be that of the room the caller sits in: one client's viewers
/// send their own, or -1.
pub(crate) struct Heartbeat {
    role: Role,
    /// Not in the seed's table but in its prose. Missing: unchanged.
    likes: Option<i64>,
}

impl TryFrom<Input<'_>> for Heartbeat {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        input.fields.room()?;
        let role = input.fields.role()?;
        // A number nobody can have counted to must not cost a host its live.
        let likes = input.fields.optional_integer("thumbup")?.filter(|likes| *likes >= 0);
        Ok(Self { role, likes: likes.map(|likes| likes.min(i64::from(i32::MAX))) })
    }
}

pub(crate) async fn heartbeat(cx: &Context, call: Authed<Heartbeat>) -> Result<(), Code> {
    Ok(cx.core.audiences().beat(call.caller, call.request.role, call.request.likes).await?)
}

/// Seed 003 §九.
pub(crate) struct RequestMic {
    room: RoomNumber,
}

impl TryFrom<Input<'_>> for RequestMic {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self { room: input.fields.room()? })
    }
}

pub(crate) async fn request_mic(cx: &Context, call: Authed<RequestMic>) -> Result<(), Code> {
    Ok(cx.core.audiences().request_mic(call.caller, call.request.room).await?)
}

/// Seed 003 §十.
pub(crate) struct ReportStatus {
    room: RoomNumber,
    on: bool,
}

impl TryFrom<Input<'_>> for ReportStatus {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            room: input.fields.room()?,
            on: match input.fields.text("status")? {
                "on" => true,
                "off" => false,
                _ => return Err(Code::Field("status", Fault::OutOf("on or off"))),
            },
        })
    }
}

pub(crate) async fn report_status(cx: &Context, call: Authed<ReportStatus>) -> Result<(), Code> {
    Ok(cx.core.audiences().set_mic(call.caller, call.request.room, call.request.on).await?)
}
