//! Recordings: takes a host's report about a recording it starts, and lists recordings (seed 003 §十一, §十三).

use relive_core::{
    FileId, Recording, RecordingFilter, RecordingHint, RecordingOrder, RoomNumber, Seconds, UnixSeconds,
    UserId, Window,
};
use serde::Serialize;

use crate::{
    call::{Authed, Input},
    code::Code,
    context::Context,
    envelope::Data,
    fields::MAX_TEXT_BYTES,
    route::Profile,
};

/// Request of `live/reportrecord` (seed 003 §十一).
pub(crate) struct ReportRecord {
    room: RoomNumber,
    hint: RecordingHint,
}

impl TryFrom<Input<'_>> for ReportRecord {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        input.fields.filled("uid")?;
        input.fields.integer("type")?;
        Ok(Self {
            room: input.fields.room()?,
            hint: RecordingHint {
                name: input.fields.short_text("name", MAX_TEXT_BYTES)?,
                cover: input.fields.optional_short_text("cover", MAX_TEXT_BYTES)?,
            },
        })
    }
}

/// Stores name and cover for the recording that the cloud will announce. The report alone creates no entry in the list:
/// there is no URL yet.
pub(crate) async fn report(cx: &Context<'_>, call: Authed<ReportRecord>) -> Result<(), Code> {
    let ReportRecord { room, hint } = call.request;
    Ok(cx.core.rooms().hint_recording(call.caller, room, hint).await?)
}

/// Request of `live/recordlist` (seed 003 §十三).
pub(crate) struct RecordList {
    filter: RecordingFilter,
    window: Window,
    profile: Profile,
}

impl TryFrom<Input<'_>> for RecordList {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        let index = input.fields.index()?;
        let limit = input.fields.size(100, "0..100")?;
        // Clients of 2017 ask for type 1, files that the apps named at the cloud: all recordings here are of the apps.
        input.fields.integer("type")?;
        let owner = input.fields.optional_text("s_uid")?.filter(|owner| !owner.is_empty());
        let offset = match input.profile {
            Profile::Seed | Profile::Array => index,
            Profile::Client => index.saturating_sub(1).saturating_mul(limit),
        };
        Ok(Self {
            filter: RecordingFilter { owner: owner.map(UserId::from), ..RecordingFilter::default() },
            window: Window { offset, limit },
            profile: input.profile,
        })
    }
}

/// Reply of `live/recordlist`.
#[derive(Serialize)]
pub(crate) struct RecordListReply {
    total: usize,
    videos: Vec<Video>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Video {
    uid: UserId,
    cover: String,
    name: String,
    #[serde(rename = "videoId")]
    file_id: FileId,
    /// The file id again, under its name in the seed's table.
    playid: FileId,
    playurl: PlayUrl,
    create_time: UnixSeconds,
    file_size: i64,
    duration: Seconds,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PlayUrl {
    One(String),
    All(Vec<String>),
}

impl PlayUrl {
    /// Chooses the URLs of a recording: the file first, then the playlist.
    fn of(profile: Profile, recording: &Recording) -> Self {
        let urls = [recording.play_url.as_str(), recording.hls_url.as_str()];
        let mut urls = urls.into_iter().filter(|url| !url.is_empty()).map(str::to_owned);
        match profile {
            Profile::Seed => Self::One(urls.next().unwrap_or_default()),
            Profile::Array | Profile::Client => Self::All(urls.collect()),
        }
    }
}

impl Video {
    fn of(profile: Profile, recording: &Recording) -> Self {
        Self {
            uid: recording.user_id.clone(),
            cover: recording.cover.clone(),
            name: recording.title.clone(),
            playid: recording.file_id.clone(),
            file_id: recording.file_id.clone(),
            playurl: PlayUrl::of(profile, recording),
            create_time: recording.stored_at,
            file_size: recording.size,
            duration: recording.duration,
        }
    }
}

/// Returns a page of recordings.
pub(crate) async fn list(cx: &Context<'_>, call: Authed<RecordList>) -> Result<Data<RecordListReply>, Code> {
    let RecordList { filter, window, profile } = call.request;
    let page = cx.core.recordings().list(filter, RecordingOrder::Stored, window).await?;
    let videos = page.items.iter().map(|recording| Video::of(profile, recording)).collect();
    Ok(Data(RecordListReply { total: page.total, videos }))
}
