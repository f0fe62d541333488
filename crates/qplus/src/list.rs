//! Lists of rooms, and following them (contract qplus §4.6, §4.11).

use relive_core::{Listing, RoomNumber};
use serde::Serialize;

use crate::{
    Qplus,
    code::Code,
    envelope::Done,
    fields::{Input, flag},
    room::RoomObject,
};

/// Rooms per page if the client does not say.
const USUAL: usize = 5;
/// Rooms per page at most.
const MOST: usize = 100;

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
            Ok(0) => Ok(USUAL),
            Ok(count) => Ok(count.min(MOST)),
            Err(_) => Err(Code::Param),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ListReply {
    /// Every room on air.
    #[serde(rename_all = "camelCase")]
    All { r#type: u8, list: Vec<RoomObject> },
    /// The rooms the caller follows.
    #[serde(rename_all = "camelCase")]
    Followed { r#type: u8, online_list: Vec<RoomObject>, offline_list: Vec<RoomObject> },
}

/// The session's next page of a list, or with `refresh` its first one.
pub(crate) async fn next_page(cx: &Qplus, request: GetLiveRoomList<'_>) -> Result<ListReply, Code> {
    let session = cx.session(request.session).await?;
    let (listing, restart, count) = (request.listing()?, flag(request.refresh)?, request.count()?);
    let page = cx.core.rooms().next_page(&session, listing, restart, count).await?;
    let objects =
        |rooms: Vec<_>| rooms.into_iter().map(|room| RoomObject::new(cx, session.account(), room)).collect();
    Ok(match listing {
        Listing::OnAir => ListReply::All { r#type: 1, list: objects(page.on_air) },
        Listing::Followed => ListReply::Followed {
            r#type: 2,
            online_list: objects(page.on_air),
            offline_list: objects(page.off_air),
        },
    })
}

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

/// Twice is once.
pub(crate) async fn follow(cx: &Qplus, request: FollowLiveRoom<'_>) -> Result<Done, Code> {
    let session = cx.session(request.session).await?;
    let follow = flag(request.follow)?;
    cx.core.rooms().follow(session.account(), RoomNumber(request.room), follow).await?;
    Ok(Done {})
}
