//! Rooms: one per account, guests included, with a stable number.
//!
//! A room comes into being with the first call that needs it, in whatever dialect, and stays for ever. Its three
//! passwords are random from the start.

pub(crate) mod facts;
mod follow;
mod list;

use diesel::prelude::*;

pub use self::list::{Listing, RoomList, RoomOnAir};
pub(crate) use self::{follow::unfollow_all, list::seen_by};
use crate::{
    AccountId, Core, Error, PictureId, Result, RoomNumber, State, UnixSeconds,
    account::{self, AccountRow},
    broadcast,
    live::Change,
    random,
    store::{
        Tx,
        conn::{Conn, on},
        schema::{broadcasts, rooms},
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct RoomRow {
    pub(crate) number: RoomNumber,
    pub(crate) account_id: AccountId,
    _broadcast_id: Option<crate::BroadcastId>,
    pub(crate) named: bool,
    pub(crate) name: String,
    description: String,
    topic: String,
    anchor_password: String,
    assist_password: String,
    user_password: String,
    pub(crate) plan_title: String,
    pub(crate) plan_cover: String,
    pub(crate) plan_location: String,
    pub(crate) planned_at: Option<UnixSeconds>,
    pub(crate) hint_name: String,
    pub(crate) hint_cover: String,
}

impl RoomRow {
    /// The name visitors see: its own, else the title of its last broadcast, else of the planned one.
    pub(crate) fn shown_name<'a>(&'a self, last_title: Option<&'a str>) -> &'a str {
        if self.name.is_empty() {
            last_title.filter(|title| !title.is_empty()).unwrap_or(&self.plan_title)
        } else {
            &self.name
        }
    }
}

/// A room as seen by somebody.
#[derive(Clone)]
pub struct Room {
    /// Its number, 1 to 2^31-1.
    pub number: RoomNumber,
    /// The owner.
    pub owner: AccountId,
    /// The owner's name as others see it.
    pub owner_name: String,
    /// The owner's head picture.
    pub head_picture: Option<PictureId>,
    /// Its own name, else the title of its last broadcast, else of the planned one.
    pub name: String,
    /// Description, may be empty.
    pub description: String,
    /// Topic, may be empty.
    pub topic: String,
    /// With it one publishes.
    pub anchor_password: String,
    /// With it one assists.
    pub assist_password: String,
    /// With it one watches.
    pub user_password: String,
    /// Accounts that follow it.
    pub followers: i64,
    /// Whether the one who asked follows it.
    pub followed: bool,
    /// What it has on air.
    pub on_air: Option<crate::Broadcast>,
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Room {} of {}", self.number, self.owner)
    }
}

/// What an owner says about its room when creating it, or changes later. Empty texts: nothing said.
#[derive(Clone, Default)]
pub struct RoomText {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Topic.
    pub topic: String,
    /// With it one publishes.
    pub anchor_password: String,
    /// With it one assists.
    pub assist_password: String,
    /// With it one watches.
    pub user_password: String,
}

impl std::fmt::Debug for RoomText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RoomText {:?}", self.name)
    }
}

/// What an owner plans to broadcast next (seed 001, `upload_room`).
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Title.
    pub title: String,
    /// Cover URL for owners whose profile has none.
    pub cover: String,
    /// Location.
    pub location: String,
}

/// Rooms. From [`Core::rooms`].
#[derive(Debug, Clone, Copy)]
pub struct Rooms<'a>(pub(crate) &'a Core);

impl Rooms<'_> {
    /// The number of an account's room, if it has one.
    pub async fn number_of(&self, account: AccountId) -> Result<Option<RoomNumber>> {
        Ok(self.0.store().read(move |conn| of_account(conn, account)).await?.map(|room| room.number))
    }

    /// Gives the caller's room its name, description, topic and passwords, making the room if need be. A room that was
    /// named before stays as it is. Missing passwords are made up. What is on air through qplus shows the new name. `check` judges what was asked for; it is not asked
    /// for a room that has its name.
    ///
    /// Errors: [`Error::RoomPasswordsCollide`], and whatever `check` says.
    pub async fn name<E: Send + 'static>(
        &self,
        account: AccountId,
        text: RoomText,
        check: impl Fn(&RoomText) -> std::result::Result<(), E> + Send + 'static,
    ) -> Result<std::result::Result<RoomNumber, E>> {
        self.0
            .store()
            .write(move |tx| {
                if let Some(room) = of_account(tx.conn, account)?.filter(|room| room.named) {
                    return Ok(Ok(room.number));
                }
                if let Err(refusal) = check(&text) {
                    return Ok(Err(refusal));
                }
                let owner = account::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
                let given = [&text.anchor_password, &text.assist_password, &text.user_password];
                distinct(&given.map(String::as_str))?;
                let room = ensure(tx, &owner)?;
                let made_up = [&room.anchor_password, &room.assist_password, &room.user_password];
                let [anchor, assist, user] = [0, 1, 2].map(|index| {
                    let (given, made_up): (Option<&&String>, Option<&&String>) =
                        (given.get(index), made_up.get(index));
                    match (given, made_up) {
                        (Some(given), _) if !given.is_empty() => (*given).clone(),
                        (_, Some(made_up)) => (*made_up).clone(),
                        _ => String::new(),
                    }
                });
                on!(tx.conn, |c| diesel::update(rooms::table.find(room.number))
                    .set((
                        rooms::named.eq(true),
                        rooms::name.eq(&text.name),
                        rooms::description.eq(&text.description),
                        rooms::topic.eq(&text.topic),
                        rooms::anchor_password.eq(anchor),
                        rooms::assist_password.eq(assist),
                        rooms::user_password.eq(user),
                    ))
                    .execute(c))?;
                tx.changed(Change::Room(account));
                retitle(tx, account, crate::Dialect::Qplus, &text.name)?;
                Ok(Ok(room.number))
            })
            .await
    }

    /// Changes the caller's room; empty texts keep what is there. What is on air through qplus shows the new name.
    ///
    /// Errors: [`Error::NoRoom`], [`Error::NotRoomOwner`] if `number` is another room's,
    /// [`Error::RoomPasswordsCollide`].
    pub async fn modify(&self, account: AccountId, number: Option<RoomNumber>, text: RoomText) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let room = of_account(tx.conn, account)?.ok_or(Error::NoRoom)?;
                if number.is_some_and(|number| number != room.number) {
                    return Err(Error::NotRoomOwner);
                }
                let merged =
                    |new: &str, old: &str| if new.is_empty() { old.to_owned() } else { new.to_owned() };
                let anchor = merged(&text.anchor_password, &room.anchor_password);
                let assist = merged(&text.assist_password, &room.assist_password);
                let user = merged(&text.user_password, &room.user_password);
                distinct(&[&anchor, &assist, &user])?;
                let name = merged(&text.name, &room.name);
                on!(tx.conn, |c| diesel::update(rooms::table.find(room.number))
                    .set((
                        rooms::name.eq(&name),
                        rooms::description.eq(merged(&text.description, &room.description)),
                        rooms::topic.eq(merged(&text.topic, &room.topic)),
                        rooms::anchor_password.eq(&anchor),
                        rooms::assist_password.eq(&assist),
                        rooms::user_password.eq(&user),
                    ))
                    .execute(c))?;
                tx.changed(Change::Room(account));
                // A room without a name of its own shows the title it has.
                if name.is_empty() { Ok(()) } else { retitle(tx, account, crate::Dialect::Qplus, &name) }
            })
            .await
    }

    /// minilvb-v2: what the caller will broadcast next; a broadcast of that dialect on air gets the new title.
    pub async fn plan(&self, account: AccountId, plan: Plan) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let owner = account::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
                let room = ensure(tx, &owner)?;
                let cover = if owner.frontcover().is_empty() { &plan.cover } else { owner.frontcover() };
                let now = tx.now;
                on!(tx.conn, |c| diesel::update(rooms::table.find(room.number))
                    .set((
                        rooms::plan_title.eq(&plan.title),
                        rooms::plan_cover.eq(cover),
                        rooms::plan_location.eq(&plan.location),
                        rooms::planned_at.eq(now),
                    ))
                    .execute(c))?;
                tx.changed(Change::Room(account));
                retitle(tx, account, crate::Dialect::MinilvbV2, &plan.title)
            })
            .await
    }

    /// sxb: what the caller said about the recording it has started. Fills name and cover of its next recording where
    /// the broadcast has none. Without effect on a room that is not the caller's.
    pub async fn hint_recording(
        &self,
        account: AccountId,
        room: RoomNumber,
        name: String,
        cover: String,
    ) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                on!(tx.conn, |c| diesel::update(
                    rooms::table.filter(rooms::number.eq(room).and(rooms::account_id.eq(account)))
                )
                .set((rooms::hint_name.eq(&name), rooms::hint_cover.eq(&cover)))
                .execute(c))?;
                Ok(())
            })
            .await
    }
}

/// Given passwords must differ from one another; missing ones do not count.
fn distinct(passwords: &[&str; 3]) -> Result<()> {
    let [a, b, c] = passwords;
    let equal = |x: &str, y: &str| !x.is_empty() && x == y;
    if equal(a, b) || equal(b, c) || equal(a, c) { Err(Error::RoomPasswordsCollide) } else { Ok(()) }
}

/// Gives what is on air another title, if that dialect drives it.
fn retitle(tx: &mut Tx<'_>, account: AccountId, driver: crate::Dialect, title: &str) -> Result<()> {
    let on_air = broadcast::latest(tx.conn, account)?
        .filter(|row| row.driver == driver && row.state == State::OnAir && row.title != title);
    if let Some(row) = on_air {
        on!(tx.conn, |c| diesel::update(broadcasts::table.find(row.id))
            .set(broadcasts::title.eq(title))
            .execute(c))?;
        broadcast::show_again(tx, account)?;
    }
    Ok(())
}

pub(crate) fn of_account(conn: &mut Conn, account: AccountId) -> Result<Option<RoomRow>> {
    Ok(on!(conn, |c| rooms::table.filter(rooms::account_id.eq(account)).first(c).optional())?)
}

/// Who owns a room.
pub(crate) fn owner(conn: &mut Conn, room: RoomNumber) -> Result<Option<AccountId>> {
    Ok(on!(conn, |c| rooms::table.find(room).select(rooms::account_id).first(c).optional())?)
}

/// The room of an account, made if it has none.
pub(crate) fn ensure(tx: &mut Tx<'_>, owner: &AccountRow) -> Result<RoomRow> {
    if let Some(room) = of_account(tx.conn, owner.id)? {
        return Ok(room);
    }
    let [anchor, assist, user] = [(); 3].map(|()| random::password(tx.random(), 12));
    let room: RoomRow = on!(tx.conn, |c| diesel::insert_into(rooms::table)
        .values((
            rooms::account_id.eq(owner.id),
            rooms::named.eq(false),
            rooms::name.eq(""),
            rooms::description.eq(""),
            rooms::topic.eq(""),
            rooms::anchor_password.eq(anchor),
            rooms::assist_password.eq(assist),
            rooms::user_password.eq(user),
            rooms::plan_title.eq(""),
            rooms::plan_cover.eq(""),
            rooms::plan_location.eq(""),
            rooms::hint_name.eq(""),
            rooms::hint_cover.eq(""),
        ))
        .get_result(c))?;
    if room.number.0 > i64::from(i32::MAX) {
        return Err(Error::Storage("all room numbers are given out".into()));
    }
    Ok(room)
}
