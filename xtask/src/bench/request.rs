//! The requests that are measured, as the dialects' clients send them.

use anyhow::{Context as _, Result, ensure};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::world::{Live, User};

/// The protocol of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    MinilvbV1,
    MinilvbV2,
    Sxb,
    Qplus,
    RoomService,
}

impl Dialect {
    pub(crate) const ALL: [Self; 5] =
        [Self::MinilvbV1, Self::MinilvbV2, Self::Sxb, Self::Qplus, Self::RoomService];

    /// The adapter's name in the metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MinilvbV1 => "minilvb-v1",
            Self::MinilvbV2 => "minilvb-v2",
            Self::Sxb => "sxb",
            Self::Qplus => "qplus",
            Self::RoomService => "roomservice",
        }
    }

    /// The code of a success.
    pub(crate) fn success(self) -> i64 {
        match self {
            Self::MinilvbV1 | Self::Sxb | Self::RoomService => 0,
            Self::MinilvbV2 => 200,
            Self::Qplus => 10_000,
        }
    }

    /// The member of the envelope that holds the code.
    fn code(self) -> &'static str {
        match self {
            Self::MinilvbV1 => "returnValue",
            Self::MinilvbV2 | Self::RoomService => "code",
            Self::Sxb => "errorCode",
            Self::Qplus => "status",
        }
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    dialect: Dialect,
    pub(crate) path: String,
    /// The header `Liteav-Sig`.
    pub(crate) signature: Option<String>,
    pub(crate) body: String,
    /// JSON pointer to the list in the answer, and the expected number of entries.
    entries: Option<(&'static str, usize)>,
}

impl Request {
    fn new(dialect: Dialect, path: impl Into<String>, body: &Value) -> Self {
        Self { dialect, path: path.into(), signature: None, body: body.to_string(), entries: None }
    }

    fn listing(self, pointer: &'static str, count: usize) -> Self {
        Self { entries: Some((pointer, count)), ..self }
    }

    /// Parses an answer; an error unless the answer is a success with the expected number of entries.
    pub(crate) fn check(&self, answer: &str) -> Result<Value> {
        let value: Value = serde_json::from_str(answer).with_context(|| format!("answered {answer:?}"))?;
        let code = value.get(self.dialect.code()).and_then(Value::as_i64);
        ensure!(code == Some(self.dialect.success()), "answered {answer}");
        if let Some((pointer, count)) = self.entries {
            let list = value.pointer(pointer).and_then(Value::as_array);
            ensure!(list.is_some_and(|list| list.len() == count), "{count} entries expected in {answer}");
        }
        Ok(value)
    }

    /// The corresponding request to the baseline, whose answer has `length` bytes.
    pub(crate) fn bare(&self, length: usize) -> Self {
        Self { path: format!("/{length}"), entries: None, ..self.clone() }
    }
}

/// sxb: a call by its name, such as `live/heartbeat`.
fn sxb(call: &str, body: &Value) -> Request {
    let (service, command) = call.split_once('/').unwrap_or(("live", call));
    Request::new(Dialect::Sxb, format!("/index.php?svc={service}&cmd={command}"), body)
}

fn v1(body: &Value) -> Request {
    Request::new(Dialect::MinilvbV1, "/interface.php", body)
}

/// sxb: a heartbeat of a host or a viewer.
pub(crate) fn heartbeat(user: &User, host: bool) -> Request {
    sxb(
        "live/heartbeat",
        &json!({"token": user.sxb, "roomnum": user.room, "role": i64::from(host), "thumbup": 0}),
    )
}

/// sxb: a page of the rooms on air.
pub(crate) fn room_list(user: &User, index: usize, size: usize) -> Request {
    let body = json!({"token": user.sxb, "type": "live", "index": index, "size": size});
    sxb("live/roomlist", &body).listing("/data/rooms", size)
}

/// sxb: a page of a room's members.
pub(crate) fn member_list(user: &User, room: i64, index: usize, size: usize) -> Request {
    let body = json!({"token": user.sxb, "roomnum": room, "index": index, "size": size});
    sxb("live/roomidlist", &body).listing("/data/idlist", size)
}

/// sxb: entering a room, or leaving it.
pub(crate) fn move_sxb(user: &User, room: i64, role: i64, leave: bool) -> Request {
    let body = json!({"token": user.sxb, "id": user.id, "roomnum": room, "role": role,
        "operate": i64::from(leave)});
    sxb("live/reportmemid", &body)
}

/// sxb: going on air.
pub(crate) fn report_room(user: &User) -> Request {
    let room = json!({"title": format!("Evening concert of {}", user.id), "roomnum": user.room, "type": "live",
        "groupid": user.room.to_string(), "cover": "http://img.example/cover/0001.png", "appid": 1_400_000_123,
        "device": 1, "videotype": 0});
    sxb("live/reportroom", &json!({"token": user.sxb, "room": room}))
}

/// sxb: logging in.
pub(crate) fn log_in(user: &User, password: &str) -> Request {
    sxb("account/login", &json!({"id": user.id, "pwd": password}))
}

/// minilvb-v1: a page of lives (1), replays (2) or both (3).
pub(crate) fn fetch_list(flag: i64, page: usize, size: usize) -> Request {
    let body = json!({"Action": "FetchList", "flag": flag, "pageno": page, "pagesize": size});
    v1(&body).listing("/returnData/pusherlist", size)
}

/// minilvb-v1: a like.
pub(crate) fn like(live: &Live) -> Request {
    v1(&json!({"Action": "ChangeCount", "userid": live.user, "type": 1, "optype": 0, "flag": 0}))
}

/// minilvb-v1: a guest enters a group, or leaves it.
pub(crate) fn move_v1(guest: &str, live: &Live, leave: bool) -> Request {
    let mut body = json!({"Action": if leave { "QuitGroup" } else { "EnterGroup" }, "userid": guest,
        "liveuserid": live.user, "groupid": live.group, "flag": 0});
    if let (false, Some(body)) = (leave, body.as_object_mut()) {
        body.insert("nickname".to_owned(), json!(format!("Nick of {guest}")));
        body.insert("headpic".to_owned(), json!("http://img.example/avatar/0002.png"));
    }
    v1(&body)
}

/// minilvb-v1: a page of a group's members.
pub(crate) fn group_list(live: &Live, page: usize, size: usize) -> Request {
    let body = json!({"Action": "FetchGroupMemberList", "liveuserid": live.user, "groupid": live.group,
        "pageno": page, "pagesize": size});
    v1(&body).listing("/returnData/memberlist", size)
}

/// minilvb-v2: a page of replays, signed by a user at the time `now`.
pub(crate) fn vod_list(user: &User, now: i64, index: usize, count: usize) -> Request {
    let body =
        json!({"userid": user.id, "timestamp": now, "expires": 86_400, "index": index, "count": count});
    let request = Request::new(Dialect::MinilvbV2, "/get_vod_list", &body).listing("/data/list", count);
    Request { signature: Some(sign(&user.v2, &request.body)), ..request }
}

/// qplus: the first page of the rooms on air.
pub(crate) fn live_room_list(user: &User, count: usize) -> Request {
    let body = json!({"sessionId": user.qplus, "type": 1, "refresh": 1, "count": count});
    Request::new(Dialect::Qplus, "/live/GetLiveRoomList", &body).listing("/list", count)
}

/// RoomService: a call by its name, such as `get_room_list`. The server is measured without an IM application.
fn room_service(user: &User, call: &str, body: &Value) -> Request {
    let path = format!("/weapp/live_room/{call}?userID={}&token={}*0", user.id, user.room_service);
    Request::new(Dialect::RoomService, path, body)
}

/// RoomService: a heartbeat of a host that knows a code of its room.
pub(crate) fn anchor_heartbeat(host: &User, code: i64) -> Request {
    let body = json!({"userID": host.id, "roomID": host.id, "roomStatusCode": code});
    room_service(host, "anchor_heartbeat", &body)
}

/// RoomService: a page of the rooms on air.
pub(crate) fn live_rooms(user: &User, index: usize, count: usize) -> Request {
    room_service(user, "get_room_list", &json!({"cnt": count, "index": index})).listing("/rooms", count)
}

/// `Liteav-Sig`: `md5hex(token + md5hex(body))`.
fn sign(token: &str, body: &str) -> String {
    md5_hex(&format!("{token}{}", md5_hex(body)))
}

fn md5_hex(text: &str) -> String {
    use std::fmt::Write as _;
    Md5::digest(text.as_bytes()).iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_protocol() {
        let body = r#"{"userid":"anna_lee","timestamp":1700000000,"expires":10}"#;
        assert_eq!(sign("1804289383", body), "b9c532de6b44673f33a3b465306ccafc");
    }

    #[test]
    fn answers_are_checked_by_code_and_length() {
        let list = fetch_list(1, 1, 2);
        assert!(list.check(r#"{"returnValue":0,"returnData":{"pusherlist":[1,2]}}"#).is_ok());
        assert!(list.check(r#"{"returnValue":0,"returnData":{"pusherlist":[1]}}"#).is_err());
        assert!(list.check(r#"{"returnValue":2003,"returnData":{}}"#).is_err());
        assert_eq!(list.bare(17).path, "/17");
    }
}
