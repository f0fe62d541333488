//! Audiences: entering, changing roles, leaving, timing out.
//!
//! A member belongs to the dialect it entered through last and times out by that dialect's rules: sxb by its beat, qplus
//! with its session, minilvb-v1 never. "One room per user" is sxb's rule and moves only members that entered through sxb.
//! Leaving through any dialect takes the row away.

use crate::{
    AccountId, Dialect, Error, Result, Role, RoomNumber,
    model::{change::Change, rule, session::TokenHash},
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        audience::{self as members, MemberRow, RoomEntry},
        broadcasts, counters, rooms, sessions,
    },
};

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
pub(crate) fn arriving(
    tx: &mut Tx<'_>,
    host: AccountId,
    account: AccountId,
    dialect: Dialect,
) -> Result<MemberRow> {
    let known = members::find(tx, host, account)?;
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
pub(crate) fn add_host(tx: &mut Tx<'_>, host: &AccountRow, driver: Dialect) -> Result<()> {
    if driver == Dialect::Sxb {
        members::leave_others(tx, host.id, host.id)?;
    }
    let row = arriving(tx, host.id, host.id, driver)?;
    members::put(tx, &MemberRow { role: Role::Host, ..row }, &host.user_id)
}

/// sxb: enters a room on air with a role and leaves the rooms entered before. Without a role a known member keeps its role.
///
/// Errors: [`Error::NotOnAir`].
pub(crate) fn enter(tx: &mut Tx<'_>, room: RoomNumber, account: AccountId, role: Option<Role>) -> Result<()> {
    let RoomEntry { host, user_id, known } = members::entry(tx, room, account)?.ok_or(Error::NotOnAir)?;
    // A member that entered here through sxb is in no other room through sxb.
    if known.as_ref().is_none_or(|row| row.dialect != Dialect::Sxb) {
        members::leave_others(tx, account, host)?;
    }
    let row = arriving_at(tx, known, host, account, Dialect::Sxb)?;
    let role = rule::member_role(host == account, role.unwrap_or(row.role));
    members::put(tx, &MemberRow { role, ..row }, &user_id)
}

/// Leaves a room on air; without effect for an account that is no member.
///
/// Errors: [`Error::NotOnAir`].
pub(crate) fn leave(tx: &mut Tx<'_>, room: RoomNumber, account: AccountId) -> Result<()> {
    let host = broadcasts::host_on_air(tx, room)?;
    members::remove(tx, host, account).map(|_| ())
}

/// sxb: changes the role of a member of a room on air; without effect for the host and for an account that is no member.
///
/// Errors: [`Error::NotOnAir`].
pub(crate) fn set_role_in_room(
    tx: &mut Tx<'_>,
    room: RoomNumber,
    account: AccountId,
    role: Role,
) -> Result<()> {
    let host = broadcasts::host_on_air(tx, room)?;
    set_role(tx, host, account, role)
}

/// Changes the role of a member; without effect for the host and for who is not there.
pub(crate) fn set_role(tx: &mut Tx<'_>, host: AccountId, account: AccountId, role: Role) -> Result<()> {
    let Some(row) = members::find(tx, host, account)?.filter(|row| row.role != Role::Host) else {
        return Ok(());
    };
    let user = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let beat_at = if row.dialect == Dialect::Sxb { tx.now } else { row.beat_at };
    members::put(
        tx,
        &MemberRow { role: rule::member_role(host == account, role), beat_at, ..row },
        &user.user_id,
    )
}

/// sxb: what a beat changes beyond clocks: the role of a member of `new_role_at`'s audience, and the likes a host reports.
pub(crate) fn beat(
    tx: &mut Tx<'_>,
    account: AccountId,
    new_role: Option<(AccountId, Role)>,
    likes: Option<i64>,
) -> Result<()> {
    if let Some((host, role)) = new_role {
        set_role(tx, host, account, role)?;
    }
    likes.map_or(Ok(()), |likes| counters::report_likes(tx, account, likes))
}

/// qplus: watches a room on air as long as the session lives, which may have ended since it was checked. Without effect if the
/// room is not on air, and for its owner.
///
/// Errors: [`Error::InvalidSession`].
pub(crate) fn watch(
    tx: &mut Tx<'_>,
    room: RoomNumber,
    account: AccountId,
    session: &TokenHash,
) -> Result<()> {
    let host = match broadcasts::host_on_air(tx, room) {
        Ok(host) if host != account => host,
        Ok(_) | Err(Error::NotOnAir) => return Ok(()),
        Err(error) => return Err(error),
    };
    sessions::cache_session(tx, session)?.ok_or(Error::InvalidSession)?;
    let user = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let row = arriving(tx, host, account, Dialect::Qplus)?;
    members::put(tx, &MemberRow { session: Some(session.bytes().to_vec()), ..row }, &user.user_id)
}

/// qplus: stops watching a room, on air or not; without effect for its owner.
pub(crate) fn unwatch(tx: &mut Tx<'_>, room: RoomNumber, account: AccountId) -> Result<()> {
    match rooms::owner(tx.conn, room)? {
        Some(host) if host != account => members::remove(tx, host, account).map(|_| ()),
        _ => Ok(()),
    }
}

/// Takes out a member that fell silent, unless the table knows of a newer beat.
pub(crate) fn expire(tx: &mut Tx<'_>, host: AccountId, account: AccountId) -> Result<()> {
    let Some(row) = members::find(tx, host, account)? else {
        tx.changed(Change::Left { host, account });
        return Ok(());
    };
    let timeouts = tx.config().timeouts;
    let over = match row.dialect {
        Dialect::Sxb => rule::silent_member_leaves_at(row.beat_at, row.role, timeouts) <= tx.now,
        // The read model shares the session's own clock, unless the session was pushed out of memory and read again.
        Dialect::Qplus => match row.session.as_deref().and_then(TokenHash::from_bytes) {
            Some(digest) => sessions::cache_session(tx, &digest)?.is_none_or(|used_at| {
                rule::idle_session_ends_at(used_at, tx.config().sessions.qplus_idle) <= tx.now
            }),
            None => false,
        },
        Dialect::MinilvbV1 | Dialect::MinilvbV2 => false,
    };
    if over {
        members::remove(tx, host, account)?;
    } else if let Some(user) = accounts::by_id(tx.conn, account)? {
        members::publish(tx, &row, &user);
    }
    Ok(())
}
