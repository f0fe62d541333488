//! Replays: `/get_vod_list`. Replays are created by notices of the media cloud, not by a call of this dialect.

use std::sync::Arc;

use relive_core::{Dialect, Fragment, Page, Recording, RecordingFilter, RecordingOrder};
use relive_wire::{array, count};
use serde::Serialize;

use crate::{
    code::Code,
    envelope::Answer,
    identity::Context,
    local_time::LocalTime,
    page::{ListRequest, too_old},
};

/// An entry of `/get_vod_list`. Each counter is sent under two names, because apps read one or the other (contract
/// minilvb-v2 §8, conflict 3).
#[derive(Debug, Serialize)]
struct Vod<'a> {
    userid: &'a str,
    nickname: &'a str,
    avatar: &'a str,
    file_id: &'a str,
    title: &'a str,
    like_count: i64,
    viewer_count: i64,
    likecount: i64,
    viewercount: i64,
    frontcover: &'a str,
    location: &'a str,
    play_url: &'a str,
    create_time: LocalTime,
    hls_play_url: &'a str,
    start_time: LocalTime,
}

impl<'a> Vod<'a> {
    fn new(recording: &'a Recording, utc_offset: i32) -> Self {
        Self {
            userid: &recording.user_id,
            nickname: &recording.owner_nickname,
            avatar: &recording.owner_avatar,
            file_id: &recording.file_id,
            title: &recording.title,
            like_count: recording.likes,
            viewer_count: recording.viewers,
            likecount: recording.likes,
            viewercount: recording.viewers,
            frontcover: &recording.cover,
            location: &recording.location,
            play_url: &recording.play_url,
            create_time: LocalTime::new(recording.end_at, utc_offset),
            hls_play_url: &recording.hls_url,
            start_time: LocalTime::new(recording.start_at, utc_offset),
        }
    }
}

/// A page of replays, and the UTC offset of their times.
pub(crate) struct VodList {
    page: Page<Arc<Recording>>,
    utc_offset: i32,
}

impl From<VodList> for Answer {
    fn from(list: VodList) -> Self {
        let mut body = Vec::with_capacity(128 + 768 * list.page.items.len());
        body.extend_from_slice(br#"{"code":200,"message":"OK","data":{"list":"#);
        array(&mut body, &list.page.items, |body, recording| {
            // Serializes a recording once, not once per reply.
            let kept = recording.fragment(Dialect::MinilvbV2, || {
                let whole = serde_json::to_vec(&Vod::new(recording, list.utc_offset)).unwrap_or_default();
                Fragment { head: whole.into(), tail: Box::default() }
            });
            body.extend_from_slice(&kept.head);
        });
        body.extend_from_slice(b",\"total\":");
        count(&mut body, list.page.total);
        body.extend_from_slice(b"}}");
        Self::success(body)
    }
}

/// Returns a page of the recent replays of all users, latest end first (seed 001 §6, contract minilvb-v2 §4.6).
pub(crate) async fn get_vod_list(cx: &Context<'_>, request: ListRequest) -> Result<VodList, Code> {
    cx.caller().await?;
    let order = RecordingOrder::Ended { after: too_old(cx) };
    let window = request.window(cx.config);
    let page = cx.core.recordings().list(RecordingFilter::default(), order, window).await?;
    Ok(VodList { page, utc_offset: cx.config.utc_offset })
}
