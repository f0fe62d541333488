//! Audiences: `add_audience`, `delete_audience`, `get_audiences`.

use std::borrow::Cow;

use relive_core::{GroupId, RoomViewer, UserId};
use relive_wire::Object;
use serde::Serialize;

use crate::{
    code::Code,
    envelope::Nothing,
    fields,
    identity::Context,
    room::{InRoom, LONGEST_INFO},
};

/// Viewers that `get_audiences` shows (contract roomservice §9).
const SHOWN: u16 = 30;

/// Request of `add_audience` (contract roomservice §4.11).
pub(crate) struct AddAudience {
    room: GroupId,
    info: Option<String>,
}

impl TryFrom<&Object<'_>> for AddAudience {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        let info = fields::text(object, "userInfo", LONGEST_INFO)?;
        Ok(Self { room: fields::room_id(object)?, info: info.map(Cow::into_owned) })
    }
}

/// Makes the caller a viewer of a room until it leaves or its token ends.
pub(crate) async fn add_audience(cx: &Context<'_>, request: AddAudience) -> Result<Nothing, Code> {
    let AddAudience { room, info } = request;
    let names = info.as_deref().map(fields::names_in).unwrap_or_default();
    cx.core.live_rooms().watch(cx.caller()?, room, info, names).await?;
    Ok(Nothing {})
}

/// Removes the caller from a room (contract roomservice §4.12).
pub(crate) async fn delete_audience(cx: &Context<'_>, InRoom(id): InRoom) -> Result<Nothing, Code> {
    cx.core.live_rooms().unwatch(cx.caller()?.account(), id).await?;
    Ok(Nothing {})
}

/// An entry of `get_audiences`.
#[derive(Serialize)]
pub(crate) struct Viewer {
    #[serde(rename = "userID")]
    user_id: UserId,
    #[serde(rename = "userInfo")]
    info: String,
}

#[derive(Serialize)]
struct Info<'a> {
    #[serde(rename = "userName")]
    nickname: &'a str,
    #[serde(rename = "userAvatar")]
    avatar: &'a str,
}

impl From<RoomViewer> for Viewer {
    fn from(viewer: RoomViewer) -> Self {
        let RoomViewer { user_id, info, nickname, avatar } = viewer;
        let in_form =
            || serde_json::to_string(&Info { nickname: &nickname, avatar: &avatar }).unwrap_or_default();
        Self { user_id, info: info.unwrap_or_else(in_form) }
    }
}

/// Reply of `get_audiences`.
#[derive(Serialize)]
pub(crate) struct Audiences {
    #[serde(rename = "audienceCount")]
    count: i64,
    audiences: Vec<Viewer>,
}

/// Returns the viewers that entered last.
pub(crate) async fn get_audiences(cx: &Context<'_>, InRoom(id): InRoom) -> Result<Audiences, Code> {
    let room = cx.core.live_rooms().require(&id).await?;
    let viewers = cx.core.live_rooms().newest_viewers(&room, SHOWN).await?;
    Ok(Audiences {
        count: room.broadcast.viewers,
        audiences: viewers.into_iter().map(Viewer::from).collect(),
    })
}
