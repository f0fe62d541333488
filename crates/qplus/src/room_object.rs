//! Writes a room as lists, searches and its owner see it (contract qplus §4.6).

use relive_core::{AccountId, Dialect, Fragment, Room, RoomOnAir};
use relive_wire::number;
use serde::Serialize;

use crate::{config::ExposeAnchorPassword, context::Context};

/// A room as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoomObject {
    live_room_id: i64,
    /// The anchor password under its published name.
    #[serde(rename = "liveRoomanchorPwd")]
    anchor_password_published: String,
    /// The anchor password under the name that clients read.
    #[serde(rename = "liveRoomAnchorPwd")]
    anchor_password: String,
    live_room_user_pwd: String,
    live_room_name: String,
    live_room_desc: String,
    live_room_topic: String,
    anchor_name: String,
    head_pic_id: i64,
    is_follow: u8,
    follow_count: i64,
    player_count: i64,
    play_rtmp_url: String,
    play_hls_url: String,
    play_flv_url: String,
}

impl RoomObject {
    /// Shows a room to `viewer`. The anchor password may be left out: a client that knows it can publish into the room.
    pub(crate) fn new(cx: &Context<'_>, viewer: AccountId, room: Room) -> Self {
        let anchor_password =
            if room.owner == viewer || cx.config.expose_anchor_password == ExposeAnchorPassword::All {
                room.anchor_password
            } else {
                String::new()
            };
        // A stream of this dialect is pushed to the vendor's platform, so this server has no play URL for it.
        let played = room.on_air.as_ref().filter(|on_air| on_air.driver != Dialect::Qplus);
        let urls = played.map(|on_air| cx.core.config().media.play_urls(&on_air.stream_code, cx.core.now()));
        let (play_rtmp_url, play_hls_url, play_flv_url) =
            urls.map_or_else(Default::default, |urls| (urls.rtmp, urls.hls, urls.flv));
        Self {
            live_room_id: room.number.0,
            anchor_password_published: anchor_password.clone(),
            anchor_password,
            live_room_user_pwd: room.user_password,
            live_room_name: room.name,
            live_room_desc: room.description,
            live_room_topic: room.topic,
            anchor_name: room.owner_name,
            head_pic_id: room.head_picture.map_or(0, |picture| picture.0),
            is_follow: u8::from(room.followed),
            follow_count: room.followers,
            player_count: room.on_air.map_or(0, |on_air| on_air.viewers),
            play_rtmp_url,
            play_hls_url,
            play_flv_url,
        }
    }
}

/// Appends a room on air. Everything but the members that change is serialized once per broadcast instead of once per
/// reply. Exceptions: the owner's own room has members that other viewers do not get, and signed play URLs change every
/// second.
pub(crate) fn write(cx: &Context<'_>, viewer: AccountId, room: &RoomOnAir, text: &mut Vec<u8>) {
    if viewer == room.broadcast.host || !cx.core.config().media.has_lasting_play_urls() {
        return text.extend_from_slice(&json(&RoomObject::new(cx, viewer, room.room())));
    }
    room.fragment(
        |room| around_counters(RoomObject::new(cx, viewer, room)),
        |Fragment { head, tail }| {
            text.extend_from_slice(head);
            number(text, i64::from(room.followed));
            text.extend_from_slice(b",\"followCount\":");
            number(text, room.followers());
            text.extend_from_slice(b",\"playerCount\":");
            number(text, room.broadcast.viewers);
            text.extend_from_slice(tail);
        },
    );
}

/// Serializes a room and cuts out the members that change, `isFollow` to `playerCount`.
fn around_counters(object: RoomObject) -> Fragment {
    const COUNTERS: &str = "\"isFollow\":0,\"followCount\":0,\"playerCount\":0";
    let whole = json(&RoomObject { is_follow: 0, follow_count: 0, player_count: 0, ..object });
    let whole = String::from_utf8(whole).unwrap_or_default();
    // The first match is the three members: in a text before it, quotation marks are escaped.
    let (head, tail) = whole.split_once(COUNTERS).unwrap_or_default();
    Fragment { head: format!("{head}\"isFollow\":").into_bytes().into(), tail: tail.as_bytes().into() }
}

fn json(object: &RoomObject) -> Vec<u8> {
    serde_json::to_vec(object).unwrap_or_default()
}
