//! Table `rooms`: one row per account that has needed a room.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::{
    AccountId, Broadcast, BroadcastId, Error, PictureId, Plan, RecordingHint, Result, Room, RoomNumber,
    RoomText, UnixSeconds,
    model::{change::Change, room::RoomDetails, rule},
    store::{
        Tx,
        conn::{Conn, on},
        schema::{accounts, broadcasts, follows, rooms},
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct RoomRow {
    pub(crate) number: RoomNumber,
    pub(crate) account_id: AccountId,
    _broadcast_id: Option<BroadcastId>,
    pub(crate) named: bool,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) topic: String,
    pub(crate) anchor_password: String,
    pub(crate) assist_password: String,
    pub(crate) user_password: String,
    pub(crate) plan_title: String,
    pub(crate) plan_cover: String,
    pub(crate) plan_location: String,
    pub(crate) planned_at: Option<UnixSeconds>,
    pub(crate) hint_name: String,
    pub(crate) hint_cover: String,
    followers: i64,
}

impl RoomRow {
    /// The name that visitors see: the room's own, else the title of its last broadcast, else the title of the plan.
    pub(crate) fn shown_name<'a>(&'a self, last_title: Option<&'a str>) -> &'a str {
        rule::shown_room_name(&self.name, last_title, &self.plan_title)
    }

    /// The data that lists show of the room beyond its broadcast.
    fn into_details(self, head_picture: Option<PictureId>) -> RoomDetails {
        RoomDetails {
            number: self.number,
            owner: self.account_id,
            head_picture,
            name: self.name,
            plan_title: self.plan_title,
            description: self.description,
            topic: self.topic,
            anchor_password: self.anchor_password,
            assist_password: self.assist_password,
            user_password: self.user_password,
            followers: self.followers,
        }
    }
}

/// The room of an account.
pub(crate) fn of_account(conn: &mut Conn, account: AccountId) -> Result<Option<RoomRow>> {
    Ok(on!(conn, |c| rooms::table.filter(rooms::account_id.eq(account)).first(c).optional())?)
}

/// The owner of a room.
pub(crate) fn owner(conn: &mut Conn, room: RoomNumber) -> Result<Option<AccountId>> {
    Ok(on!(conn, |c| rooms::table.find(room).select(rooms::account_id).first(c).optional())?)
}

/// The rooms of some owners with the data that lists show beyond the broadcast. An owner without a room is left out.
pub(crate) fn details(conn: &mut Conn, owners: &[AccountId]) -> Result<Vec<RoomDetails>> {
    let rows: Vec<(RoomRow, Option<PictureId>)> = on!(conn, |c| rooms::table
        .inner_join(accounts::table)
        .filter(rooms::account_id.eq_any(owners.iter().copied()))
        .select((rooms::all_columns, accounts::head_picture))
        .load(c))?;
    Ok(rows.into_iter().map(|(room, head_picture)| room.into_details(head_picture)).collect())
}

/// A room; user id, nickname and head picture of its owner; the title of its last broadcast.
type SeenRow = (RoomRow, (String, String, Option<PictureId>), Option<String>);

/// A room as the caller sees it, with the broadcast on air.
pub(crate) fn seen_by(
    conn: &mut Conn,
    caller: AccountId,
    number: RoomNumber,
    on_air: Option<Broadcast>,
) -> Result<Option<Room>> {
    let mut rooms = all_seen_by(conn, caller, &[number])?;
    Ok(rooms.pop().map(|room| room.with_broadcast(on_air)))
}

/// Rooms as the caller sees them, in the order of `numbers`, without their broadcasts. A number that no room has is left out.
pub(crate) fn all_seen_by(conn: &mut Conn, caller: AccountId, numbers: &[RoomNumber]) -> Result<Vec<Room>> {
    let rows: Vec<SeenRow> = on!(conn, |c| rooms::table
        .inner_join(accounts::table)
        .left_join(broadcasts::table.on(rooms::broadcast_id.eq(broadcasts::id.nullable())))
        .filter(rooms::number.eq_any(numbers.iter().copied()))
        .select((
            rooms::all_columns,
            (accounts::user_id, accounts::nickname, accounts::head_picture),
            broadcasts::title.nullable(),
        ))
        .load(c))?;
    let followed: Vec<RoomNumber> = on!(conn, |c| follows::table
        .filter(follows::account_id.eq(caller).and(follows::room.eq_any(numbers.iter().copied())))
        .select(follows::room)
        .load(c))?;
    let mut seen: HashMap<RoomNumber, Room> = rows
        .into_iter()
        .map(|(row, (user_id, nickname, picture), title)| {
            let number = row.number;
            let owner_name = if nickname.is_empty() { user_id } else { nickname };
            let details = row.into_details(picture);
            let room = details.room(owner_name, title.as_deref(), followed.contains(&number), None);
            (number, room)
        })
        .collect();
    Ok(numbers.iter().filter_map(|number| seen.remove(number)).collect())
}

/// Inserts the room of an account, with the passwords for publishing, assisting and watching.
///
/// Errors: [`Error::Storage`] when all room numbers are used up.
pub(crate) fn insert(tx: &mut Tx<'_>, owner: AccountId, passwords: [String; 3]) -> Result<RoomRow> {
    let [anchor, assist, user] = passwords;
    let room: RoomRow = on!(tx.conn, |c| diesel::insert_into(rooms::table)
        .values((
            rooms::account_id.eq(owner),
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
        return Err(Error::Storage("all room numbers are used up".into()));
    }
    Ok(room)
}

/// Sets the texts and passwords of a room, and whether its owner has named it.
pub(crate) fn set_text(tx: &mut Tx<'_>, room: &RoomRow, text: &RoomText, named: bool) -> Result<()> {
    on!(tx.conn, |c| diesel::update(rooms::table.find(room.number))
        .set((
            rooms::named.eq(named),
            rooms::name.eq(&text.name),
            rooms::description.eq(&text.description),
            rooms::topic.eq(&text.topic),
            rooms::anchor_password.eq(&text.anchor_password),
            rooms::assist_password.eq(&text.assist_password),
            rooms::user_password.eq(&text.user_password),
        ))
        .execute(c))?;
    tx.changed(Change::Room(room.account_id));
    Ok(())
}

/// Stores the plan of a room's owner for its next broadcast.
pub(crate) fn set_plan(tx: &mut Tx<'_>, room: &RoomRow, plan: &Plan) -> Result<()> {
    let now = tx.now;
    on!(tx.conn, |c| diesel::update(rooms::table.find(room.number))
        .set((
            rooms::plan_title.eq(&plan.title),
            rooms::plan_cover.eq(&plan.cover),
            rooms::plan_location.eq(&plan.location),
            rooms::planned_at.eq(now),
        ))
        .execute(c))?;
    tx.changed(Change::Room(room.account_id));
    Ok(())
}

/// Stores name and cover for the next recording of a room; without effect on the room of another owner.
pub(crate) fn set_hint(
    tx: &mut Tx<'_>,
    room: RoomNumber,
    owner: AccountId,
    hint: &RecordingHint,
) -> Result<()> {
    on!(tx.conn, |c| diesel::update(
        rooms::table.filter(rooms::number.eq(room).and(rooms::account_id.eq(owner)))
    )
    .set((rooms::hint_name.eq(&hint.name), rooms::hint_cover.eq(&hint.cover)))
    .execute(c))?;
    Ok(())
}
