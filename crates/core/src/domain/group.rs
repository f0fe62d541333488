//! Groups: the audiences of lives and recordings under the names that minilvb-v1 gives them, since it has no rooms.

use super::actor;
use crate::{
    AccountId, Actor, Dialect, FileId, GroupId, GroupMember, MemberNames, Page, RecordingId, Result, UserId,
    Window,
    limit::Limit,
    store::{Tx, conn::Conn},
    table::{
        accounts,
        audience::{self as members, MemberRow},
        recording_audience, recordings,
    },
};

/// Enters the audience of a host under a group name. Entering again keeps the position and replaces the names.
///
/// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
pub(crate) fn enter(
    tx: &mut Tx<'_>,
    actor: &Actor,
    host: &UserId,
    group: &GroupId,
    names: &MemberNames,
) -> Result<()> {
    let member = actor::acting(tx, actor)?;
    let host = actor::ensure(tx, host)?.id;
    let row = super::audience::entering(tx, host, member.id, Dialect::MinilvbV1)?;
    let position = if row.listed { row.position } else { tx.next_position()? };
    let row = MemberRow {
        group_id: Some(group.to_owned()),
        listed: true,
        nickname: Some(names.nickname.clone()),
        avatar: Some(names.avatar.clone()),
        position,
        ..row
    };
    members::put(tx, &row, &member.user_id)
}

/// Leaves a group. Idempotent.
///
/// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
pub(crate) fn quit(tx: &mut Tx<'_>, actor: &Actor, host: &UserId, group: &GroupId) -> Result<()> {
    let Some(member) = actor::known(tx, actor)?.map(|row| row.id) else { return Ok(()) };
    let Some(host) = accounts::by_user_id(tx.conn, host)?.map(|row| row.id) else { return Ok(()) };
    let Some(row) = members::find(tx, host, member)?.filter(|row| row.listed) else { return Ok(()) };
    let of = match row.group_id {
        Some(of) => Some(of),
        None => members::own_group(tx.conn, host)?,
    };
    if of.as_deref() == Some(group) {
        members::remove(tx, host, member)?;
    }
    Ok(())
}

/// Enters the audience of a recording, and counts a viewer of the recording if the member is new. Changes nothing if there is no
/// such recording: a stranger could leave rows for any number of file ids.
///
/// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
pub(crate) fn enter_recording(
    tx: &mut Tx<'_>,
    actor: &Actor,
    owner: &UserId,
    file_id: &FileId,
    names: &MemberNames,
) -> Result<()> {
    let Some(recording) = recording_of(tx.conn, owner, file_id)? else {
        return actor::known(tx, actor).map(drop);
    };
    let member = actor::acting(tx, actor)?.id;
    if recording_audience::put(tx, recording, member, names)? {
        tx.spend(Limit::Enters)?;
        recordings::step_viewers(tx, recording, 1)?;
    }
    Ok(())
}

/// The number of a user's recording with a file id.
fn recording_of(conn: &mut Conn, owner: &UserId, file_id: &FileId) -> Result<Option<RecordingId>> {
    match accounts::by_user_id(conn, owner)? {
        Some(owner) => recordings::id_of(conn, owner.id, file_id),
        None => Ok(None),
    }
}

/// Leaves the audience of a recording. Idempotent.
///
/// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
pub(crate) fn quit_recording(tx: &mut Tx<'_>, actor: &Actor, owner: &UserId, file_id: &FileId) -> Result<()> {
    let Some(member) = actor::known(tx, actor)?.map(|row| row.id) else { return Ok(()) };
    let Some(recording) = recording_of(tx.conn, owner, file_id)? else { return Ok(()) };
    if recording_audience::remove(tx, recording, member)? {
        recordings::step_viewers(tx, recording, -1)?;
    }
    Ok(())
}

/// Removes an account from the audiences of all recordings, before it is deleted.
pub(crate) fn leave_recordings(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    for recording in recording_audience::remove_everywhere(tx, account)? {
        recordings::step_viewers(tx, recording, -1)?;
    }
    Ok(())
}

/// The members of a group in order of entry: first those in the host's audience, then those of the host's recording whose file
/// id is the name of the group. The read model finds a page at any offset: `listed` reads the audience from it, see
/// [`members::group`], and `positions` the order of entry of a recording's members.
pub(crate) fn page(
    conn: &mut Conn,
    host: &UserId,
    group: &GroupId,
    window: Window,
    listed: &impl Fn(AccountId, &GroupId, bool) -> Option<Page<AccountId>>,
    positions: &impl Fn(RecordingId, Window) -> Page<i64>,
) -> Result<Page<GroupMember>> {
    let Some(host) = accounts::by_user_id(conn, host)?.map(|row| row.id) else {
        return Ok(Page::default());
    };
    let mut page = members::group(conn, host, group, listed)?;
    let Some(recording) = recordings::id_of(conn, host, &FileId::from(group))? else { return Ok(page) };
    // Computed from positions, not from items: a member that has left meanwhile leaves a gap, which no other member fills.
    let rest = Window {
        offset: window.offset.saturating_sub(page.total),
        limit: window.limit.saturating_sub(page.total.saturating_sub(window.offset)),
    };
    let of_recording = positions(recording, rest);
    page.total += of_recording.total;
    page.items.extend(recording_audience::at(conn, recording, &of_recording.items)?);
    Ok(page)
}
