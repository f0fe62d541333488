//! Lists rooms, and follows them: `GetLiveRoomList`, `FollowLiveRoom` (contract qplus §4.6, §4.11).

use relive_core::{Listing, PageStart, RoomNumber, RoomOnAir};
use relive_wire::array;
use serde::Serialize;

use crate::{
    code::Code,
    context::Context,
    envelope::{Answer, Done},
    fields::{Input, flag},
    room_object::{self, RoomObject},
};

/// Rooms of a page if the request asks for 0.
const DEFAULT_COUNT: usize = 5;
/// Most rooms of a page.
const MAX_COUNT: usize = 100;

/// Request of `GetLiveRoomList`.
pub(crate) struct GetLiveRoomList<'a> {
    session: &'a str,
    kind: i64,
    refresh: i64,
    count: i64,
}

impl<'a> TryFrom<&'a Input<'_>> for GetLiveRoomList<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            session: input.session()?,
            kind: input.integer("type")?,
            refresh: input.integer("refresh")?,
            count: input.integer("count")?,
        })
    }
}

impl GetLiveRoomList<'_> {
    fn listing(&self) -> Result<Listing, Code> {
        match self.kind {
            1 => Ok(Listing::OnAir),
            2 => Ok(Listing::Followed),
            _ => Err(Code::Param),
        }
    }

    fn count(&self) -> Result<usize, Code> {
        match usize::try_from(self.count) {
            Ok(0) => Ok(DEFAULT_COUNT),
            Ok(count) => Ok(count.min(MAX_COUNT)),
            Err(_) => Err(Code::Param),
        }
    }
}

/// Reply of `GetLiveRoomList`.
pub(crate) enum ListReply {
    /// The rooms on air: the reply's members as JSON.
    OnAir(Vec<u8>),
    /// The rooms the caller follows.
    Followed(Followed),
}

/// The members of a reply with followed rooms.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Followed {
    r#type: u8,
    online_list: Vec<RoomObject>,
    offline_list: Vec<RoomObject>,
}

impl From<ListReply> for Answer {
    fn from(reply: ListReply) -> Self {
        match reply {
            ListReply::Followed(followed) => followed.into(),
            ListReply::OnAir(members) => Self::Members(Ok(members)),
        }
    }
}

/// Returns the next page of a list for the session; with `refresh`, the first page.
pub(crate) async fn next_page(cx: &Context<'_>, request: GetLiveRoomList<'_>) -> Result<ListReply, Code> {
    let session = cx.session(request.session).await?;
    let (listing, refresh, count) = (request.listing()?, flag(request.refresh)?, request.count()?);
    let start = if refresh { PageStart::Top } else { PageStart::LastRead };
    let page = cx.core.rooms().next_page(&session, listing, start, count).await?;
    let viewer = session.account();
    Ok(match listing {
        Listing::OnAir => {
            let mut members = Vec::with_capacity(32 + 512 * page.on_air.len());
            members.extend_from_slice(br#"{"type":1,"list":"#);
            array(&mut members, &page.on_air, |members, room| room_object::write(cx, viewer, room, members));
            members.push(b'}');
            ListReply::OnAir(members)
        }
        Listing::Followed => {
            let object = |room| RoomObject::new(cx, viewer, room);
            ListReply::Followed(Followed {
                r#type: 2,
                online_list: page.on_air.iter().map(RoomOnAir::room).map(object).collect(),
                offline_list: page.off_air.into_iter().map(object).collect(),
            })
        }
    })
}

/// Request of `FollowLiveRoom`.
pub(crate) struct FollowLiveRoom<'a> {
    session: &'a str,
    room: i64,
    follow: i64,
}

impl<'a> TryFrom<&'a Input<'_>> for FollowLiveRoom<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            session: input.session()?,
            room: input.integer("liveRoomId")?,
            follow: input.integer("isFollow")?,
        })
    }
}

/// Follows a room or stops following it. Idempotent.
pub(crate) async fn follow(cx: &Context<'_>, request: FollowLiveRoom<'_>) -> Result<Done, Code> {
    let session = cx.session(request.session).await?;
    let room = RoomNumber(request.room);
    if flag(request.follow)? {
        cx.core.rooms().follow(session.account(), room).await?;
    } else {
        cx.core.rooms().unfollow(session.account(), room).await?;
    }
    Ok(Done {})
}
