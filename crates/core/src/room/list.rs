//! Rooms as their visitors see them, alone and in lists that a session reads page by page.

use std::{collections::HashMap, sync::Arc};

use diesel::prelude::*;

use super::{
    Room, RoomRow, Rooms,
    facts::{self, CachedRoom, Known},
};
use crate::{
    AccountId, Broadcast, Error, Fragment, OnAirFilter, PictureId, Result, RoomNumber,
    live::ListPosition,
    session::{Cursor, Session, cursors_in_table},
    store::{
        conn::{Conn, on},
        schema::{accounts, broadcasts, follows, rooms},
    },
};

/// Which rooms a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Everything on air.
    OnAir,
    /// What the caller follows: on air first, then the rest.
    Followed,
}

/// A page of a list.
#[derive(Debug, Clone, Default)]
pub struct RoomList {
    /// Rooms on air, newest start first.
    pub on_air: Vec<RoomOnAir>,
    /// Rooms off air, the newest owner first. Only for [`Listing::Followed`].
    pub off_air: Vec<Room>,
}

/// A room on air, as the one who asked sees it.
#[derive(Debug, Clone)]
pub struct RoomOnAir {
    /// What it has on air.
    pub broadcast: Broadcast,
    /// Whether the one who asked follows it.
    pub followed: bool,
    facts: Arc<CachedRoom>,
}

impl RoomOnAir {
    /// Everything about it.
    pub fn room(&self) -> Room {
        let CachedRoom { room, head_picture, followers, .. } = &*self.facts;
        Room {
            number: room.number,
            owner: room.account_id,
            owner_name: self.broadcast.nickname.clone(),
            head_picture: *head_picture,
            name: room.shown_name(Some(&self.broadcast.title)).to_owned(),
            description: room.description.clone(),
            topic: room.topic.clone(),
            anchor_password: room.anchor_password.clone(),
            assist_password: room.assist_password.clone(),
            user_password: room.user_password.clone(),
            followers: *followers,
            followed: self.followed,
            on_air: Some(self.broadcast.clone()),
        }
    }

    /// Accounts that follow it.
    pub fn followers(&self) -> i64 {
        self.facts.followers
    }

    /// Uses what is kept with the room as long as neither it nor its broadcast changes; made now if it is the first
    /// time. For one dialect only.
    pub fn fragment(&self, make: impl FnOnce(Room) -> Fragment, mut used: impl FnMut(&Fragment)) {
        self.facts.fragment(self.broadcast.info(), || make(self.room()), &mut used);
    }
}

/// Everything about a room but what it has on air.
struct Page {
    rooms: Vec<RoomRow>,
    owners: HashMap<AccountId, (String, Option<PictureId>)>,
    titles: HashMap<RoomNumber, String>,
    followers: HashMap<RoomNumber, i64>,
    followed: Vec<RoomNumber>,
}

impl Rooms<'_> {
    /// A room by number.
    ///
    /// Errors: [`Error::RoomNotFound`].
    pub async fn find(&self, caller: AccountId, number: RoomNumber) -> Result<Room> {
        self.0.expire_due().await?;
        let on_air = {
            let live = self.0.memory().live();
            live.host_of_room(number).and_then(|host| live.broadcast(host))
        };
        let room = self.0.store().snapshot(move |conn| seen_by(conn, caller, number, on_air)).await?;
        room.ok_or(Error::RoomNotFound)
    }

    /// The caller's own room.
    ///
    /// Errors: [`Error::NoRoom`].
    pub async fn own(&self, caller: AccountId) -> Result<Room> {
        let number = self.number_of(caller).await?.ok_or(Error::NoRoom)?;
        self.find(caller, number).await
    }

    /// The next `count` rooms of a list, after what this session already got of it; with `restart` from the top. While
    /// nothing changes no room comes twice and none is left out, whichever gateways the session asks.
    pub async fn next_page(
        &self,
        session: &Session,
        listing: Listing,
        restart: bool,
        count: usize,
    ) -> Result<RoomList> {
        self.0.expire_due().await?;
        let slot = usize::from(listing == Listing::Followed);
        let mut cursors = self.cursors_of(session).await?;
        let start = if restart { Cursor::default() } else { cursors.get(slot).copied().unwrap_or_default() };
        let (list, end) = match listing {
            Listing::OnAir => self.on_air_after(session.account, start, count).await?,
            Listing::Followed => self.followed_after(session.account, start, count).await?,
        };
        if let Some(cursor) = cursors.get_mut(slot) {
            *cursor = end;
        }
        if let Some(known) = self.0.memory().remember_cursors(session, cursors, self.0.now()) {
            self.0.keep_cursors(&known).await?;
        }
        Ok(list)
    }

    /// How far a session has read. A sibling may have shown it the last page.
    async fn cursors_of(&self, session: &Session) -> Result<[Cursor; 2]> {
        if self.0.has_siblings() {
            let digest = session.digest;
            let kept = self.0.store().read(move |conn| cursors_in_table(conn, &digest)).await?;
            return kept.ok_or(Error::InvalidSession);
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
        let end = Cursor { on_air: found.last().map(|(place, _)| *place).or(start.on_air), off_air: None };
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
        let followed: Vec<(RoomNumber, AccountId)> = self
            .0
            .store()
            .read(move |conn| {
                Ok(on!(conn, |c| follows::table
                    .inner_join(rooms::table)
                    .filter(follows::account_id.eq(caller))
                    .order(rooms::account_id.desc())
                    .select((rooms::number, rooms::account_id))
                    .load(c))?)
            })
            .await?;
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
        on_air.sort_unstable_by_key(|(place, _)| *place);
        on_air.retain(|(place, _)| start.on_air.is_none_or(|last| *place > last));
        on_air.truncate(count);
        off_air.retain(|(_, owner)| start.off_air.is_none_or(|last| *owner < last));
        off_air.truncate(count - on_air.len());
        let end = Cursor {
            on_air: on_air.last().map(|(place, _)| *place).or(start.on_air),
            off_air: off_air.last().map(|(_, owner)| *owner).or(start.off_air),
        };
        let numbers: Vec<RoomNumber> = off_air.into_iter().map(|(number, _)| number).collect();
        let on_air =
            self.rooms_of(caller, on_air.into_iter().map(|(_, broadcast)| broadcast).collect()).await?;
        let off_air = if numbers.is_empty() {
            Vec::new()
        } else {
            let wanted = numbers.clone();
            let page = self.0.store().snapshot(move |conn| load(conn, caller, &wanted)).await?;
            page.build(numbers.into_iter().map(|number| (number, None)).collect())
        };
        Ok((RoomList { on_air, off_air }, end))
    }

    async fn rooms_of(&self, caller: AccountId, broadcasts: Vec<Broadcast>) -> Result<Vec<RoomOnAir>> {
        if broadcasts.is_empty() {
            return Ok(Vec::new());
        }
        let memory = self.0.memory();
        let Known { mut facts, mut follows, mark } =
            memory.rooms.known(caller, broadcasts.iter().map(|broadcast| broadcast.host));
        let hosts = broadcasts.iter().map(|broadcast| broadcast.host);
        let unknown: Vec<AccountId> = hosts.filter(|host| !facts.contains_key(host)).collect();
        if !unknown.is_empty() || follows.is_none() {
            let follower = follows.is_none().then_some(caller);
            let found = self.0.store().snapshot(move |conn| facts::find(conn, &unknown, follower)).await?;
            memory.rooms.keep(mark, &found, self.0.random());
            facts.extend(found.facts.into_iter().map(|facts| (facts.room.account_id, facts)));
            follows = found.follows.map(|(_, follows)| follows).or(follows);
        }
        let follows = follows.unwrap_or_default();
        let room = |broadcast: Broadcast| {
            let facts = Arc::clone(facts.get(&broadcast.host)?);
            Some(RoomOnAir { followed: follows.contains(&facts.room.number), broadcast, facts })
        };
        Ok(broadcasts.into_iter().filter_map(room).collect())
    }

    /// How many broadcasts are on air.
    pub async fn on_air_count(&self) -> Result<usize> {
        self.0.expire_due().await?;
        Ok(self.0.memory().live().total(OnAirFilter::default()))
    }
}

/// A room, its owner's id, nickname and picture, the title of its last broadcast.
type Row = (RoomRow, (String, String, Option<PictureId>), Option<String>);

/// A room as somebody sees it, with what it has on air.
pub(crate) fn seen_by(
    conn: &mut Conn,
    caller: AccountId,
    number: RoomNumber,
    on_air: Option<Broadcast>,
) -> Result<Option<Room>> {
    Ok(load(conn, caller, &[number])?.build(vec![(number, on_air)]).pop())
}

fn load(conn: &mut Conn, caller: AccountId, numbers: &[RoomNumber]) -> Result<Page> {
    let rows: Vec<Row> = on!(conn, |c| rooms::table
        .inner_join(accounts::table)
        .left_join(broadcasts::table.on(rooms::broadcast_id.eq(broadcasts::id.nullable())))
        .filter(rooms::number.eq_any(numbers.iter().copied()))
        .select((
            rooms::all_columns,
            (accounts::user_id, accounts::nickname, accounts::head_picture),
            broadcasts::title.nullable(),
        ))
        .load(c))?;
    let followers: Vec<(RoomNumber, i64)> = on!(conn, |c| follows::table
        .filter(follows::room.eq_any(numbers.iter().copied()))
        .group_by(follows::room)
        .select((follows::room, diesel::dsl::count_star()))
        .load(c))?;
    let followed: Vec<RoomNumber> = on!(conn, |c| follows::table
        .filter(follows::account_id.eq(caller).and(follows::room.eq_any(numbers.iter().copied())))
        .select(follows::room)
        .load(c))?;
    let mut page = Page {
        rooms: Vec::with_capacity(rows.len()),
        owners: HashMap::new(),
        titles: HashMap::new(),
        followers: followers.into_iter().collect(),
        followed,
    };
    for (room, (user_id, nickname, picture), title) in rows {
        let name = if nickname.is_empty() { user_id } else { nickname };
        page.owners.insert(room.account_id, (name, picture));
        page.titles.extend(title.map(|title| (room.number, title)));
        page.rooms.push(room);
    }
    Ok(page)
}

impl Page {
    /// The rooms in the wanted order, each with what it has on air.
    fn build(mut self, wanted: Vec<(RoomNumber, Option<Broadcast>)>) -> Vec<Room> {
        wanted
            .into_iter()
            .filter_map(|(number, on_air)| {
                let at = self.rooms.iter().position(|room| room.number == number)?;
                let row = self.rooms.swap_remove(at);
                let (owner_name, head_picture) = self.owners.get(&row.account_id).cloned()?;
                let name = row.shown_name(self.titles.get(&number).map(String::as_str)).to_owned();
                Some(Room {
                    number,
                    owner: row.account_id,
                    owner_name: on_air.as_ref().map_or(owner_name, |on_air| on_air.nickname.clone()),
                    head_picture,
                    name,
                    description: row.description,
                    topic: row.topic,
                    anchor_password: row.anchor_password,
                    assist_password: row.assist_password,
                    user_password: row.user_password,
                    followers: self.followers.get(&number).copied().unwrap_or(0),
                    followed: self.followed.contains(&number),
                    on_air,
                })
            })
            .collect()
    }
}
