//! Lists of lives, recordings and short videos, and the details of one of them.

use std::sync::Arc;

use relive_core::{
    Broadcast, FileId, OnAirFilter, Page, Recording, RecordingFilter, RecordingOrder, Seconds, UserId, Window,
};
use relive_wire::{array, count};

use crate::{
    code::{Code, Refusal},
    envelope::Success,
    fields::Fields,
    identity::Context,
    pusher::{PusherInfo, Row, play_urls},
};

/// Length of time for which a recording is listed after its end, in both seeds.
const LISTED: Seconds = Seconds(7 * 86_400);

/// The list that `flag` selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Selection {
    Lives,
    Recordings,
    /// Lives, then recordings.
    Both,
    ShortVideos,
}

/// Request of `FetchList`.
pub(crate) struct FetchList {
    selection: Selection,
    window: Window,
}

impl<'a> TryFrom<Fields<'a>> for FetchList {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        let flag = fields.natural("flag")?;
        let window = fields.page()?;
        let selection = match flag {
            1 => Selection::Lives,
            2 => Selection::Recordings,
            3 => Selection::Both,
            5 => Selection::ShortVideos,
            _ => return Err(Refusal::value("flag")),
        };
        Ok(Self { selection, window })
    }
}

/// Writes the reply of a list: the length of the whole list, and the rows of this page.
fn page<'a>(cx: &Context<'_>, total: usize, rows: impl Iterator<Item = Row<'a>>) -> Success {
    let mut body = Vec::with_capacity(128 + 512 * rows.size_hint().0);
    body.extend_from_slice(
        br#"{"returnValue":0,"returnMsg":"return successfully!","returnData":{"totalcount":"#,
    );
    count(&mut body, total);
    body.extend_from_slice(b",\"pusherlist\":");
    array(&mut body, rows, |body, row| row.write(cx.core, body));
    body.extend_from_slice(b"}}");
    Success::new(body)
}

fn live_rows(page: &Page<Broadcast>) -> impl Iterator<Item = Row<'_>> {
    page.items.iter().map(Row::Live)
}

fn recording_rows(page: &Page<Arc<Recording>>) -> impl Iterator<Item = Row<'_>> {
    page.items.iter().map(|recording| Row::Recording(recording))
}

/// Returns a page of the lives on air, of the recordings, of both or of the short videos.
pub(crate) async fn fetch_list(cx: &Context<'_>, request: FetchList) -> Result<Success, Refusal> {
    let FetchList { selection, window } = request;
    Ok(match selection {
        Selection::Lives => {
            let lives = lives(cx, window).await?;
            page(cx, lives.total, live_rows(&lives))
        }
        Selection::Recordings => {
            let recordings = recordings(cx, None, window).await?;
            page(cx, recordings.total, recording_rows(&recordings))
        }
        Selection::Both => {
            let lives = lives(cx, window).await?;
            // The part of the window behind the last live.
            let rest = Window {
                offset: window.offset.saturating_sub(lives.total),
                limit: window.limit.saturating_sub(lives.items.len()),
            };
            let recordings = recordings(cx, None, rest).await?;
            let rows = live_rows(&lives).chain(recording_rows(&recordings));
            page(cx, lives.total + recordings.total, rows)
        }
        Selection::ShortVideos => {
            let videos = cx.core.short_videos().list(None, window).await?;
            page(cx, videos.total, videos.items.iter().map(Row::ShortVideo))
        }
    })
}

async fn lives(cx: &Context<'_>, window: Window) -> Result<Page<Broadcast>, Refusal> {
    Ok(cx.core.broadcasts().on_air(OnAirFilter::default(), window).await?)
}

async fn recordings(
    cx: &Context<'_>,
    owner: Option<UserId>,
    window: Window,
) -> Result<Page<Arc<Recording>>, Refusal> {
    let filter = RecordingFilter { with_play_url: true, owner };
    let order = RecordingOrder::Ended { after: Some(cx.core.now() - LISTED) };
    Ok(cx.core.recordings().list(filter, order, window).await?)
}

/// Request of `VODFetchList`, the only call that spells the owner `user_id`.
pub(crate) struct RecordingsOf {
    owner: UserId,
    window: Window,
}

impl<'a> TryFrom<Fields<'a>> for RecordingsOf {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self { owner: fields.user_id("user_id")?, window: fields.page()? })
    }
}

/// Returns a page of one owner's recordings.
pub(crate) async fn recordings_of(cx: &Context<'_>, request: RecordingsOf) -> Result<Success, Refusal> {
    let recordings = recordings(cx, Some(request.owner), request.window).await?;
    Ok(page(cx, recordings.total, recording_rows(&recordings)))
}

/// The entry that `type` selects.
enum Kind {
    Live,
    Recording(FileId),
    ShortVideo(FileId),
}

/// Request of `GetUserInfo`.
pub(crate) struct GetUserInfo {
    owner: UserId,
    kind: Kind,
}

impl<'a> TryFrom<Fields<'a>> for GetUserInfo {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        let owner = fields.user_id("userid")?;
        let kind = match fields.integer("type")? {
            0 => Kind::Live,
            1 => Kind::Recording(fields.file_id()?),
            2 => Kind::ShortVideo(fields.file_id()?),
            _ => return Err(Refusal::value("type")),
        };
        Ok(Self { owner, kind })
    }
}

/// Returns one live, recording or short video, listed or not.
pub(crate) async fn user_info(cx: &Context<'_>, request: GetUserInfo) -> Result<Success, Refusal> {
    let GetUserInfo { owner, kind } = request;
    let found: Option<Success> = match kind {
        Kind::Live => {
            let latest = cx.core.broadcasts().latest(&owner).await?;
            latest.map(|live| PusherInfo::live(&live, &play_urls(cx.core, &live)).into())
        }
        Kind::Recording(file_id) => {
            let recording = cx.core.recordings().find(&owner, &file_id).await?;
            recording.map(|recording| PusherInfo::from(&recording).into())
        }
        Kind::ShortVideo(file_id) => {
            let video = cx.core.short_videos().find(&owner, &file_id).await?;
            video.map(|video| PusherInfo::from(&video).into())
        }
    };
    // The original server took a missing row for a failure of its database.
    found.ok_or(Code::Database.into())
}
