//! Replays: `/get_vod_list`. They come from the notices of the media cloud, not from a call of this dialect.

use std::sync::Arc;

use relive_core::{Recording, RecordingFilter, RecordingOrder};
use serde::Serialize;

use crate::{
    call::Call,
    code::Code,
    list::{ListReply, ListRequest, too_old},
    local_time::LocalTime,
};

/// An entry of `/get_vod_list`. Apps read the counters under one of two names each (contract minilvb-v2 §8, conflict 3).
#[derive(Debug, Serialize)]
pub(crate) struct Vod {
    userid: Arc<str>,
    nickname: String,
    avatar: String,
    file_id: String,
    title: String,
    like_count: i64,
    viewer_count: i64,
    likecount: i64,
    viewercount: i64,
    frontcover: String,
    location: String,
    play_url: String,
    create_time: LocalTime,
    hls_play_url: String,
    start_time: LocalTime,
}

impl Vod {
    fn new(recording: Recording, utc_offset: i32) -> Self {
        Self {
            userid: recording.user_id,
            nickname: recording.owner_nickname,
            avatar: recording.owner_avatar,
            file_id: recording.file_id,
            title: recording.title,
            like_count: recording.likes,
            viewer_count: recording.viewers,
            likecount: recording.likes,
            viewercount: recording.viewers,
            frontcover: recording.cover,
            location: recording.location,
            play_url: recording.play_url,
            create_time: LocalTime::new(recording.end_at, utc_offset),
            hls_play_url: recording.hls_url,
            start_time: LocalTime::new(recording.start_at, utc_offset),
        }
    }
}

/// `/get_vod_list`: everybody's recent replays, latest end first (seed 001 §6, contract minilvb-v2 §4.6).
pub(crate) async fn get_vod_list(call: &Call<'_>, request: ListRequest) -> Result<ListReply<Vod>, Code> {
    call.caller().await?;
    let filter = RecordingFilter { ended_after: too_old(call), ..RecordingFilter::default() };
    let window = request.window(call.config);
    let page = call.core.recordings().list(filter, RecordingOrder::Ended, window).await?;
    let offset = call.config.utc_offset;
    let list = page.items.into_iter().map(|recording| Vod::new(recording, offset)).collect();
    Ok(ListReply { list, total: page.total })
}
