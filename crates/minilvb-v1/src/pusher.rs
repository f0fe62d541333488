//! Writes `pusherinfo`, the form in which lists and details show a live, a recording or a short video. Every member is
//! always present and never `null`.
//!
//! Source: seed 000 §4, seed 002 §4, contract minilvb-v1 §4.4.

use relive_core::{
    Broadcast, Core, Dialect, Fragment, Recording, ShortVideo, State, UnixSeconds, sign::url::PlayUrls,
};
use relive_wire::number;
use serde::Serialize;

/// An entry of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Row<'a> {
    /// A live that is on air.
    Live(&'a Broadcast),
    /// A recording.
    Recording(&'a Recording),
    /// A short video; only newer apps have a tab for short videos.
    ShortVideo(&'a ShortVideo),
}

impl Row<'_> {
    /// Appends the entry as JSON.
    pub(crate) fn write(self, core: &Core, body: &mut Vec<u8>) {
        match self {
            Self::Live(live) => write_live(core, live, body),
            Self::Recording(recording) => {
                let whole = || Fragment { head: json(&recording.into()).into(), tail: Box::default() };
                body.extend_from_slice(&recording.fragment(Dialect::MinilvbV1, whole).head);
            }
            Self::ShortVideo(video) => body.extend_from_slice(&json(&video.into())),
        }
    }
}

/// Appends a live. Everything but its counters is serialized once per broadcast instead of once per reply, unless play
/// URLs are signed: signed URLs change every second.
fn write_live(core: &Core, live: &Broadcast, body: &mut Vec<u8>) {
    if !core.config().media.has_lasting_play_urls() {
        return body.extend_from_slice(&json(&PusherInfo::live(live, &play_urls(core, live))));
    }
    let Fragment { head, tail } = live.fragment(Dialect::MinilvbV1, || around_counters(core, live));
    body.extend_from_slice(head);
    number(body, live.viewers);
    body.extend_from_slice(b",\"likecount\":");
    number(body, live.likes);
    body.extend_from_slice(tail);
}

/// Serializes a live and cuts its two counters out.
fn around_counters(core: &Core, live: &Broadcast) -> Fragment {
    const COUNTERS: &str = "\"viewercount\":0,\"likecount\":0";
    let urls = play_urls(core, live);
    let whole = json(&PusherInfo { viewercount: 0, likecount: 0, ..PusherInfo::live(live, &urls) });
    let whole = String::from_utf8(whole).unwrap_or_default();
    // The first match is the pair of members: in a text before it, quotation marks are escaped.
    let (head, tail) = whole.split_once(COUNTERS).unwrap_or_default();
    Fragment { head: format!("{head}\"viewercount\":").into_bytes().into(), tail: tail.as_bytes().into() }
}

/// Makes the URLs at which a live is played now.
pub(crate) fn play_urls(core: &Core, live: &Broadcast) -> PlayUrls {
    core.config().media.play_urls(&live.stream_code, core.now())
}

fn json(info: &PusherInfo<'_>) -> Vec<u8> {
    serde_json::to_vec(info).unwrap_or_default()
}

/// A `pusherinfo`.
#[derive(Serialize)]
pub(crate) struct PusherInfo<'a> {
    userid: &'a str,
    groupid: &'a str,
    timestamp: UnixSeconds,
    r#type: u8,
    viewercount: i64,
    likecount: i64,
    title: &'a str,
    playurl: &'a str,
    fileid: &'a str,
    /// A text, `"1"` on air: the inverse of the number in `ChangeStatus`.
    status: &'static str,
    hls_play_url: &'a str,
    userinfo: UserInfo<'a>,
}

#[derive(Serialize)]
struct UserInfo<'a> {
    nickname: &'a str,
    headpic: &'a str,
    frontcover: &'a str,
    location: &'a str,
}

impl<'a> PusherInfo<'a> {
    /// Shows a live of any dialect, on air or not, with the URLs at which it is played.
    pub(crate) fn live(live: &'a Broadcast, urls: &'a PlayUrls) -> Self {
        Self {
            userid: &live.user_id,
            groupid: &live.group_id,
            timestamp: live.started_at,
            r#type: 0,
            viewercount: live.viewers,
            likecount: live.likes,
            title: &live.title,
            playurl: &urls.flv,
            fileid: "",
            status: if live.state == State::OnAir { "1" } else { "0" },
            hls_play_url: &urls.hls,
            userinfo: UserInfo {
                nickname: &live.nickname,
                headpic: &live.avatar,
                frontcover: &live.cover,
                location: &live.location,
            },
        }
    }
}

impl<'a> From<&'a Recording> for PusherInfo<'a> {
    fn from(recording: &'a Recording) -> Self {
        Self {
            userid: &recording.user_id,
            groupid: "",
            // The end of the recording, as in the original server.
            timestamp: recording.end_at,
            r#type: 1,
            viewercount: recording.viewers,
            likecount: recording.likes,
            title: &recording.title,
            playurl: &recording.play_url,
            fileid: &recording.file_id,
            status: "0",
            hls_play_url: &recording.hls_url,
            userinfo: UserInfo {
                nickname: &recording.nickname,
                headpic: &recording.avatar,
                frontcover: &recording.cover,
                location: &recording.location,
            },
        }
    }
}

impl<'a> From<&'a ShortVideo> for PusherInfo<'a> {
    fn from(video: &'a ShortVideo) -> Self {
        Self {
            userid: &video.user_id,
            groupid: "",
            timestamp: video.created_at,
            r#type: 2,
            viewercount: 0,
            likecount: 0,
            title: &video.title,
            playurl: &video.play_url,
            fileid: &video.file_id,
            status: "0",
            hls_play_url: "",
            userinfo: UserInfo {
                nickname: &video.nickname,
                headpic: &video.avatar,
                frontcover: &video.cover,
                location: &video.location,
            },
        }
    }
}
