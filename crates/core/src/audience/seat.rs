//! Taking a seat, and what one is on it.

use diesel::prelude::*;

use super::MemberRow;
use crate::{
    AccountId, Dialect, Error, Result, Role, RoomNumber, State,
    account::{self, AccountRow},
    live::Change,
    rule,
    session::{self, TokenHash},
    store::{
        Tx,
        conn::on,
        prepared::prepared,
        schema::{accounts, audience, broadcasts, rooms},
    },
};

/// Writes a member down, new or changed, and tells the read model.
pub(super) fn put(tx: &mut Tx<'_>, row: &MemberRow, user_id: &str) -> Result<()> {
    on!(tx.conn, |c| prepared!(
        diesel::insert_into(audience::table)
            .values(row)
            .on_conflict((audience::host_id, audience::account_id))
            .do_update()
            .set((
                audience::role.eq(row.role),
                audience::dialect.eq(row.dialect),
                audience::group_id.eq(&row.group_id),
                audience::listed.eq(row.listed),
                audience::nickname.eq(&row.nickname),
                audience::avatar.eq(&row.avatar),
                audience::position.eq(row.position),
                audience::beat_at.eq(row.beat_at),
                audience::session.eq(&row.session),
            ))
    )
    .run(c))?;
    tx.changed(Change::Member(Box::new(row.state(user_id))));
    Ok(())
}

/// The row of a member, if it is there.
pub(super) fn get(tx: &mut Tx<'_>, host: AccountId, account: AccountId) -> Result<Option<MemberRow>> {
    Ok(on!(tx.conn, |c| audience::table.find((host, account)).first(c).optional())?)
}

/// A newcomer's row.
fn newcomer(tx: &mut Tx<'_>, host: AccountId, account: AccountId, dialect: Dialect) -> Result<MemberRow> {
    Ok(MemberRow {
        host_id: host,
        account_id: account,
        role: rule::member_role(host == account, Role::Viewer),
        dialect,
        group_id: None,
        listed: host != account,
        nickname: None,
        avatar: None,
        position: tx.next_position()?,
        beat_at: tx.now,
        session: None,
    })
}

/// The row of somebody who enters through a dialect, keeping its place if it has one. Only sxb knows the microphone.
pub(super) fn arriving(
    tx: &mut Tx<'_>,
    host: AccountId,
    account: AccountId,
    dialect: Dialect,
) -> Result<MemberRow> {
    let known = get(tx, host, account)?;
    arriving_at(tx, known, host, account, dialect)
}

/// Likewise, where the row that may be there has been read.
fn arriving_at(
    tx: &mut Tx<'_>,
    known: Option<MemberRow>,
    host: AccountId,
    account: AccountId,
    dialect: Dialect,
) -> Result<MemberRow> {
    let beat_at = tx.now;
    Ok(match known {
        Some(row) => MemberRow {
            role: rule::role_after_entering(row.role, dialect),
            dialect,
            beat_at,
            group_id: None,
            nickname: None,
            avatar: None,
            session: None,
            ..row
        },
        None => newcomer(tx, host, account, dialect)?,
    })
}

/// The host of a broadcast that opens or is prepared.
pub(crate) fn seat_host(tx: &mut Tx<'_>, host: &AccountRow, driver: Dialect) -> Result<()> {
    if driver == Dialect::Sxb {
        stand_up(tx, host.id, host.id)?;
    }
    let row = arriving(tx, host.id, host.id, driver)?;
    put(tx, &MemberRow { role: Role::Host, ..row }, &host.user_id)
}

/// sxb: one room per user.
fn stand_up(tx: &mut Tx<'_>, account: AccountId, except: AccountId) -> Result<()> {
    let gone: Vec<AccountId> = on!(tx.conn, |c| diesel::delete(
        audience::table
            .filter(audience::account_id.eq(account))
            .filter(audience::dialect.eq(Dialect::Sxb).and(audience::host_id.ne(except)))
    )
    .returning(audience::host_id)
    .get_results(c))?;
    for host in gone {
        tx.changed(Change::Left { host, account });
    }
    Ok(())
}

/// sxb: sits down in a room on air. Without a role, somebody who is there already stays what it is.
///
/// Errors: [`Error::NotOnAir`].
pub(super) fn sit(tx: &mut Tx<'_>, room: RoomNumber, account: AccountId, role: Option<Role>) -> Result<()> {
    // One query for all that has to be known: this is the write every viewer begins with.
    let found: Option<(AccountId, String, Option<MemberRow>)> = on!(tx.conn, |c| prepared!(
        rooms::table
            .inner_join(broadcasts::table.on(rooms::broadcast_id.eq(broadcasts::id.nullable())))
            .inner_join(accounts::table.on(accounts::id.eq(account)))
            .left_join(
                audience::table
                    .on(audience::host_id.eq(broadcasts::account_id).and(audience::account_id.eq(account)))
            )
            .filter(rooms::number.eq(room).and(broadcasts::state.eq(State::OnAir)))
            .select((broadcasts::account_id, accounts::user_id, audience::all_columns.nullable()))
            .limit(1)
    )
    .get_result(c)
    .optional())?;
    let (host, user_id, known) = found.ok_or(Error::NotOnAir)?;
    // Whoever sits here through sxb sits nowhere else through it.
    if known.as_ref().is_none_or(|row| row.dialect != Dialect::Sxb) {
        stand_up(tx, account, host)?;
    }
    let row = arriving_at(tx, known, host, account, Dialect::Sxb)?;
    let role = rule::member_role(host == account, role.unwrap_or(row.role));
    put(tx, &MemberRow { role, ..row }, &user_id)
}

/// Changes the role of a member; without effect for the host and for who is not there.
pub(super) fn set_role(tx: &mut Tx<'_>, host: AccountId, account: AccountId, role: Role) -> Result<()> {
    let Some(row) = get(tx, host, account)?.filter(|row| row.role != Role::Host) else { return Ok(()) };
    let user = account::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let beat_at = if row.dialect == Dialect::Sxb { tx.now } else { row.beat_at };
    put(tx, &MemberRow { role: rule::member_role(host == account, role), beat_at, ..row }, &user.user_id)
}

/// qplus: watches as long as the session lives, which may have ended since it was checked.
pub(super) fn watch(tx: &mut Tx<'_>, host: AccountId, account: AccountId, session: &TokenHash) -> Result<()> {
    session::cache_session(tx, session)?.ok_or(Error::InvalidSession)?;
    let user = account::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let row = arriving(tx, host, account, Dialect::Qplus)?;
    put(tx, &MemberRow { session: Some(session.bytes().to_vec()), ..row }, &user.user_id)
}
