//! Audiences: entering, changing roles, leaving, timing out.
//!
//! A member belongs to the dialect that it entered through last, and times out by the rules of that dialect: in sxb by its
//! last beat, in qplus and RoomService with its session, in minilvb-v1 never. sxb allows one room per account, which concerns
//! only members that entered through sxb. Leaving through any dialect deletes the row.

use crate::{
    AccountId, Dialect, Error, Result, Role, RoomNumber, UserId,
    limit::Limit,
    model::{change::Change, rule, session::TokenHash},
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        audience::{self as members, MemberRow, RoomEntry},
        broadcasts, counters, rooms, sessions,
    },
};

/// The row of a new member.
///
/// Errors: [`Error::RateLimited`].
fn new_member(tx: &mut Tx<'_>, host: AccountId, account: AccountId, dialect: Dialect) -> Result<MemberRow> {
    if host != account {
        tx.spend(Limit::Enters)?;
    }
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
        info: None,
        stream_code: None,
        anchor_position: None,
    })
}

/// The row of an account that enters through a dialect. A member keeps its position. On the microphone it
/// stays in sxb, and in RoomService, where it is a sub-anchor with its stream and its names.
pub(crate) fn entering(
    tx: &mut Tx<'_>,
    host: AccountId,
    account: AccountId,
    dialect: Dialect,
) -> Result<MemberRow> {
    let known = members::find(tx, host, account)?;
    entering_from(tx, known, host, account, dialect)
}

/// Does the same as [`entering`] from the row of the member, if there is one.
fn entering_from(
    tx: &mut Tx<'_>,
    known: Option<MemberRow>,
    host: AccountId,
    account: AccountId,
    dialect: Dialect,
) -> Result<MemberRow> {
    let beat_at = tx.now;
    Ok(match known {
        Some(row) if dialect == Dialect::RoomService && row.stream_code.is_some() => row,
        Some(row) => MemberRow {
            role: rule::role_after_entering(row.role, row.dialect, dialect),
            dialect,
            beat_at,
            group_id: None,
            nickname: None,
            avatar: None,
            session: None,
            info: None,
            stream_code: None,
            anchor_position: None,
            ..row
        },
        None => new_member(tx, host, account, dialect)?,
    })
}

/// Makes a host a member of its own audience, when its broadcast opens or is prepared.
pub(crate) fn add_host(tx: &mut Tx<'_>, host: &AccountRow, driver: Dialect) -> Result<()> {
    if driver == Dialect::Sxb {
        members::leave_others(tx, host.id, host.id)?;
    }
    let row = entering(tx, host.id, host.id, driver)?;
    members::put(tx, &MemberRow { role: Role::Host, ..row }, &host.user_id)
}

/// sxb: enters a room on air with a role, and leaves the rooms entered before. Without a role a member keeps its role.
///
/// Errors: [`Error::NotOnAir`].
pub(crate) fn enter(tx: &mut Tx<'_>, room: RoomNumber, account: AccountId, role: Option<Role>) -> Result<()> {
    let RoomEntry { host, user_id, known } = members::entry(tx, room, account)?.ok_or(Error::NotOnAir)?;
    // A member that entered here through sxb is in no other room through sxb.
    if known.as_ref().is_none_or(|row| row.dialect != Dialect::Sxb) {
        members::leave_others(tx, account, host)?;
    }
    let row = entering_from(tx, known, host, account, Dialect::Sxb)?;
    let role = rule::member_role(host == account, role.unwrap_or(row.role));
    members::put(tx, &MemberRow { role, ..row }, &user_id)
}

/// Leaves a room on air. Idempotent.
///
/// Errors: [`Error::NotOnAir`].
pub(crate) fn leave(tx: &mut Tx<'_>, room: RoomNumber, account: AccountId) -> Result<()> {
    let host = broadcasts::host_on_air(tx, room)?;
    members::remove(tx, host, account).map(|_| ())
}

/// sxb: changes the role of a member of a room on air; without effect on the host and on an account that is no member.
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

/// Changes the role of a member; without effect on the host and on an account that is no member.
pub(crate) fn set_role(tx: &mut Tx<'_>, host: AccountId, account: AccountId, role: Role) -> Result<()> {
    let Some(row) = members::find(tx, host, account)?.filter(|row| row.role != Role::Host) else {
        return Ok(());
    };
    let user = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let beat_at = if row.dialect == Dialect::Sxb { tx.now } else { row.beat_at };
    let role = rule::member_role(host == account, role);
    let row = MemberRow { role, beat_at, ..row };
    members::put(tx, &if role == Role::OnMic { row } else { without_stream(row) }, &user.user_id)
}

/// The row of a member that pushes no stream any more.
fn without_stream(row: MemberRow) -> MemberRow {
    MemberRow { stream_code: None, anchor_position: None, ..row }
}

/// RoomService: makes a sub-anchor a viewer again.
pub(crate) fn step_down(tx: &mut Tx<'_>, row: MemberRow, user_id: &UserId) -> Result<()> {
    let role = rule::member_role(row.host_id == row.account_id, Role::Viewer);
    members::put(tx, &MemberRow { role, ..without_stream(row) }, user_id)
}

/// sxb: stores the changes by a beat beyond its clock: a new role in the audience of a host, and the likes that a host
/// reports.
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

/// qplus: watches a room on air until the session ends, which may have happened since it was checked. Without effect if the
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
    let row = entering(tx, host, account, Dialect::Qplus)?;
    members::put(tx, &MemberRow { session: Some(session.bytes().to_vec()), ..row }, &user.user_id)
}

/// qplus: stops watching a room, on air or not; without effect for its owner.
pub(crate) fn unwatch(tx: &mut Tx<'_>, room: RoomNumber, account: AccountId) -> Result<()> {
    match rooms::owner(tx.conn, room)? {
        Some(host) if host != account => members::remove(tx, host, account).map(|_| ()),
        _ => Ok(()),
    }
}

/// Removes a member past its deadline, unless the table has a later beat.
pub(crate) fn expire(tx: &mut Tx<'_>, host: AccountId, account: AccountId) -> Result<()> {
    let Some(row) = members::find(tx, host, account)? else {
        tx.changed(Change::Left { host, account });
        return Ok(());
    };
    let timeouts = tx.config().timeouts;
    let over = match row.dialect {
        Dialect::Sxb => rule::silent_member_leaves_at(row.beat_at, row.role, timeouts) <= tx.now,
        // The read model uses the session's own clock, except for a session that was evicted from the cache and read again.
        Dialect::Qplus | Dialect::RoomService => match row.session.as_deref().and_then(TokenHash::from_bytes)
        {
            Some(digest) => sessions::cache_session(tx, &digest)?.is_none_or(|used_at| {
                let idle = rule::watching_idle(row.dialect, tx.config().sessions);
                rule::idle_session_ends_at(used_at, idle) <= tx.now
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

/// Makes a sub-anchor past its deadline a viewer again, unless the table has a later beat.
pub(crate) fn expire_anchor(tx: &mut Tx<'_>, host: AccountId, account: AccountId) -> Result<()> {
    let Some(row) = members::find(tx, host, account)? else {
        tx.changed(Change::Left { host, account });
        return Ok(());
    };
    let Some(user) = accounts::by_id(tx.conn, account)? else { return Ok(()) };
    let over = rule::silent_anchor_steps_down_at(row.beat_at, tx.config().timeouts) <= tx.now;
    if row.stream_code.is_some() && over {
        return step_down(tx, row, &user.user_id);
    }
    members::publish(tx, &row, &user);
    Ok(())
}
