//! Table `recording_audience`: one row per member of a recording's audience.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt},
};

use crate::{
    AccountId, GroupMember, MemberNames, RecordingId, Result, UserId,
    model::{audience::RecordingMember, change::Change},
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, recording_audience},
    },
};

/// Stores a new member, or the new names of a known one; returns whether the member is new.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    member: AccountId,
    names: &MemberNames,
) -> Result<bool> {
    let row = recording_audience::table.find((recording, member));
    let known = on!(tx.conn, |c| diesel::update(row)
        .set((recording_audience::nickname.eq(&names.nickname), recording_audience::avatar.eq(&names.avatar)))
        .execute(c))?;
    if known > 0 {
        return Ok(false);
    }
    let position = tx.next_position()?;
    on!(tx.conn, |c| diesel::insert_into(recording_audience::table)
        .values((
            recording_audience::recording_id.eq(recording),
            recording_audience::account_id.eq(member),
            recording_audience::nickname.eq(&names.nickname),
            recording_audience::avatar.eq(&names.avatar),
            recording_audience::position.eq(position),
        ))
        .execute(c))?;
    tx.changed(Change::RecordingMember(RecordingMember { recording, position }));
    Ok(true)
}

/// Removes a member; returns whether there was one.
pub(crate) fn remove(tx: &mut Tx<'_>, recording: RecordingId, member: AccountId) -> Result<bool> {
    let row = recording_audience::table.find((recording, member));
    let position: Option<i64> = on!(tx.conn, |c| diesel::delete(row)
        .returning(recording_audience::position)
        .get_result(c)
        .optional())?;
    if let Some(position) = position {
        tx.changed(Change::RecordingLeft(RecordingMember { recording, position }));
    }
    Ok(position.is_some())
}

/// Removes an account from the audiences of all recordings; returns these recordings.
pub(crate) fn remove_everywhere(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<RecordingId>> {
    let removed: Vec<(RecordingId, i64)> = on!(tx.conn, |c| diesel::delete(
        recording_audience::table.filter(recording_audience::account_id.eq(account))
    )
    .returning((recording_audience::recording_id, recording_audience::position))
    .get_results(c))?;
    for (recording, position) in &removed {
        let left = RecordingMember { recording: *recording, position: *position };
        tx.changed(Change::RecordingLeft(left));
    }
    Ok(removed.into_iter().map(|(recording, _)| recording).collect())
}

/// All members of all recordings.
pub(crate) fn all(conn: &mut Conn) -> Result<Vec<RecordingMember>> {
    Ok(on!(conn, |c| recording_audience::table
        .select((recording_audience::recording_id, recording_audience::position))
        .load(c))?)
}

/// Those of some members that are in the table.
pub(crate) fn existing(conn: &mut Conn, wanted: &[RecordingMember]) -> Result<Vec<RecordingMember>> {
    match conn {
        // SQLite needs no round trip, and a statement for one member stays prepared.
        Conn::Sqlite(c) => {
            let mut found = Vec::with_capacity(wanted.len());
            for member in wanted {
                let row = recording_audience::table
                    .filter(recording_audience::recording_id.eq(member.recording))
                    .filter(recording_audience::position.eq(member.position))
                    .select((recording_audience::recording_id, recording_audience::position))
                    .limit(1);
                found.extend(prepared!(row).get_result::<RecordingMember>(c).optional()?);
            }
            Ok(found)
        }
        Conn::Postgres(c) => {
            let (recordings, positions): (Vec<i64>, Vec<i64>) =
                wanted.iter().map(|member| (member.recording.0, member.position)).unzip();
            let rows = diesel::sql_query(
                "SELECT wanted.recording, wanted.position FROM unnest($1, $2) AS wanted (recording, position) \
                 CROSS JOIN LATERAL (SELECT 1 FROM recording_audience AS member \
                 WHERE member.recording_id = wanted.recording AND member.position = wanted.position LIMIT 1) AS found",
            )
            .bind::<Array<BigInt>, _>(recordings)
            .bind::<Array<BigInt>, _>(positions);
            Ok(prepared!(rows).load(c)?)
        }
    }
}

/// Members between those of a page that this gateway does not know yet: other gateways have just committed them.
const MOST_UNKNOWN: usize = 64;

/// The members of a recording at some positions, which are in ascending order. A member that has left meanwhile leaves a gap.
pub(crate) fn at(conn: &mut Conn, recording: RecordingId, positions: &[i64]) -> Result<Vec<GroupMember>> {
    let (Some(first), Some(last)) = (positions.first(), positions.last()) else { return Ok(Vec::new()) };
    let most = positions.len().saturating_add(MOST_UNKNOWN);
    let rows: Vec<(i64, UserId, String, String)> = on!(conn, |c| prepared!(
        recording_audience::table
            .inner_join(accounts::table)
            .filter(recording_audience::recording_id.eq(recording))
            .filter(recording_audience::position.ge(first).and(recording_audience::position.le(last)))
            .order(recording_audience::position)
            .limit(i64::try_from(most).unwrap_or(i64::MAX))
            .select((
                recording_audience::position,
                accounts::user_id,
                recording_audience::nickname,
                recording_audience::avatar
            ))
    )
    .load(c))?;
    let member = |(position, user_id, nickname, avatar)| {
        positions.binary_search(&position).is_ok().then_some(GroupMember { user_id, nickname, avatar })
    };
    Ok(rows.into_iter().filter_map(member).collect())
}

/// The highest order of entry in the table.
pub(crate) fn last_position(conn: &mut Conn) -> Result<Option<i64>> {
    Ok(on!(conn, |c| recording_audience::table
        .select(diesel::dsl::max(recording_audience::position))
        .first(c))?)
}
