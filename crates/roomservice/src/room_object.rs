//! Writes rooms and anchors as clients read them (contract roomservice §4.8, §4.9).

use relive_core::{Anchor, Broadcast, Dialect, Fragment, LiveRoom, StreamCode};
use relive_wire::number;
use serde::Serialize;

use crate::{custom_object, identity::Context};

#[derive(Serialize)]
struct Described<'a> {
    title: &'a str,
    frontcover: &'a str,
    location: &'a str,
}

#[derive(Serialize)]
struct Pusher<'a> {
    #[serde(rename = "userID")]
    user_id: &'a str,
    #[serde(rename = "userName")]
    nickname: &'a str,
    #[serde(rename = "userAvatar")]
    avatar: &'a str,
    #[serde(rename = "accelerateURL")]
    accelerate_url: String,
}

/// Appends a JSON string.
fn write_text(body: &mut Vec<u8>, text: &str) {
    // Writing a text to memory cannot fail.
    let _ = serde_json::to_writer(body, text);
}

fn json(value: impl Serialize) -> Vec<u8> {
    serde_json::to_vec(&value).unwrap_or_default()
}

/// The description of a room: the very text that its creator gave, or one in the form of the apps.
fn description(live: &Broadcast) -> String {
    if let Some(room) = &live.live_room {
        return room.info.clone();
    }
    let (title, frontcover, location) = (&*live.title, &*live.cover, &*live.location);
    serde_json::to_string(&Described { title, frontcover, location }).unwrap_or_default()
}

fn pusher(cx: &Context<'_>, anchor: &Anchor) -> Vec<u8> {
    json(Pusher {
        user_id: &anchor.user_id,
        nickname: &anchor.names.nickname,
        avatar: &anchor.names.avatar,
        accelerate_url: accelerate_url(cx, &anchor.stream_code),
    })
}

/// The URL at which a stream is played with little delay. It carries the signature of the push URL only if the operator wants
/// that: a viewer that reads it could publish.
pub(crate) fn accelerate_url(cx: &Context<'_>, code: &StreamCode) -> String {
    let url = cx.core.config().media.play_urls(code, cx.core.now()).rtmp;
    if !cx.config.sign_accelerate_url {
        return url;
    }
    let push_url = cx.core.streams().push_url(code, cx.core.now());
    let query = push_url.split_once('?').map_or("", |(_, query)| query);
    let signed = |pair: &&str| ["bizid=", "txSecret=", "txTime="].iter().any(|name| pair.starts_with(name));
    let pairs: Vec<&str> = query.split('&').filter(signed).collect();
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{}", pairs.join("&"))
}

/// The members of a room that change rarely: its description, creator and play URL, and the creator as an anchor.
fn fixed(cx: &Context<'_>, room: &LiveRoom) -> Fragment {
    #[derive(Serialize)]
    struct Head<'a> {
        #[serde(rename = "roomInfo")]
        info: &'a str,
        #[serde(rename = "roomCreator")]
        creator: &'a str,
        #[serde(rename = "mixedPlayURL")]
        play_url: &'a str,
    }
    let live = &room.broadcast;
    let urls = cx.core.config().media.play_urls(&live.stream_code, cx.core.now());
    let head = json(Head { info: &description(live), creator: &live.user_id, play_url: &urls.flv });
    let head = head.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or_default();
    Fragment { head: head.into(), tail: pusher(cx, &room.creator()).into() }
}

/// Passes the members of a room that change rarely to `write`. They are serialized once per broadcast instead of once per reply,
/// unless its URLs are signed: signed URLs change every second.
fn with_fixed(cx: &Context<'_>, room: &LiveRoom, write: impl FnOnce(&Fragment)) {
    if cx.core.config().media.has_lasting_play_urls() && !cx.config.sign_accelerate_url {
        write(room.broadcast.fragment(Dialect::RoomService, || fixed(cx, room)));
    } else {
        write(&fixed(cx, room));
    }
}

/// Appends the list of a room's anchors, the creator first.
pub(crate) fn write_anchors(cx: &Context<'_>, room: &LiveRoom, body: &mut Vec<u8>) {
    with_fixed(cx, room, |fixed| write_anchors_after(cx, room, &fixed.tail, body));
}

fn write_anchors_after(cx: &Context<'_>, room: &LiveRoom, creator: &[u8], body: &mut Vec<u8>) {
    body.push(b'[');
    body.extend_from_slice(creator);
    for anchor in &room.sub_anchors {
        body.push(b',');
        body.extend(pusher(cx, anchor));
    }
    body.push(b']');
}

/// Appends the members of a room, without braces.
pub(crate) fn write_members(cx: &Context<'_>, room: &LiveRoom, body: &mut Vec<u8>) {
    body.extend_from_slice(b"\"roomID\":");
    write_text(body, &room.id);
    body.push(b',');
    with_fixed(cx, room, |fixed| {
        body.extend_from_slice(&fixed.head);
        body.extend_from_slice(b",\"audienceCount\":");
        number(body, room.broadcast.viewers);
        body.extend_from_slice(b",\"custom\":");
        custom_object::write_text(room, body);
        body.extend_from_slice(b",\"pushers\":");
        write_anchors_after(cx, room, &fixed.tail, body);
    });
}

/// Appends a room.
pub(crate) fn write_room(cx: &Context<'_>, room: &LiveRoom, body: &mut Vec<u8>) {
    body.push(b'{');
    write_members(cx, room, body);
    body.push(b'}');
}
