//! What there is to watch: lists of lives, recordings and short videos, one of them in detail.

use std::{borrow::Cow, sync::Arc};

use relive_core::{OnAirFilter, Page, Recording, RecordingFilter, RecordingOrder, Window};
use relive_wire::{array, count};

use crate::{
    code::{Code, Refusal},
    envelope::Success,
    fields::{Fields, USER_ID},
    identity::Cx,
    live::file_id,
    pusher::{Pusher, Row},
};

/// Seconds for which a recording is listed after its end: seven days in both seeds.
const LISTED: i64 = 604_800;

/// Which list `flag` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Selection {
    Lives,
    Recordings,
    /// Lives, then recordings.
    Both,
    ShortVideos,
}

/// `FetchList`.
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

/// A page, and how many entries all pages have together.
pub(crate) struct PusherList {
    totalcount: usize,
    pusherlist: Vec<Row>,
}

impl<T: Into<Row>> From<Page<T>> for PusherList {
    fn from(page: Page<T>) -> Self {
        Self { totalcount: page.total, pusherlist: page.items.into_iter().map(Into::into).collect() }
    }
}

impl From<PusherList> for Success {
    fn from(list: PusherList) -> Self {
        let mut body = Vec::with_capacity(128 + 512 * list.pusherlist.len());
        body.extend_from_slice(
            br#"{"returnValue":0,"returnMsg":"return successfully!","returnData":{"totalcount":"#,
        );
        count(&mut body, list.totalcount);
        body.extend_from_slice(b",\"pusherlist\":");
        array(&mut body, &list.pusherlist, |body, row| row.write(body));
        body.extend_from_slice(b"}}");
        Self::new(body)
    }
}

/// A page of what is on air, of what was, or of both.
pub(crate) async fn fetch_list(cx: &Cx<'_>, request: FetchList) -> Result<PusherList, Refusal> {
    let FetchList { selection, window } = request;
    match selection {
        Selection::Lives => lives(cx, window).await,
        Selection::Recordings => Ok(recordings(cx, None, window).await?.into()),
        Selection::Both => {
            let mut list = lives(cx, window).await?;
            // What of the window lies behind the last live.
            let rest = Window {
                offset: window.offset.saturating_sub(list.totalcount),
                limit: window.limit.saturating_sub(list.pusherlist.len()),
            };
            let recordings = recordings(cx, None, rest).await?;
            list.totalcount += recordings.total;
            list.pusherlist.extend(recordings.items.into_iter().map(Row::from));
            Ok(list)
        }
        Selection::ShortVideos => Ok(cx.core.short_videos().list(None, window).await?.into()),
    }
}

async fn lives(cx: &Cx<'_>, window: Window) -> Result<PusherList, Refusal> {
    let page = cx.core.broadcasts().on_air(OnAirFilter::default(), window).await?;
    let pushers = page.items.into_iter().map(|broadcast| Row::live(cx.core, broadcast));
    Ok(PusherList { totalcount: page.total, pusherlist: pushers.collect() })
}

async fn recordings(
    cx: &Cx<'_>,
    owner: Option<String>,
    window: Window,
) -> Result<Page<Arc<Recording>>, Refusal> {
    let filter = RecordingFilter {
        with_play_url: true,
        ended_after: Some(cx.core.now() - LISTED),
        owner,
        file_name_prefix: None,
    };
    Ok(cx.core.recordings().list(filter, RecordingOrder::Ended, window).await?)
}

/// `VODFetchList`; spells the owner `user_id`, unlike all other calls.
pub(crate) struct RecordingsOf<'a> {
    owner: Cow<'a, str>,
    window: Window,
}

impl<'a> TryFrom<Fields<'a>> for RecordingsOf<'a> {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self { owner: fields.required("user_id", USER_ID)?, window: fields.page()? })
    }
}

/// A page of one owner's recordings.
pub(crate) async fn recordings_of(cx: &Cx<'_>, request: RecordingsOf<'_>) -> Result<PusherList, Refusal> {
    Ok(recordings(cx, Some(request.owner.into_owned()), request.window).await?.into())
}

/// What `type` asks for.
enum Kind<'a> {
    Live,
    Recording(Cow<'a, str>),
    ShortVideo(Cow<'a, str>),
}

/// `GetUserInfo`.
pub(crate) struct GetUserInfo<'a> {
    owner: Cow<'a, str>,
    kind: Kind<'a>,
}

impl<'a> TryFrom<Fields<'a>> for GetUserInfo<'a> {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        let owner = fields.required("userid", USER_ID)?;
        let kind = match fields.integer("type")? {
            0 => Kind::Live,
            1 => Kind::Recording(file_id(fields)?),
            2 => Kind::ShortVideo(file_id(fields)?),
            _ => return Err(Refusal::value("type")),
        };
        Ok(Self { owner, kind })
    }
}

/// One live, recording or short video, listed or not.
pub(crate) async fn user_info(cx: &Cx<'_>, request: GetUserInfo<'_>) -> Result<Pusher, Refusal> {
    let GetUserInfo { owner, kind } = request;
    let found = match kind {
        Kind::Live => {
            let latest = cx.core.broadcasts().latest(&owner).await?;
            latest.map(|broadcast| Pusher::live(cx.core, broadcast))
        }
        Kind::Recording(file_id) => {
            cx.core.recordings().find(&owner, &file_id).await?.map(Arc::new).map(Pusher::from)
        }
        Kind::ShortVideo(file_id) => cx.core.short_videos().find(&owner, &file_id).await?.map(Pusher::from),
    };
    // "No row" was a failure of the database to the original.
    found.ok_or(Code::Database.into())
}
