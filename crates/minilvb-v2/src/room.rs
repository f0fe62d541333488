//! The room of the caller: `/upload_room`. This dialect has no call to go on air: a notice of the media cloud puts a
//! room on air.

use relive_core::Plan;
use relive_wire::Object;

use crate::{code::Code, envelope::Nothing, fields, identity::Context};

/// Request of `/upload_room` (seed 001 §7, contract minilvb-v2 §4.7). One Android build spells
/// `frontCover`, which is ignored.
pub(crate) struct UploadRoom(Plan);

impl TryFrom<&Object<'_>> for UploadRoom {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        Ok(Self(Plan {
            title: fields::required_text(object, "title", 128)?.into_owned(),
            cover: fields::text_or_empty(object, "frontcover", 255)?,
            location: fields::text_or_empty(object, "location", 128)?,
        }))
    }
}

/// Sets title, cover and location of the caller's next broadcast, or of the current one. Existing replays are not
/// changed.
pub(crate) async fn upload_room(cx: &Context<'_>, UploadRoom(plan): UploadRoom) -> Result<Nothing, Code> {
    let caller = cx.caller().await?;
    cx.core.rooms().plan(caller.account(), plan).await?;
    Ok(Nothing {})
}
