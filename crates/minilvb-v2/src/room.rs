//! The room: `/upload_room`. This dialect has no call for going on air; the media cloud's notices do that.

use relive_core::Plan;
use relive_wire::Object;

use crate::{code::Code, envelope::Nothing, fields, identity::Context};

/// Request of `/upload_room` (seed 001 §7, contract minilvb-v2 §4.7). One Android build spells `frontCover`: unknown.
pub(crate) struct UploadRoom(Plan);

impl TryFrom<&Object<'_>> for UploadRoom {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        Ok(Self(Plan {
            title: fields::required_text(object, "title", 128)?.to_owned(),
            cover: fields::text_or_empty(object, "frontcover", 255)?,
            location: fields::text_or_empty(object, "location", 128)?,
        }))
    }
}

/// `/upload_room`: what the caller broadcasts next, or now. Replays keep what they had.
pub(crate) async fn upload_room(cx: &Context<'_>, UploadRoom(plan): UploadRoom) -> Result<Nothing, Code> {
    let caller = cx.caller().await?;
    cx.core.rooms().plan(caller.account(), plan).await?;
    Ok(Nothing {})
}
