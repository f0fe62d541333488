//! Rooms: creates, changes and shows the caller's room, and finds any room by its number (contract qplus §4.7–§4.10,
//! §4.13).

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

/// Request of `GetMyLiveRoomId` and `GetMyLiveRoom`.
pub(crate) struct Own<'a> {
    session: &'a str,
}

impl<'a> TryFrom<&'a Input<'_>> for Own<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { session: input.session()? })
    }
}

/// Reply of `GetMyLiveRoomId`: the number in the published spelling, and in the spelling of all other replies.
#[derive(Debug, Serialize)]
pub(crate) struct OwnNumberReply {
    #[serde(rename = "LiveRoomId")]
    published: i64,
    #[serde(rename = "liveRoomId")]
    usual: i64,
}

/// Returns the number of the caller's room; 0 if there is none.
pub(crate) async fn own_number(cx: &Context<'_>, request: Own<'_>) -> Result<OwnNumberReply, Code> {
    let session = cx.session(request.session).await?;
    let number = cx.core.rooms().number_of(session.account()).await?.map_or(0, |room| room.0);
    Ok(OwnNumberReply { published: number, usual: number })
}

/// Returns the caller's room with both passwords in clear: the owner's client needs them to open the stream.
pub(crate) async fn own(cx: &Context<'_>, request: Own<'_>) -> Result<RoomObject, Code> {
    let session = cx.session(request.session).await?;
    let room = cx.core.rooms().own(session.account()).await?;
    Ok(RoomObject::new(cx, session.account(), room))
}

/// Reads the texts and passwords of a room.
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

/// Checks the texts and passwords of a room; empty ones are not set.
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

/// Request of `CreateLiveRoom`.
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

/// Reply of `CreateLiveRoom`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateReply {
    live_room_id: i64,
}

/// Creates the room of the caller. If the room has been created before, all fields but the session are ignored
/// (contract qplus §4.9).
pub(crate) async fn create(cx: &Context<'_>, request: CreateLiveRoom<'_>) -> Result<CreateReply, Code> {
    let session = cx.session(request.session).await?;
    let named = |text: &RoomText| if text.name.is_empty() { Err(Code::RoomName) } else { check(text) };
    let room = cx.core.rooms().name(session.account(), request.text, named).await??;
    Ok(CreateReply { live_room_id: room.0 })
}

/// Request of `ModifyMyLiveRoom`.
pub(crate) struct ModifyMyLiveRoom<'a> {
    session: &'a str,
    /// 0: the caller's room.
    number: i64,
    text: RoomText,
}

impl<'a> TryFrom<&'a Input<'_>> for ModifyMyLiveRoom<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { session: input.session()?, number: input.integer("liveRoomId")?, text: room_text(input)? })
    }
}

/// Changes the room of the caller. Empty fields are left unchanged: clients send empty passwords every time.
pub(crate) async fn modify(cx: &Context<'_>, request: ModifyMyLiveRoom<'_>) -> Result<Done, Code> {
    let session = cx.session(request.session).await?;
    check(&request.text)?;
    let number = (request.number != 0).then_some(RoomNumber(request.number));
    cx.core.rooms().modify(session.account(), number, request.text).await?;
    Ok(Done {})
}

/// Request of `SearchLiveRoom` and `SearchLiveStream`.
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
    /// Parses a decimal integer. An integer beyond the range of room numbers is the number of no room.
    fn number(&self) -> Result<RoomNumber, Code> {
        let digits = self.keyword.strip_prefix('-').unwrap_or(&self.keyword);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Code::Param);
        }
        self.keyword.parse().map(RoomNumber).map_err(|_| Code::NoSuchRoom)
    }
}

/// Reply of `SearchLiveRoom` and `SearchLiveStream`: a room, and whether it is on air. Clients take a missing `isPlay`
/// for 1.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchReply {
    #[serde(flatten)]
    room: RoomObject,
    is_play: u8,
}

/// Finds a room by its number, on air or not.
pub(crate) async fn search(cx: &Context<'_>, request: Search<'_>) -> Result<SearchReply, Code> {
    let session = cx.session(request.session).await?;
    let room = cx.core.rooms().find(session.account(), request.number()?).await?;
    let is_play = u8::from(room.on_air.is_some());
    Ok(SearchReply { room: RoomObject::new(cx, session.account(), room), is_play })
}
