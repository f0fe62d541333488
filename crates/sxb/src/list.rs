//! Lists of rooms on air, and their play URLs (seed 003 §五, §十四, §十五).

use relive_core::{
    Broadcast, BroadcastInfo, Dialect, Fragment, OnAirFilter, Page, RoomNumber, UserId, Window,
};
use relive_wire::number;
use serde::Serialize;

use crate::{
    call::{Authed, Input},
    code::Code,
    context::Context,
    envelope::{Data, Payload},
    fields::Fields,
};

/// Request of `live/roomlist` and `live/livestreamlist`: a part of the rooms on air.
pub(crate) struct OnAir {
    filter: OnAirFilter,
    window: Window,
}

impl TryFrom<Input<'_>> for OnAir {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self { window: input.fields.window()?, filter: filter(input.fields)? })
    }
}

/// Reads the filter. `type` is an Integer in the seed's table and a text in its example; only the text `live` filters. A blank
/// `appid` counts as absent: a client sends the number of its configuration as a text.
fn filter(fields: Fields<'_>) -> Result<OnAirFilter, Code> {
    let blank = fields.0.get("appid").and_then(|app| app.text()).is_some_and(|app| app.trim().is_empty());
    let app = if blank { None } else { fields.optional_integer("appid")? };
    Ok(OnAirFilter {
        app: app.filter(|app| *app != 0),
        live_kind: fields.0.get("type").and_then(|kind| kind.text()) == Some(BroadcastInfo::LIVE),
    })
}

/// Reply of `live/roomlist`: a page of the rooms on air.
pub(crate) struct RoomListReply(Page<Broadcast>);

#[derive(Serialize)]
struct Entry<'a> {
    uid: &'a str,
    info: Info<'a>,
}

#[derive(Serialize)]
struct Info<'a> {
    title: &'a str,
    roomnum: i64,
    r#type: &'a str,
    groupid: &'a str,
    cover: &'a str,
}

/// Serializes an entry without the values of `thumbup` and `memsize`, its last members.
fn around_counters(on_air: &BroadcastInfo) -> Fragment {
    const END: &[u8] = b"}}";
    let entry = Entry {
        uid: &on_air.user_id,
        info: Info {
            title: &on_air.title,
            roomnum: on_air.room.0,
            r#type: &on_air.kind,
            groupid: &on_air.group_id,
            cover: &on_air.cover,
        },
    };
    let whole = serde_json::to_vec(&entry).unwrap_or_default();
    let mut head = whole.strip_suffix(END).unwrap_or_default().to_vec();
    head.extend_from_slice(b",\"thumbup\":");
    Fragment { head: head.into(), tail: END.into() }
}

impl From<RoomListReply> for Payload {
    fn from(RoomListReply(page): RoomListReply) -> Self {
        Self::of_rows(page.total, "rooms", &page.items, |body, on_air| {
            let Fragment { head, tail } = on_air.fragment(Dialect::Sxb, || around_counters(on_air));
            body.extend_from_slice(head);
            number(body, on_air.likes);
            body.extend_from_slice(b",\"memsize\":");
            number(body, on_air.members);
            body.extend_from_slice(tail);
        })
    }
}

/// Returns a page of the rooms on air (seed 003 §五).
pub(crate) async fn rooms(cx: &Context<'_>, call: Authed<OnAir>) -> Result<RoomListReply, Code> {
    let page = cx.core.broadcasts().on_air(call.request.filter, call.request.window).await?;
    Ok(RoomListReply(page))
}

/// Reply of `live/getroomplayurl`: the cover of a broadcast and its play URLs, RTMP, HTTP-FLV and HLS (contract sxb
/// §7).
#[derive(Serialize)]
pub(crate) struct PlayAddresses {
    cover: String,
    address: String,
    address2: String,
    address3: String,
}

impl PlayAddresses {
    fn of(cx: &Context<'_>, on_air: &Broadcast) -> Self {
        let urls = cx.core.config().media.play_urls(&on_air.stream_code, cx.core.now());
        Self { cover: on_air.cover.clone(), address: urls.rtmp, address2: urls.flv, address3: urls.hls }
    }
}

#[derive(Serialize)]
struct Stream {
    uid: UserId,
    #[serde(flatten)]
    addresses: PlayAddresses,
}

/// Reply of `live/livestreamlist`.
#[derive(Serialize)]
pub(crate) struct StreamListReply {
    total: usize,
    videos: Vec<Stream>,
}

/// Returns a page of the rooms on air with their play URLs (seed 003 §十四).
pub(crate) async fn streams(cx: &Context<'_>, call: Authed<OnAir>) -> Result<Data<StreamListReply>, Code> {
    let page = cx.core.broadcasts().on_air(call.request.filter, call.request.window).await?;
    let stream =
        |on_air: &Broadcast| Stream { uid: on_air.user_id.clone(), addresses: PlayAddresses::of(cx, on_air) };
    Ok(Data(StreamListReply { total: page.total, videos: page.items.iter().map(stream).collect() }))
}

/// Request of `live/getroomplayurl` (seed 003 §十五). The field is `room` in the seed's table and `roomnum` in its
/// example.
pub(crate) struct PlayUrl {
    room: RoomNumber,
}

impl TryFrom<Input<'_>> for PlayUrl {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        let room = match input.fields.optional_integer("roomnum")? {
            Some(number) => Some(number),
            None => input.fields.optional_integer("room")?,
        };
        Ok(Self { room: room.map_or_else(|| input.fields.room(), |number| Ok(RoomNumber(number)))? })
    }
}

/// Returns the play URLs of a room on air.
pub(crate) async fn play_url(cx: &Context<'_>, call: Authed<PlayUrl>) -> Result<Data<PlayAddresses>, Code> {
    let on_air = cx.core.broadcasts().require_on_air(call.request.room).await?;
    Ok(Data(PlayAddresses::of(cx, &on_air)))
}
