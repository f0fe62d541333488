//! Rooms: the caller's own, and any by number (contract qplus §4.7–§4.10, §4.13).

use std::borrow::Cow;

use relive_core::{RoomNumber, RoomText};
use serde::Serialize;

use crate::{
    code::Code,
    context::Context,
    envelope::Done,
    fields::{Input, longer},
    room_object::RoomObject,
};

/// A call that needs nothing but a session.
pub(crate) struct Own<'a> {
    session: &'a str,
}

impl<'a> TryFrom<&'a Input<'_>> for Own<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { session: input.session()? })
    }
}

/// As published, and as all other replies spell it.
#[derive(Debug, Serialize)]
pub(crate) struct OwnNumberReply {
    #[serde(rename = "LiveRoomId")]
    published: i64,
    #[serde(rename = "liveRoomId")]
    usual: i64,
}

/// 0 without a room.
pub(crate) async fn own_number(cx: &Context, request: Own<'_>) -> Result<OwnNumberReply, Code> {
    let session = cx.session(request.session).await?;
    let number = cx.core.rooms().number_of(session.account()).await?.map_or(0, |room| room.0);
    Ok(OwnNumberReply { published: number, usual: number })
}

/// The owner gets both passwords in clear: its client opens the stream with them.
pub(crate) async fn own(cx: &Context, request: Own<'_>) -> Result<RoomObject, Code> {
    let session = cx.session(request.session).await?;
    let room = cx.core.rooms().own(session.account()).await?;
    Ok(RoomObject::new(cx, session.account(), room))
}

/// What an owner says about its room.
fn room_text(input: &Input<'_>) -> Result<RoomText, Code> {
    let text = |key| input.text(key).map(str::to_owned);
    Ok(RoomText {
        name: text("liveRoomName")?,
        description: text("liveRoomDesc")?,
        topic: text("liveRoomTopic")?,
        anchor_password: text("liveRoomAnchorPwd")?,
        assist_password: text("liveRoomAssistPwd")?,
        user_password: text("liveRoomUserPwd")?,
    })
}

/// What is said obeys the rules; what is empty is not said.
fn check(text: &RoomText) -> Result<(), Code> {
    let name = &text.name;
    let blank = !name.is_empty() && name.trim().is_empty();
    if blank || longer(name, 256) || name.chars().any(char::is_control) {
        return Err(Code::RoomName);
    }
    let invalid = |password: &&String| {
        longer(password, 64) || password.chars().any(|c| c.is_whitespace() || c.is_control())
    };
    if [&text.anchor_password, &text.assist_password, &text.user_password].iter().any(invalid) {
        return Err(Code::RoomPassword);
    }
    if longer(&text.description, 1024) || longer(&text.topic, 256) {
        return Err(Code::Param);
    }
    Ok(())
}

pub(crate) struct CreateLiveRoom<'a> {
    session: &'a str,
    text: RoomText,
}

impl<'a> TryFrom<&'a Input<'_>> for CreateLiveRoom<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { session: input.session()?, text: room_text(input)? })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateReply {
    live_room_id: i64,
}

/// Nothing but the session is looked at if the caller's room has been created before (contract qplus §4.9).
pub(crate) async fn create(cx: &Context, request: CreateLiveRoom<'_>) -> Result<CreateReply, Code> {
    let session = cx.session(request.session).await?;
    let named = |text: &RoomText| if text.name.is_empty() { Err(Code::RoomName) } else { check(text) };
    let room = cx.core.rooms().name(session.account(), request.text, named).await??;
    Ok(CreateReply { live_room_id: room.0 })
}

pub(crate) struct ModifyMyLiveRoom<'a> {
    session: &'a str,
    /// 0: the caller's.
    number: i64,
    text: RoomText,
}

impl<'a> TryFrom<&'a Input<'_>> for ModifyMyLiveRoom<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { session: input.session()?, number: input.integer("liveRoomId")?, text: room_text(input)? })
    }
}

/// Clients send blank passwords every time: what is empty stays as it is.
pub(crate) async fn modify(cx: &Context, request: ModifyMyLiveRoom<'_>) -> Result<Done, Code> {
    let session = cx.session(request.session).await?;
    check(&request.text)?;
    let number = (request.number != 0).then_some(RoomNumber(request.number));
    cx.core.rooms().modify(session.account(), number, request.text).await?;
    Ok(Done {})
}

pub(crate) struct Search<'a> {
    session: &'a str,
    keyword: Cow<'a, str>,
}

impl<'a> TryFrom<&'a Input<'_>> for Search<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { session: input.session()?, keyword: input.text_or_number("keyword")? })
    }
}

impl Search<'_> {
    /// A decimal integer; one that no room can have is a room that does not exist.
    fn number(&self) -> Result<RoomNumber, Code> {
        let digits = self.keyword.strip_prefix('-').unwrap_or(&self.keyword);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Code::Param);
        }
        self.keyword.parse().map(RoomNumber).map_err(|_| Code::NoSuchRoom)
    }
}

/// A room, and whether it is on air: clients take a missing `isPlay` for yes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchReply {
    #[serde(flatten)]
    room: RoomObject,
    is_play: u8,
}

/// Any room by its number, on air or not.
pub(crate) async fn search(cx: &Context, request: Search<'_>) -> Result<SearchReply, Code> {
    let session = cx.session(request.session).await?;
    let room = cx.core.rooms().find(session.account(), request.number()?).await?;
    let is_play = u8::from(room.on_air.is_some());
    Ok(SearchReply { room: RoomObject::new(cx, session.account(), room), is_play })
}
