//! Table `recording_audience`: one row per member of a recording's audience.

use diesel::prelude::*;

use crate::{
    AccountId, FileId, GroupMember, MemberNames, Page, Result, UserId, Window,
    store::{
        Tx,
        conn::{Conn, on},
        schema::{accounts, recording_audience},
    },
};

/// Stores a new member, or the new names of a known one; returns whether the member is new.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    owner: AccountId,
    file_id: &FileId,
    member: AccountId,
    names: &MemberNames,
) -> Result<bool> {
    let row = recording_audience::table.find((owner, file_id, member));
    let known = on!(tx.conn, |c| diesel::update(row)
        .set((recording_audience::nickname.eq(&names.nickname), recording_audience::avatar.eq(&names.avatar)))
        .execute(c))?;
    if known > 0 {
        return Ok(false);
    }
    let position = tx.next_position()?;
    on!(tx.conn, |c| diesel::insert_into(recording_audience::table)
        .values((
            recording_audience::owner_id.eq(owner),
            recording_audience::file_id.eq(file_id),
            recording_audience::account_id.eq(member),
            recording_audience::nickname.eq(&names.nickname),
            recording_audience::avatar.eq(&names.avatar),
            recording_audience::position.eq(position),
        ))
        .execute(c))?;
    Ok(true)
}

/// Removes a member; returns whether there was one.
pub(crate) fn remove(tx: &mut Tx<'_>, owner: AccountId, file_id: &FileId, member: AccountId) -> Result<bool> {
    let row = recording_audience::table.find((owner, file_id, member));
    Ok(on!(tx.conn, |c| diesel::delete(row).execute(c))? > 0)
}

/// Removes an account from the audiences of all recordings; returns owner and file id of these recordings.
pub(crate) fn remove_everywhere(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<(AccountId, FileId)>> {
    Ok(on!(tx.conn, |c| diesel::delete(
        recording_audience::table.filter(recording_audience::account_id.eq(account))
    )
    .returning((recording_audience::owner_id, recording_audience::file_id))
    .get_results(c))?)
}

/// A page of the members of a recording's audience, in order of entry.
pub(crate) fn page(
    conn: &mut Conn,
    owner: AccountId,
    file_id: &FileId,
    window: Window,
) -> Result<Page<GroupMember>> {
    let members = || {
        recording_audience::table
            .inner_join(accounts::table)
            .filter(recording_audience::owner_id.eq(owner).and(recording_audience::file_id.eq(file_id)))
    };
    let rows: Vec<(UserId, String, String)> = on!(conn, |c| members()
        .order((recording_audience::position, recording_audience::account_id))
        .limit(window.sql_limit())
        .offset(window.sql_offset())
        .select((accounts::user_id, recording_audience::nickname, recording_audience::avatar))
        .load(c))?;
    let member = |(user_id, nickname, avatar)| GroupMember { user_id, nickname, avatar };
    let items = rows.into_iter().map(member).collect();
    Page::read(window, items, || Ok(on!(conn, |c| members().count().get_result(c))?))
}

/// The highest order of entry in the table.
pub(crate) fn last_position(conn: &mut Conn) -> Result<Option<i64>> {
    Ok(on!(conn, |c| recording_audience::table
        .select(diesel::dsl::max(recording_audience::position))
        .first(c))?)
}
