//! Rooms: one per account, guests included, with a number that never changes.
//!
//! The first call that needs a room creates it, in any dialect, and it is never deleted while its account exists. Its three
//! passwords are random at first.

use crate::{
    AccountId, Dialect, Error, Plan, Result, RoomNumber, RoomText, State,
    model::random,
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        broadcasts, follows,
        rooms::{self, RoomRow},
    },
};

/// Characters of a random room password.
const PASSWORD_LENGTH: usize = 12;

/// The room of an account; creates the room if the account has none.
pub(crate) fn ensure(tx: &mut Tx<'_>, owner: &AccountRow) -> Result<RoomRow> {
    if let Some(room) = rooms::of_account(tx.conn, owner.id)? {
        return Ok(room);
    }
    let passwords = [(); 3].map(|()| random::password(tx.random(), PASSWORD_LENGTH));
    rooms::insert(tx, owner.id, passwords)
}

/// The room of an account, which must have the number `number`.
///
/// Errors: [`Error::NotRoomOwner`].
pub(crate) fn owned(tx: &mut Tx<'_>, account: AccountId, number: RoomNumber) -> Result<RoomRow> {
    rooms::of_account(tx.conn, account)?.filter(|own| own.number == number).ok_or(Error::NotRoomOwner)
}

/// Gives the room of an account its name, texts and passwords; creates the room if it does not exist. A room that has been
/// named before stays as it is. Missing passwords keep their random value. `check` checks the texts; it is not called for a
/// room that has a name.
///
/// Errors: [`Error::RoomPasswordsCollide`], and the errors of `check`.
pub(crate) fn name<E>(
    tx: &mut Tx<'_>,
    account: AccountId,
    text: &RoomText,
    check: impl FnOnce(&RoomText) -> Result<(), E>,
) -> Result<Result<RoomNumber, E>> {
    if let Some(room) = rooms::of_account(tx.conn, account)?.filter(|room| room.named) {
        return Ok(Ok(room.number));
    }
    if let Err(refusal) = check(text) {
        return Ok(Err(refusal));
    }
    let owner = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    distinct(text)?;
    let room = ensure(tx, &owner)?;
    let text = RoomText {
        anchor_password: given_or(&text.anchor_password, &room.anchor_password),
        assist_password: given_or(&text.assist_password, &room.assist_password),
        user_password: given_or(&text.user_password, &room.user_password),
        ..text.clone()
    };
    rooms::set_text(tx, &room, &text, true)?;
    retitle(tx, account, &[Dialect::Qplus], &text.name)?;
    Ok(Ok(room.number))
}

/// Changes the room of an account; an empty text keeps the old one.
///
/// Errors: [`Error::NoRoom`], [`Error::NotRoomOwner`] if `number` is that of another room, [`Error::RoomPasswordsCollide`].
pub(crate) fn modify(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: Option<RoomNumber>,
    text: &RoomText,
) -> Result<()> {
    let room = rooms::of_account(tx.conn, account)?.ok_or(Error::NoRoom)?;
    if number.is_some_and(|number| number != room.number) {
        return Err(Error::NotRoomOwner);
    }
    let merged = RoomText {
        name: given_or(&text.name, &room.name),
        description: given_or(&text.description, &room.description),
        topic: given_or(&text.topic, &room.topic),
        anchor_password: given_or(&text.anchor_password, &room.anchor_password),
        assist_password: given_or(&text.assist_password, &room.assist_password),
        user_password: given_or(&text.user_password, &room.user_password),
    };
    distinct(&merged)?;
    rooms::set_text(tx, &room, &merged, room.named)?;
    // A room without a name keeps showing the title of its broadcast.
    if merged.name.is_empty() { Ok(()) } else { retitle(tx, account, &[Dialect::Qplus], &merged.name) }
}

fn given_or(given: &str, kept: &str) -> String {
    if given.is_empty() { kept.to_owned() } else { given.to_owned() }
}

/// Checks that the passwords differ from one another; missing ones do not count.
fn distinct(text: &RoomText) -> Result<()> {
    let [a, b, c] = [&text.anchor_password, &text.assist_password, &text.user_password];
    let equal = |x: &str, y: &str| !x.is_empty() && x == y;
    if equal(a, b) || equal(b, c) || equal(a, c) { Err(Error::RoomPasswordsCollide) } else { Ok(()) }
}

/// Stores the account's plan for its next broadcast (seed 001, `upload_room`); a minilvb-v2 or RoomService broadcast
/// on air gets the new title. The cover of the profile takes precedence over that of the plan.
pub(crate) fn plan(tx: &mut Tx<'_>, account: AccountId, plan: &Plan) -> Result<()> {
    let owner = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let room = ensure(tx, &owner)?;
    let cover = given_or(owner.frontcover(), &plan.cover);
    rooms::set_plan(tx, &room, &Plan { cover, ..plan.clone() })?;
    retitle(tx, account, &[Dialect::MinilvbV2, Dialect::RoomService], &plan.title)
}

/// Sets the title of an account's broadcast on air, if its driver is one of `drivers`.
fn retitle(tx: &mut Tx<'_>, account: AccountId, drivers: &[Dialect], title: &str) -> Result<()> {
    let on_air = broadcasts::latest(tx.conn, account)?
        .filter(|row| drivers.contains(&row.driver) && row.state == State::OnAir && row.title != title);
    if let Some(row) = on_air
        && let Some(host) = accounts::by_id(tx.conn, account)?
    {
        broadcasts::set_title(tx, &row, title)?;
        broadcasts::publish_on_air(tx, &host)?;
    }
    Ok(())
}

/// Follows a room. Idempotent. An account may follow its own room.
///
/// Errors: [`Error::RoomNotFound`], [`Error::InvalidSession`] if the account has been deleted meanwhile.
pub(crate) fn follow(tx: &mut Tx<'_>, account: AccountId, room: RoomNumber) -> Result<()> {
    let owner = owner_for_follower(tx, account, room)?;
    follows::insert(tx, account, room, owner)
}

/// Stops following a room. Idempotent.
///
/// Errors: those of [`follow`].
pub(crate) fn unfollow(tx: &mut Tx<'_>, account: AccountId, room: RoomNumber) -> Result<()> {
    let owner = owner_for_follower(tx, account, room)?;
    follows::delete(tx, account, room, owner)
}

/// The owner of a room, for an account that still exists.
fn owner_for_follower(tx: &mut Tx<'_>, account: AccountId, room: RoomNumber) -> Result<AccountId> {
    let owner = rooms::owner(tx.conn, room)?.ok_or(Error::RoomNotFound)?;
    accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    Ok(owner)
}
