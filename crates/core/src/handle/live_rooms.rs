//! Live rooms: broadcasts under an id of their own, with several anchors (contract roomservice §4).

use super::core::LiveRooms;
use crate::{
    AccountId, AnchorNames, Counted, Error, FieldChange, GroupId, LiveRoom, OnAirFilter, Page, Result,
    RoomTexts, RoomViewer, Session, StreamCode, Window, domain::live_room, model::counter::Counter,
    store::Tx, table::audience,
};

impl LiveRooms<'_> {
    /// Makes the stream code of an account, the same for its own room and those of others. Gives the account a room number.
    ///
    /// Errors: [`Error::InvalidSession`] if the account has been deleted; [`Error::Busy`].
    pub async fn stream(&self, account: AccountId) -> Result<StreamCode> {
        self.0.write(move |tx| live_room::anchor::stream(tx, account)).await
    }

    /// Creates the caller's room, which ends what the caller has on air. It is in no list until its creator enters as an anchor,
    /// and is forgotten without that. Returns the id: the wanted one, or a new one.
    ///
    /// Errors: [`Error::InvalidRoomId`]; [`Error::RoomTaken`] if another account has a room with the id, if it is another
    /// account's user id, or if it is a number but not that of the caller's room.
    pub async fn create(
        &self,
        account: AccountId,
        wanted: Option<GroupId>,
        texts: RoomTexts,
    ) -> Result<GroupId> {
        self.0.write(move |tx| live_room::room::create(tx, account, wanted.as_ref(), &texts)).await
    }

    /// Enters a room as an anchor: opens the caller's room, which is created with `texts` if no room has the id, or joins another
    /// one's room on air as a sub-anchor until the session ends. Renews an anchor that is there already. A sub-anchor of another
    /// room is a viewer there from now on.
    ///
    /// Errors: [`Error::ForeignStream`]; [`Error::NotOnAir`] if the room is another account's and not a live room on air, or if
    /// it has just ended; [`Error::RoomFull`]; for a new room those of [`LiveRooms::create`]; [`Error::InvalidSession`].
    pub async fn enter(
        &self,
        session: &Session,
        room: GroupId,
        stream_code: StreamCode,
        names: AnchorNames,
        texts: RoomTexts,
    ) -> Result<()> {
        let (account, session) = (session.account, session.digest);
        let entry = live_room::anchor::AnchorEntry { account, session, room, stream_code, names, texts };
        self.0.write(move |tx| live_room::anchor::enter(tx, &entry)).await
    }

    /// Leaves a room as an anchor: the caller's own room ends; a sub-anchor is a viewer from now on.
    ///
    /// Errors: [`Error::NotAnAnchor`], also for an unknown room.
    pub async fn leave(&self, account: AccountId, room: GroupId) -> Result<()> {
        self.0.write(move |tx| live_room::anchor::leave(tx, account, &room)).await
    }

    /// Ends the caller's room, on air or only created.
    ///
    /// Errors: [`Error::RoomNotFound`], also for the room of another account.
    pub async fn destroy(&self, account: AccountId, room: GroupId) -> Result<()> {
        self.0.write(move |tx| live_room::room::destroy(tx, account, &room)).await
    }

    /// The heartbeat of an anchor. Returns the room. Writes nothing.
    ///
    /// Errors: [`Error::NotAnAnchor`], also for an unknown room.
    pub async fn beat(&self, account: AccountId, room: &GroupId) -> Result<LiveRoom> {
        let now = self.0.expire_due().await?;
        if let Some(room) = self.0.memory().beat_anchor(account, room, now) {
            return Ok(room);
        }
        // The anchor may have entered through a sibling a moment ago.
        if self.0.has_siblings() {
            let id = room.clone();
            self.0.write(move |tx| live_room::anchor::beat(tx, account, &id)).await?;
            // The room may have been opened through another one.
            self.0.follow_siblings().await?;
        }
        self.0.memory().beat_anchor(account, room, now).ok_or(Error::NotAnAnchor)
    }

    /// A page of all broadcasts on air as live rooms, newest start first, with the number of all of them.
    pub async fn on_air(&self, window: Window) -> Result<Page<LiveRoom>> {
        self.0.expire_due().await?;
        let live = self.0.memory().live();
        Ok(Page { total: live.total(OnAirFilter::default()), items: live.live_rooms(window) })
    }

    /// The live room on air that an id means: the room of that number; else the room of that id; else the broadcast of another
    /// dialect in that group that was opened first.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn require(&self, room: &GroupId) -> Result<LiveRoom> {
        self.0.expire_due().await?;
        let live = self.0.memory().live();
        live.host_of_live_room(room).and_then(|host| live.live_room(host)).ok_or(Error::NotOnAir)
    }

    /// Enters the audience of a live room until the session ends, with a text about the viewer and the names in it. Entering
    /// again replaces them. Without effect for the host.
    ///
    /// Errors: [`Error::NotOnAir`], [`Error::InvalidSession`].
    pub async fn watch(
        &self,
        session: &Session,
        room: GroupId,
        info: Option<String>,
        names: AnchorNames,
    ) -> Result<()> {
        let (account, session) = (session.account, session.digest);
        let entry = live_room::audience::ViewerEntry { account, session, room, info, names };
        self.0.write(move |tx| live_room::audience::enter(tx, &entry)).await
    }

    /// Leaves the audience of a live room, also as a sub-anchor. Idempotent; without effect for the host and an unknown room.
    pub async fn unwatch(&self, account: AccountId, room: GroupId) -> Result<()> {
        self.0.write(move |tx| live_room::audience::leave(tx, account, &room)).await
    }

    /// The viewers of a live room that entered last, the last first.
    pub async fn newest_viewers(&self, room: &LiveRoom, limit: u16) -> Result<Vec<RoomViewer>> {
        let host = room.broadcast.host;
        self.0.store().read(move |conn| audience::newest_viewers(conn, host, i64::from(limit))).await
    }

    /// Changes a custom field of a live room.
    ///
    /// Errors: [`Error::NotOnAir`]; [`Error::NotAnAnchor`] if a viewer sets a value; [`Error::FieldRefused`] if a number is added
    /// to a text, or if there would be too many fields.
    pub async fn change_field(
        &self,
        account: AccountId,
        room: GroupId,
        name: String,
        change: FieldChange,
    ) -> Result<()> {
        let run = move |tx: &mut Tx<'_>| live_room::custom_field::change(tx, account, &room, &name, &change);
        self.0.write(run).await
    }

    /// Adds to the likes of a live room, or takes from those that were counted one by one. Concurrent steps share a statement.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn like(&self, room: &GroupId, by: i64) -> Result<()> {
        let user_id = self.require(room).await?.broadcast.user_id.clone();
        self.0.count_by(Counter::Broadcast { user_id, counted: Counted::Like }, by).await
    }
}
