//! Streams: `get_anchor_url`, `merge_stream`.

use relive_core::{Error, GroupId, UnixSeconds};
use relive_wire::{Object, Value};
use serde::Serialize;

use crate::{
    code::Code,
    fields::{self, Empty},
    identity::Context,
    room_object::accelerate_url,
};

/// Reply of `get_anchor_url`.
#[derive(Serialize)]
pub(crate) struct AnchorUrl {
    #[serde(rename = "pushURL")]
    push_url: String,
    #[serde(rename = "accelerateURL")]
    accelerate_url: String,
}

/// Returns the URL that the caller pushes to, and the one at which it is played with little delay (contract roomservice §4.3).
pub(crate) async fn get_anchor_url(cx: &Context<'_>, _: Empty) -> Result<AnchorUrl, Code> {
    let code = cx.core.live_rooms().stream(cx.caller()?.account()).await?;
    let push_url = cx.core.streams().push_url(&code, cx.core.now());
    Ok(AnchorUrl { push_url, accelerate_url: accelerate_url(cx, &code) })
}

/// Request of `merge_stream` (contract roomservice §4.14).
pub(crate) struct MergeStream(GroupId);

impl TryFrom<&Object<'_>> for MergeStream {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        let room = fields::room_id(object)?;
        match object.present("mergeParams") {
            Some(Value::Object(_)) => Ok(Self(room)),
            Some(Value::Text(text)) => match Object::parse(text.as_bytes(), 64) {
                Ok(_) => Ok(Self(room)),
                Err(_) => Err(Code::MergeParams),
            },
            _ => Err(Code::Parameter("mergeParams")),
        }
    }
}

#[derive(Serialize)]
struct Merged {
    code: i32,
    message: &'static str,
    timestamp: UnixSeconds,
}

/// Reply of `merge_stream`, in the forms of all clients.
#[derive(Serialize)]
pub(crate) struct MergeReply {
    merge_code: i32,
    merge_msg: &'static str,
    merge_message: &'static str,
    result: Merged,
}

/// Succeeds without effect for an anchor: no cloud is asked to mix streams, and clients repeat a failure.
pub(crate) async fn merge_stream(cx: &Context<'_>, MergeStream(id): MergeStream) -> Result<MergeReply, Code> {
    let room = cx.core.live_rooms().require(&id).await.map_err(|error| match error {
        Error::NotOnAir => Code::NotMember,
        other => other.into(),
    })?;
    if !room.has_anchor(cx.caller()?.user_id()) {
        return Err(Code::NotMember);
    }
    let result = Merged { code: 0, message: "", timestamp: cx.core.now() };
    Ok(MergeReply { merge_code: 0, merge_msg: "", merge_message: "", result })
}
