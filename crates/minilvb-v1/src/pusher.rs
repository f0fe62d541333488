//! `pusherinfo`: a live, a recording or a short video as lists and details show it. Every member always, never `null`.
//!
//! Source: seed 000 §4, seed 002 §4, contract minilvb-v1 §4.4.

use std::sync::Arc;

use relive_core::{Broadcast, Core, Dialect, Fragment, Recording, ShortVideo, State, UnixSeconds};
use relive_wire::number;
use serde::{Serialize, Serializer};

/// One of them.
#[derive(Debug)]
pub(crate) enum Pusher {
    /// A live, on air or not.
    Live(Live),
    /// A recording.
    Recording(Arc<Recording>),
    /// A short video; only newer apps have a tab for them.
    ShortVideo(Box<ShortVideo>),
}

/// A live with the addresses at which it plays.
#[derive(Debug)]
pub(crate) struct Live {
    broadcast: Broadcast,
    flv: String,
    hls: String,
}

impl Pusher {
    /// A live of any dialect.
    pub(crate) fn live(core: &Core, broadcast: Broadcast) -> Self {
        Self::Live(Live::new(core, broadcast))
    }
}

/// An entry of a list.
#[derive(Debug)]
pub(crate) enum Row {
    /// A live on air whose words, but for its counters, are kept with it.
    Kept(Broadcast),
    /// Anything else.
    Pusher(Pusher),
}

impl Row {
    /// A live that is on air: written once for all who look, unless its addresses are signed and hence other ones every
    /// second.
    pub(crate) fn live(core: &Core, broadcast: Broadcast) -> Self {
        if !core.config().media.has_lasting_play_urls() {
            return Self::Pusher(Pusher::live(core, broadcast));
        }
        broadcast.fragment(Dialect::MinilvbV1, || Live::new(core, broadcast.clone()).lasting());
        Self::Kept(broadcast)
    }

    /// Writes the entry into a reply.
    pub(crate) fn write(&self, body: &mut Vec<u8>) {
        match self {
            Self::Kept(live) => {
                let Fragment { head, tail } = live.fragment(Dialect::MinilvbV1, Fragment::default);
                body.extend_from_slice(head);
                number(body, live.viewers);
                body.extend_from_slice(b",\"likecount\":");
                number(body, live.likes);
                body.extend_from_slice(tail);
            }
            Self::Pusher(Pusher::Recording(recording)) => {
                let whole = || Fragment { head: json(&of_recording(recording)).into(), tail: Box::default() };
                body.extend_from_slice(&recording.fragment(Dialect::MinilvbV1, whole).head);
            }
            Self::Pusher(Pusher::Live(live)) => body.extend_from_slice(&json(&live.info())),
            Self::Pusher(Pusher::ShortVideo(video)) => body.extend_from_slice(&json(&of_short_video(video))),
        }
    }
}

impl<T: Into<Pusher>> From<T> for Row {
    fn from(entry: T) -> Self {
        Self::Pusher(entry.into())
    }
}

impl From<Arc<Recording>> for Pusher {
    fn from(recording: Arc<Recording>) -> Self {
        Self::Recording(recording)
    }
}

fn json(info: &PusherInfo<'_>) -> Vec<u8> {
    serde_json::to_vec(info).unwrap_or_default()
}

impl From<ShortVideo> for Pusher {
    fn from(video: ShortVideo) -> Self {
        Self::ShortVideo(Box::new(video))
    }
}

#[derive(Serialize)]
struct PusherInfo<'a> {
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

impl Serialize for Pusher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Live(live) => live.info(),
            Self::Recording(recording) => of_recording(recording),
            Self::ShortVideo(video) => of_short_video(video),
        }
        .serialize(serializer)
    }
}

impl Live {
    fn new(core: &Core, broadcast: Broadcast) -> Self {
        let urls = core.config().media.play_urls(&broadcast.stream_code, core.now());
        Self { broadcast, flv: urls.flv, hls: urls.hls }
    }

    /// What comes before and behind the counters.
    fn lasting(&self) -> Fragment {
        const BEFORE: &str = "\"viewercount\":0,\"likecount\":0";
        let whole = json(&PusherInfo { viewercount: 0, likecount: 0, ..self.info() });
        let whole = String::from_utf8(whole).unwrap_or_default();
        // The first occurrence is the member: texts before it have their quotation marks escaped.
        let (head, tail) = whole.split_once(BEFORE).unwrap_or_default();
        Fragment { head: format!("{head}\"viewercount\":").into_bytes().into(), tail: tail.as_bytes().into() }
    }

    fn info(&self) -> PusherInfo<'_> {
        let live = &self.broadcast;
        PusherInfo {
            userid: &live.user_id,
            groupid: &live.group_id,
            timestamp: live.started_at,
            r#type: 0,
            viewercount: live.viewers,
            likecount: live.likes,
            title: &live.title,
            playurl: &self.flv,
            fileid: "",
            status: if live.state == State::OnAir { "1" } else { "0" },
            hls_play_url: &self.hls,
            userinfo: UserInfo {
                nickname: &live.nickname,
                headpic: &live.avatar,
                frontcover: &live.cover,
                location: &live.location,
            },
        }
    }
}

fn of_recording(recording: &Recording) -> PusherInfo<'_> {
    PusherInfo {
        userid: &recording.user_id,
        groupid: "",
        // The original's choice: when it ends.
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

fn of_short_video(video: &ShortVideo) -> PusherInfo<'_> {
    PusherInfo {
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
