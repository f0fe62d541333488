//! A host's live: requests its push URL, starts and ends it, changes its counters.

use relive_core::{Announcement, Counted, FileId, Step, UnixSeconds, UserId};
use serde::Serialize;

use crate::{
    code::Refusal,
    envelope::Done,
    fields::{Fields, GROUP_ID, TITLE},
    identity::Context,
};

/// Request of `RequestLVBAddr` and `RequstLVBAddr`.
pub(crate) struct RequestAddress {
    user_id: UserId,
    announcement: Announcement,
}

impl<'a> TryFrom<Fields<'a>> for RequestAddress {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self {
            user_id: fields.user_id("userid")?,
            announcement: Announcement {
                group_id: fields.required("groupid", GROUP_ID)?.into(),
                title: fields.present("title", TITLE)?.into_owned(),
                user_info: fields.object("userinfo")?.user_info()?,
            },
        })
    }
}

/// Reply of `RequestLVBAddr`: the push URL, and the `timestamp` of the live from now on. iOS ignores a `timestamp` that
/// is not a number.
#[derive(Serialize)]
pub(crate) struct PushAddress {
    pushurl: String,
    timestamp: UnixSeconds,
}

/// Announces a live. The live is not listed before its host reports with `ChangeStatus` that the stream is up.
pub(crate) async fn request_address(
    cx: &Context<'_>,
    request: RequestAddress,
) -> Result<PushAddress, Refusal> {
    let host = cx.broadcaster(&request.user_id).await?;
    let live = cx.core.broadcasts().announce(host, request.announcement).await?;
    let pushurl = cx.core.streams().push_url(&live.stream_code, live.started_at);
    Ok(PushAddress { pushurl, timestamp: live.started_at })
}

/// Request of `ChangeStatus`.
pub(crate) struct ChangeStatus {
    user_id: UserId,
    on_air: bool,
}

impl<'a> TryFrom<Fields<'a>> for ChangeStatus {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        let user_id = fields.user_id("userid")?;
        // The inverse of `status` in lists, in both seeds.
        let on_air = match fields.natural("status")? {
            0 => true,
            1 => false,
            _ => return Err(Refusal::value("status")),
        };
        Ok(Self { user_id, on_air })
    }
}

/// Puts the live on the air or takes it off.
pub(crate) async fn change_status(cx: &Context<'_>, request: ChangeStatus) -> Result<Done, Refusal> {
    let host = cx.broadcaster(&request.user_id).await?;
    if request.on_air {
        cx.core.broadcasts().put_on_air(host).await?;
    } else {
        cx.core.broadcasts().take_off_air(host).await?;
    }
    Ok(Done)
}

/// Request of `ChangeCount`. `userid` is the host; the user who likes is not part of the request.
pub(crate) struct ChangeCount {
    host: UserId,
    /// `None`: the live is counted.
    file_id: Option<FileId>,
    counted: Counted,
    step: Step,
}

impl<'a> TryFrom<Fields<'a>> for ChangeCount {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        let host = fields.user_id("userid")?;
        let (counted, step) = (fields.integer("type")?, fields.integer("optype")?);
        let file_id = file_of(fields, "flag")?;
        let counted = match counted {
            // Deprecated by seed 002, but clients of seed 000 have no other way to count viewers.
            0 => Counted::AnonymousViewer,
            1 => Counted::Like,
            _ => return Err(Refusal::value("type")),
        };
        let step = match step {
            0 => Step::Up,
            1 => Step::Down,
            _ => return Err(Refusal::value("optype")),
        };
        Ok(Self { host, file_id, counted, step })
    }
}

/// The recording that a request is about, selected by the member `name`: 0 is the live (`None`), and `fileid` is
/// ignored; 1 is the recording `fileid`.
fn file_of(fields: Fields<'_>, name: &'static str) -> Result<Option<FileId>, Refusal> {
    match fields.integer(name)? {
        0 => Ok(None),
        1 => fields.file_id().map(Some),
        _ => Err(Refusal::value(name)),
    }
}

/// Changes a counter of a live or of a recording.
pub(crate) async fn change_count(cx: &Context<'_>, request: ChangeCount) -> Result<Done, Refusal> {
    let ChangeCount { host, file_id, counted, step } = request;
    match file_id {
        None => cx.core.broadcasts().count(&host, counted, step).await?,
        Some(file_id) => cx.core.recordings().count(&host, &file_id, counted, step).await?,
    }
    Ok(Done)
}
