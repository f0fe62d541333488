//! Rooms: numbers, names, followers, and lists that a session reads page by page.

use std::sync::Arc;

use super::core::Rooms;
use crate::{
    AccountId, Broadcast, Error, Listing, OnAirFilter, PageStart, Plan, RecordingHint, Result, Room,
    RoomList, RoomNumber, RoomOnAir, RoomText, Session,
    domain::{broadcast::stream, room},
    model::cursor::{Cursor, ListPosition},
    read_model::room_cache::{CachedRoom, FoundRooms, KnownRooms},
    store::conn::Conn,
    table::{follows, rooms, sessions},
};

impl Rooms<'_> {
    /// The number of an account's room, if it has one.
    pub async fn number_of(&self, account: AccountId) -> Result<Option<RoomNumber>> {
        Ok(self.0.store().read(move |conn| rooms::of_account(conn, account)).await?.map(|room| room.number))
    }

    /// A room by number.
    ///
    /// Errors: [`Error::RoomNotFound`].
    pub async fn find(&self, caller: AccountId, number: RoomNumber) -> Result<Room> {
        self.0.expire_due().await?;
        let on_air = {
            let live = self.0.memory().live();
            live.host_of_room(number).and_then(|host| live.broadcast(host))
        };
        let room = self.0.store().snapshot(move |conn| rooms::seen_by(conn, caller, number, on_air)).await?;
        room.ok_or(Error::RoomNotFound)
    }

    /// The caller's own room.
    ///
    /// Errors: [`Error::NoRoom`].
    pub async fn own(&self, caller: AccountId) -> Result<Room> {
        let number = self.number_of(caller).await?.ok_or(Error::NoRoom)?;
        self.find(caller, number).await
    }

    /// The next `count` rooms of a list, after those that the session has read; with `restart` from the top. As long as
    /// nothing changes, no room comes twice and none is left out, whichever gateways the session asks.
    pub async fn next_page(
        &self,
        session: &Session,
        listing: Listing,
        from: PageStart,
        count: usize,
    ) -> Result<RoomList> {
        self.0.expire_due().await?;
        let slot = usize::from(listing == Listing::Followed);
        let mut cursors = self.cursors_of(session).await?;
        let start = match from {
            PageStart::Top => Cursor::default(),
            PageStart::LastRead => cursors.get(slot).copied().unwrap_or_default(),
        };
        let (list, end) = match listing {
            Listing::OnAir => self.on_air_after(session.account, start, count).await?,
            Listing::Followed => self.followed_after(session.account, start, count).await?,
        };
        if let Some(cursor) = cursors.get_mut(slot) {
            *cursor = end;
        }
        if let Some(known) = self.0.memory().record_cursors(session, cursors, self.0.now()) {
            self.0.keep_cursors(&known).await?;
        }
        Ok(list)
    }

    /// The cursors of a session; from the table if a sibling may have served the last page.
    async fn cursors_of(&self, session: &Session) -> Result<[Cursor; 2]> {
        if self.0.has_siblings() {
            let digest = session.digest;
            let stored = self.0.store().read(move |conn| sessions::cursors(conn, &digest)).await?;
            return stored.ok_or(Error::InvalidSession);
        }
        Ok(*session.cursors())
    }

    async fn on_air_after(
        &self,
        caller: AccountId,
        start: Cursor,
        count: usize,
    ) -> Result<(RoomList, Cursor)> {
        let found = self.0.memory().live().after(start.on_air.as_ref(), count);
        let end =
            Cursor { on_air: found.last().map(|(position, _)| *position).or(start.on_air), off_air: None };
        let on_air =
            self.rooms_of(caller, found.into_iter().map(|(_, broadcast)| broadcast).collect()).await?;
        Ok((RoomList { on_air, off_air: Vec::new() }, end))
    }

    async fn followed_after(
        &self,
        caller: AccountId,
        start: Cursor,
        count: usize,
    ) -> Result<(RoomList, Cursor)> {
        let followed = self.0.store().read(move |conn| follows::of_account(conn, caller)).await?;
        let (mut on_air, mut off_air) = (Vec::new(), Vec::new());
        {
            let live = self.0.memory().live();
            for (number, owner) in followed {
                match live.on_air(owner).zip(live.broadcast(owner)) {
                    Some((air, broadcast)) => {
                        on_air.push((ListPosition::new(air.info.started_at, air.info.id, owner), broadcast));
                    }
                    None => off_air.push((number, owner)),
                }
            }
        }
        on_air.sort_unstable_by_key(|(position, _)| *position);
        on_air.retain(|(position, _)| start.on_air.is_none_or(|last| *position > last));
        on_air.truncate(count);
        off_air.retain(|(_, owner)| start.off_air.is_none_or(|last| *owner < last));
        off_air.truncate(count - on_air.len());
        let end = Cursor {
            on_air: on_air.last().map(|(position, _)| *position).or(start.on_air),
            off_air: off_air.last().map(|(_, owner)| *owner).or(start.off_air),
        };
        let numbers: Vec<RoomNumber> = off_air.into_iter().map(|(number, _)| number).collect();
        let on_air =
            self.rooms_of(caller, on_air.into_iter().map(|(_, broadcast)| broadcast).collect()).await?;
        let off_air = if numbers.is_empty() {
            Vec::new()
        } else {
            self.0.store().snapshot(move |conn| rooms::all_seen_by(conn, caller, &numbers)).await?
        };
        Ok((RoomList { on_air, off_air }, end))
    }

    /// The rooms of some broadcasts, from the cache as far as they are cached.
    async fn rooms_of(&self, caller: AccountId, broadcasts: Vec<Broadcast>) -> Result<Vec<RoomOnAir>> {
        if broadcasts.is_empty() {
            return Ok(Vec::new());
        }
        let memory = self.0.memory();
        let KnownRooms { mut rooms, mut follows, mark } =
            memory.rooms.known(caller, broadcasts.iter().map(|broadcast| broadcast.host));
        let hosts = broadcasts.iter().map(|broadcast| broadcast.host);
        let unknown: Vec<AccountId> = hosts.filter(|host| !rooms.contains_key(host)).collect();
        if !unknown.is_empty() || follows.is_none() {
            let follower = follows.is_none().then_some(caller);
            let found = self.0.store().snapshot(move |conn| find(conn, &unknown, follower)).await?;
            memory.rooms.keep(mark, &found, self.0.random());
            rooms.extend(found.rooms.into_iter().map(|room| (room.owner(), room)));
            follows = found.follows.map(|(_, follows)| follows).or(follows);
        }
        let follows = follows.unwrap_or_default();
        let room = |broadcast: Broadcast| {
            let room = Arc::clone(rooms.get(&broadcast.host)?);
            Some(RoomOnAir::new(broadcast, follows.contains(&room.number()), room))
        };
        Ok(broadcasts.into_iter().filter_map(room).collect())
    }

    /// The number of broadcasts on air.
    pub async fn on_air_count(&self) -> Result<usize> {
        self.0.expire_due().await?;
        Ok(self.0.memory().live().total(OnAirFilter::default()))
    }

    /// Gives the caller's room its name, description, topic and passwords; makes the room if it does not exist. A room that has
    /// been named before stays as it is. Missing passwords are generated. A qplus broadcast on air shows the new name. `check`
    /// checks the texts; it is not called for a room that has a name.
    ///
    /// Errors: [`Error::RoomPasswordsCollide`], and the errors of `check`.
    pub async fn name<E: Send + 'static>(
        &self,
        account: AccountId,
        text: RoomText,
        check: impl Fn(&RoomText) -> Result<(), E> + Send + 'static,
    ) -> Result<Result<RoomNumber, E>> {
        self.0.write(move |tx| room::name(tx, account, &text, &check)).await
    }

    /// Changes the caller's room; an empty text keeps the old one. A qplus broadcast on air shows the new name.
    ///
    /// Errors: [`Error::NoRoom`], [`Error::NotRoomOwner`] if `number` is that of another room,
    /// [`Error::RoomPasswordsCollide`].
    pub async fn modify(&self, account: AccountId, number: Option<RoomNumber>, text: RoomText) -> Result<()> {
        self.0.write(move |tx| room::modify(tx, account, number, &text)).await
    }

    /// minilvb-v2: stores the caller's plan for its next broadcast, which opens at once if the caller's stream is up and
    /// nothing is on air; a broadcast of this dialect on air gets the new title.
    pub async fn plan(&self, account: AccountId, plan: Plan) -> Result<()> {
        self.0.write(move |tx| stream::plan(tx, account, &plan)).await
    }

    /// sxb: stores the name and the cover that the caller announces for its next recording, which takes them if the broadcast
    /// has none. Without effect on the room of another account.
    pub async fn hint_recording(
        &self,
        account: AccountId,
        room: RoomNumber,
        hint: RecordingHint,
    ) -> Result<()> {
        self.0.write(move |tx| rooms::set_hint(tx, room, account, &hint)).await
    }

    /// Follows a room. Idempotent. An account may follow its own room.
    ///
    /// Errors: [`Error::RoomNotFound`], [`Error::InvalidSession`] if the account has been deleted meanwhile.
    pub async fn follow(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0.write(move |tx| room::follow(tx, account, room)).await
    }

    /// Stops following a room. Idempotent.
    ///
    /// Errors: those of [`Rooms::follow`].
    pub async fn unfollow(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0.write(move |tx| room::unfollow(tx, account, room)).await
    }
}

/// Reads the rooms of owners, and the follows of the caller if one is given.
fn find(conn: &mut Conn, owners: &[AccountId], caller: Option<AccountId>) -> Result<FoundRooms> {
    let rooms =
        rooms::details(conn, owners)?.into_iter().map(|room| Arc::new(CachedRoom::new(room))).collect();
    let follows = match caller {
        Some(caller) => {
            let followed = follows::of_account(conn, caller)?.into_iter().map(|(room, _)| room).collect();
            Some((caller, Arc::new(followed)))
        }
        None => None,
    };
    Ok(FoundRooms { rooms, follows })
}
