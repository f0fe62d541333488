//! Rooms: `create_room`, `destroy_room`.

use relive_core::GroupId;
use relive_wire::Object;
use serde::Serialize;

use crate::{code::Code, envelope::Nothing, fields, identity::Context};

/// Longest description of a room in bytes.
pub(crate) const LONGEST_INFO: usize = 1_024;

/// Request of `create_room` (contract roomservice §4.4).
pub(crate) struct CreateRoom {
    /// `None`: the server chooses.
    id: Option<GroupId>,
    info: String,
}

impl TryFrom<&Object<'_>> for CreateRoom {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        let info = fields::required_text(object, "roomInfo", usize::MAX)?;
        let id = fields::text(object, "roomID", usize::MAX)?.filter(|id| !id.is_empty());
        if info.len() > LONGEST_INFO {
            return Err(Code::LongRoomInfo);
        }
        Ok(Self { id: id.map(GroupId::from), info: info.into_owned() })
    }
}

/// Reply with the id of a room.
#[derive(Serialize)]
pub(crate) struct RoomReply {
    #[serde(rename = "roomID")]
    pub(crate) id: GroupId,
}

/// Creates the caller's room, which is listed once the caller has entered it as an anchor.
pub(crate) async fn create_room(cx: &Context<'_>, request: CreateRoom) -> Result<RoomReply, Code> {
    let caller = cx.caller()?;
    let texts = fields::room_texts(request.info);
    let id = cx.core.live_rooms().create(caller.account(), request.id, texts).await?;
    Ok(RoomReply { id })
}

/// Request of a call that names a room.
pub(crate) struct InRoom(pub(crate) GroupId);

impl TryFrom<&Object<'_>> for InRoom {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        fields::room_id(object).map(Self)
    }
}

/// Ends the caller's room (contract roomservice §4.10).
pub(crate) async fn destroy_room(cx: &Context<'_>, InRoom(id): InRoom) -> Result<Nothing, Code> {
    cx.core.live_rooms().destroy(cx.caller()?.account(), id).await?;
    Ok(Nothing {})
}
