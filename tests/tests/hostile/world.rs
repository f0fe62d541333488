//! Reads everything a server stores, and checks the form of its answers.

use anyhow::{Context as _, Result, ensure};
use contract_tests::{Answer, Client, Server};
use http::{HeaderValue, Method, StatusCode};
use relive_core::{RecordingFilter, RecordingOrder, Window};
use serde_json::{Map, Value};

/// A dialect, or the paths of the media cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    V1,
    V2,
    Sxb,
    Qplus,
    RoomService,
    Callback,
}

impl Wire {
    /// The folder of the contract data.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::V1 => "minilvb-v1",
            Self::V2 => "minilvb-v2",
            Self::Sxb => "sxb",
            Self::Qplus => "qplus",
            Self::RoomService => "roomservice",
            Self::Callback => "callback",
        }
    }

    /// The member that holds the code, and the code of a success.
    fn success(self) -> (&'static str, i64) {
        match self {
            Self::V1 => ("returnValue", 0),
            Self::V2 => ("code", 200),
            Self::Sxb => ("errorCode", 0),
            Self::Qplus => ("status", 10_000),
            Self::RoomService | Self::Callback => ("code", 0),
        }
    }

    /// Tells whether the expected reply of a step is a success.
    pub(crate) fn succeeds(self, reply: &Value) -> bool {
        let (name, success) = self.success();
        reply[name] == success
    }

    /// The code of an answer. Panics if the answer has another envelope than this wire.
    pub(crate) fn code(self, answer: &Answer) -> i64 {
        self.envelope(answer).unwrap_or_else(|error| panic!("{error:#}"))
    }

    fn envelope(self, answer: &Answer) -> Result<i64> {
        let text = String::from_utf8_lossy(&answer.body);
        let kind = answer.headers.get("content-type").map(HeaderValue::as_bytes);
        ensure!(kind == Some(b"application/json; charset=utf-8"), "not JSON by its header: {text}");
        let body: Value = serde_json::from_slice(&answer.body).with_context(|| format!("no JSON: {text}"))?;
        let members = body.as_object().map_or(0, Map::len);
        let sound = match self {
            Self::V1 => {
                members == 3
                    && body["returnMsg"].as_str().is_some_and(|text| !text.is_empty())
                    && body["returnData"].is_object()
            }
            Self::V2 => members == 3 && body["message"].is_string() && body["data"].is_object(),
            Self::Sxb => body["errorInfo"].is_string() && body.get("data").is_none_or(Value::is_object),
            Self::Qplus => body["access"].is_string() && body["desc"].is_string(),
            Self::RoomService => {
                body["message"].as_str().is_some_and(|text| !text.is_empty()) && body["timestamp"].is_i64()
            }
            Self::Callback => members == 1,
        };
        ensure!(sound, "not the envelope of {self:?}: {text}");
        body[self.success().0].as_i64().with_context(|| format!("no code in {text}"))
    }

    /// The codes of a body that is no JSON, of one that is JSON but no object, and of one that is too large.
    pub(crate) fn malformed(self) -> [i64; 3] {
        match self {
            Self::V1 | Self::Callback => [4001; 3],
            Self::V2 => [602; 3],
            Self::Sxb => [10_002, 10_003, 10_002],
            Self::Qplus => [10_002; 3],
            Self::RoomService => [2; 3],
        }
    }

    /// The codes for an internal error and for a busy server, which no spoilt request may cause.
    pub(crate) fn faults(self) -> &'static [i64] {
        match self {
            Self::V1 => &[2002, 4000, 4003],
            Self::V2 | Self::RoomService => &[500],
            Self::Sxb => &[90_000],
            Self::Qplus => &[10_001],
            Self::Callback => &[],
        }
    }

    /// Checks envelope and status of an answer to a known path and returns its code; none for a picture.
    pub(crate) fn check(self, answer: &Answer) -> Result<Option<i64>> {
        if answer.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"image/")) {
            return Ok(None);
        }
        let code = self.envelope(answer)?;
        let large = self == Self::Qplus && answer.status == StatusCode::PAYLOAD_TOO_LARGE && code == 10_002;
        ensure!(answer.status == StatusCode::OK || large, "{} with {code}", answer.status);
        Ok(Some(code))
    }

    /// Tells whether an answer with that code, or without one, is a success.
    pub(crate) fn accepts(self, code: Option<i64>) -> bool {
        code.is_none_or(|code| code == self.success().1)
    }
}

/// Reads everything a server stores, one line for each account, room, broadcast or file.
pub(crate) async fn stored(server: &Server) -> Vec<String> {
    const ALL: Window = Window { offset: 0, limit: 10_000 };
    let core = &server.gateway().core;
    let stats = core.stats();
    let mut lines = vec![format!("{} on air, {} members", stats.rooms_on_air, stats.members)];
    for account in core.accounts().list(None, ALL.limit).await.expect("accounts") {
        lines.push(format!("{account:?}"));
        if let Ok(room) = core.rooms().own(account.id).await {
            let members = core.audiences().members(room.number, ALL).await.expect("members");
            lines.push(format!("{} {:?} {:?} {:?}", room.number, room.name, room.description, room.topic));
            let passwords = [room.anchor_password, room.assist_password, room.user_password];
            lines.push(format!("{} {passwords:?} {members:?}", room.followers));
        }
        if let Some(broadcast) = core.broadcasts().latest(&account.user_id).await.expect("one or none") {
            let group = core.audiences().group(&account.user_id, &broadcast.group_id, ALL).await;
            lines.push(format!("{broadcast:?} {:?}", group.expect("a group")));
        }
    }
    let recordings = core.recordings().list(RecordingFilter::default(), RecordingOrder::Stored, ALL).await;
    lines.push(format!("{:?}", recordings.expect("recordings")));
    lines.push(format!("{:?}", core.short_videos().list(None, ALL).await.expect("short videos")));
    lines
}

/// Panics if a request has panicked.
pub(crate) async fn assert_nothing_panicked(server: &Server) {
    let admin = Client::new(server.gateway().admin_addr.expect("an admin listener"));
    let metrics = admin.send(Method::GET, "/metrics", &[], "").await.expect("metrics");
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(metrics.contains("relive_requests_total"), "{metrics}");
    let panics = metrics.lines().find(|line| line.starts_with("relive_panics_total"));
    assert!(panics.is_none_or(|line| line.ends_with(" 0")), "{panics:?}");
}
