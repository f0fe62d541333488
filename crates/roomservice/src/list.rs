//! Lists: `get_room_list`, `get_anchors`.

use relive_core::Window;
use relive_wire::{Object, array, number};

use crate::{
    code::Code,
    envelope::Members,
    fields,
    identity::Context,
    room::InRoom,
    room_object::{write_members, write_room},
};

/// Most rooms of a page (contract roomservice §4.9).
const MOST_ROOMS: usize = 200;
/// Room for a room in a list, so that the list seldom moves while it is written.
const ROOM_BYTES: usize = 1_024;

/// Request of `get_room_list`: the offset of the first room, and the number of rooms.
pub(crate) struct GetRoomList(Window);

impl TryFrom<&Object<'_>> for GetRoomList {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        let count = |name| -> Result<usize, Code> {
            let number = fields::integer(object, name)?.ok_or(Code::Parameter(name))?;
            usize::try_from(number).map_err(|_| Code::Parameter(name))
        };
        Ok(Self(Window { limit: count("cnt")?.min(MOST_ROOMS), offset: count("index")? }))
    }
}

/// Returns a page of everything that is on air in any dialect, newest start first.
pub(crate) async fn get_room_list(
    cx: &Context<'_>,
    GetRoomList(window): GetRoomList,
) -> Result<Members, Code> {
    let page = cx.core.live_rooms().on_air(window).await?;
    let mut members = Vec::with_capacity(16 + ROOM_BYTES * page.items.len());
    members.extend_from_slice(b"\"rooms\":");
    array(&mut members, &page.items, |body, room| write_room(cx, room, body));
    Ok(Members(members))
}

/// Returns one room with its anchors (contract roomservice §4.8).
pub(crate) async fn get_anchors(cx: &Context<'_>, InRoom(id): InRoom) -> Result<Members, Code> {
    let room = cx.core.live_rooms().require(&id).await?;
    let mut members = Vec::with_capacity(1_024);
    members.extend_from_slice(b"\"roomStatusCode\":");
    number(&mut members, room.anchors_code());
    members.push(b',');
    write_members(cx, &room, &mut members);
    Ok(Members(members))
}
