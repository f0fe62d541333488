//! Anchors: `add_anchor`, `delete_anchor`, `anchor_heartbeat`.

use relive_core::{AnchorNames, GroupId, RoomTexts, StreamCode};
use relive_wire::{Object, number};

use crate::{
    code::Code,
    envelope::{Members, Nothing},
    fields,
    identity::Context,
    room::{InRoom, LONGEST_INFO, RoomReply},
    room_object::write_anchors,
};

/// Request of `add_anchor` (contract roomservice §4.5).
pub(crate) struct AddAnchor {
    room: GroupId,
    stream_code: StreamCode,
    names: AnchorNames,
    texts: RoomTexts,
}

impl TryFrom<&Object<'_>> for AddAnchor {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        let url = fields::required_text(object, "pushURL", 2_048)?;
        Ok(Self {
            room: fields::room_id(object)?,
            stream_code: stream_code(&url).ok_or(Code::Parameter("pushURL"))?,
            names: AnchorNames {
                nickname: fields::text_or_empty(object, "userName", 256)?,
                avatar: fields::text_or_empty(object, "userAvatar", 1_024)?,
            },
            texts: fields::room_texts(fields::text_or_empty(object, "roomInfo", LONGEST_INFO)?),
        })
    }
}

/// The stream code in a push URL: the last part of its path.
fn stream_code(url: &str) -> Option<StreamCode> {
    let path = url.split_once('?').map_or(url, |(path, _)| path);
    let (_, code) = path.rsplit_once('/')?;
    (!code.is_empty()).then(|| code.into())
}

/// Opens the caller's room, or makes the caller a sub-anchor of another room; renews an anchor that is there already.
pub(crate) async fn add_anchor(cx: &Context<'_>, request: AddAnchor) -> Result<RoomReply, Code> {
    let AddAnchor { room, stream_code, names, texts } = request;
    let id = room.clone();
    cx.core.live_rooms().enter(cx.caller()?, room, stream_code, names, texts).await?;
    Ok(RoomReply { id })
}

/// Ends the caller's room, or makes a sub-anchor a viewer (contract roomservice §4.6).
pub(crate) async fn delete_anchor(cx: &Context<'_>, InRoom(id): InRoom) -> Result<Nothing, Code> {
    cx.core.live_rooms().leave(cx.caller()?.account(), id).await?;
    Ok(Nothing {})
}

/// Request of `anchor_heartbeat` (contract roomservice §4.7).
pub(crate) struct Heartbeat {
    room: GroupId,
    known_code: Option<i64>,
}

impl TryFrom<&Object<'_>> for Heartbeat {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        Ok(Self { room: fields::room_id(object)?, known_code: fields::integer(object, "roomStatusCode")? })
    }
}

/// Renews an anchor. The reply has the list of anchors and its code if the client knows another one.
pub(crate) async fn anchor_heartbeat(cx: &Context<'_>, request: Heartbeat) -> Result<Members, Code> {
    let room = cx.core.live_rooms().beat(cx.caller()?.account(), &request.room).await?;
    let mut members = Vec::new();
    let Some(known) = request.known_code else { return Ok(Members(members)) };
    let code = room.anchors_code();
    if known != code {
        members.extend_from_slice(b"\"roomStatusCode\":");
        number(&mut members, code);
        members.extend_from_slice(b",\"pushers\":");
        write_anchors(cx, &room, &mut members);
    }
    Ok(Members(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_last_part_of_the_path() {
        for (url, code) in [
            ("rtmp://push.example.com/live/8_mei_r?bizid=8&txSecret=/x", Some("8_mei_r")),
            ("rtmp://push.example.com/live/8_mei_r", Some("8_mei_r")),
            ("/8_mei_r", Some("8_mei_r")),
            ("8_mei_r", None),
            ("rtmp://push.example.com/live/?x", None),
            ("", None),
        ] {
            assert_eq!(stream_code(url).as_deref(), code, "{url}");
        }
    }
}
