//! Table `broadcasts`: every broadcast ever opened or prepared; a room names its latest.

use std::sync::Arc;

use diesel::{
    connection::DefaultLoadingMode,
    dsl::sql,
    prelude::*,
    sql_types::{Array, BigInt, Bool},
    sqlite::Sqlite,
};

use super::{
    accounts::{AccountRow, by_user_id},
    counters::{begin, counters_of, counts},
    rooms::RoomRow,
};
use crate::{
    AccountId, Broadcast, BroadcastId, BroadcastInfo, Dialect, Error, GroupId, Result, RoomNumber, Seconds,
    State, StreamCode, UnixSeconds, UserId,
    model::{
        anchor::{AnchorNames, LiveRoomInfo},
        broadcast::BroadcastState,
        change::Change,
        counter::Counters,
        custom_field::CustomFields,
        fragment::Fragments,
        live_room::{folded, has_unique_ids},
    },
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, audience, broadcasts, counters, rooms},
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = broadcasts)]
pub(crate) struct BroadcastRow {
    pub(crate) id: BroadcastId,
    pub(crate) account_id: AccountId,
    pub(crate) room: RoomNumber,
    pub(crate) driver: Dialect,
    pub(crate) state: State,
    pub(crate) title: String,
    pub(crate) cover: String,
    pub(crate) location: String,
    pub(crate) nickname: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) kind: String,
    pub(crate) app: Option<i64>,
    pub(crate) stream_code: StreamCode,
    pub(crate) push_sequence: Option<String>,
    pub(crate) started_at: UnixSeconds,
    pub(crate) ended_at: Option<UnixSeconds>,
    pub(crate) beat_at: UnixSeconds,
    pub(crate) lease: Option<Seconds>,
    /// The first second on air; `None` for a broadcast that was only prepared.
    pub(crate) aired_at: Option<UnixSeconds>,
    /// RoomService: the text that the creator gave.
    pub(crate) room_info: Option<String>,
    anchor_name: Option<String>,
    anchor_avatar: Option<String>,
    custom_fields: Option<String>,
    /// The household of the client that has begun a guest's broadcast.
    pub(crate) opened_from: Option<String>,
}

/// The columns of [`BroadcastRow`].
type Columns = <BroadcastRow as Selectable<Sqlite>>::SelectExpression;

/// The columns of [`BroadcastRow`], to select or return: the same for both databases.
pub(crate) fn columns() -> Columns {
    <BroadcastRow as Selectable<Sqlite>>::construct_selection()
}

impl BroadcastRow {
    /// The name of the group of this broadcast.
    pub(crate) fn group(&self) -> GroupId {
        self.group_id.clone().unwrap_or_else(|| self.room.to_string().into())
    }

    /// The data of this broadcast that lists show.
    pub(crate) fn info(&self, host: &AccountRow) -> BroadcastInfo {
        BroadcastInfo {
            id: self.id,
            room: self.room,
            host: self.account_id,
            user_id: host.user_id.clone(),
            driver: self.driver,
            title: self.title.clone(),
            cover: self.cover.clone(),
            location: self.location.clone(),
            nickname: self.nickname.clone().unwrap_or_else(|| host.display_name().to_owned()),
            avatar: self.avatar.clone().unwrap_or_else(|| host.avatar.clone()),
            group_id: self.group(),
            kind: self.kind.clone(),
            app: self.app,
            stream_code: self.stream_code.clone(),
            started_at: self.started_at,
            live_room: self.live_room(),
            fields: Arc::new(self.fields()),
            fragments: Fragments::default(),
        }
    }

    /// The data of a live room; `None` for a broadcast that another dialect has opened.
    fn live_room(&self) -> Option<LiveRoomInfo> {
        has_unique_ids(self.driver).then(|| LiveRoomInfo {
            info: self.room_info.clone().unwrap_or_default(),
            creator: AnchorNames {
                nickname: self.anchor_name.clone().unwrap_or_default(),
                avatar: self.anchor_avatar.clone().unwrap_or_default(),
            },
        })
    }

    /// The custom fields.
    pub(crate) fn fields(&self) -> CustomFields {
        CustomFields::from_column(self.custom_fields.as_deref())
    }

    /// This broadcast for the read model.
    pub(crate) fn state_of(&self, host: &AccountRow, counters: Counters) -> BroadcastState {
        BroadcastState {
            info: Arc::new(self.info(host)),
            state: self.state,
            counters,
            beat_at: self.beat_at,
            lease: self.lease,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = broadcasts, treat_none_as_default_value = false)]
pub(crate) struct NewBroadcast {
    pub(crate) account_id: AccountId,
    pub(crate) room: RoomNumber,
    pub(crate) driver: Dialect,
    pub(crate) state: State,
    pub(crate) title: String,
    pub(crate) cover: String,
    pub(crate) location: String,
    pub(crate) nickname: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) kind: String,
    pub(crate) app: Option<i64>,
    pub(crate) device: Option<i16>,
    pub(crate) screen: bool,
    pub(crate) longitude: Option<f64>,
    pub(crate) latitude: Option<f64>,
    pub(crate) place: String,
    pub(crate) stream_code: StreamCode,
    pub(crate) push_sequence: Option<String>,
    pub(crate) started_at: UnixSeconds,
    pub(crate) beat_at: UnixSeconds,
    pub(crate) lease: Option<Seconds>,
    pub(crate) aired_at: Option<UnixSeconds>,
    /// Set by [`insert`].
    pub(crate) group_folded: Option<String>,
    pub(crate) room_info: Option<String>,
    pub(crate) anchor_name: Option<String>,
    pub(crate) anchor_avatar: Option<String>,
    pub(crate) opened_from: Option<String>,
}

impl NewBroadcast {
    /// A broadcast without texts, started now.
    pub(crate) fn by(
        driver: Dialect,
        state: State,
        room: &RoomRow,
        stream_code: StreamCode,
        now: UnixSeconds,
    ) -> Self {
        Self {
            account_id: room.account_id,
            room: room.number,
            driver,
            state,
            title: String::new(),
            cover: String::new(),
            location: String::new(),
            nickname: None,
            avatar: None,
            group_id: None,
            kind: BroadcastInfo::LIVE.to_owned(),
            app: None,
            device: None,
            screen: false,
            longitude: None,
            latitude: None,
            place: String::new(),
            stream_code,
            push_sequence: None,
            started_at: now,
            beat_at: now,
            lease: None,
            aired_at: (state == State::OnAir).then_some(now),
            group_folded: None,
            room_info: None,
            anchor_name: None,
            anchor_avatar: None,
            opened_from: None,
        }
    }
}

/// The latest broadcast of a host.
pub(crate) fn latest(conn: &mut Conn, host: AccountId) -> Result<Option<BroadcastRow>> {
    Ok(on!(conn, |c| broadcasts::table
        .filter(broadcasts::account_id.eq(host))
        .order(broadcasts::id.desc())
        .select(columns())
        .first(c)
        .optional())?)
}

/// The row of a host's latest broadcast and the broadcast that lists show, by the tables alone.
pub(crate) fn latest_of(conn: &mut Conn, host: &AccountRow) -> Result<Option<(BroadcastRow, Broadcast)>> {
    let Some(row) = latest(conn, host.id)? else { return Ok(None) };
    let (members, viewers) = audience_size(conn, host.id)?;
    let BroadcastState { info, state, counters, .. } = row.state_of(host, counters_of(conn, row.id)?);
    Ok(Some((row, Broadcast::new(info, state, counters, members, viewers))))
}

/// The latest broadcast of a user as lists show it, by the tables alone.
pub(crate) fn latest_of_user(conn: &mut Conn, user_id: &UserId) -> Result<Option<Broadcast>> {
    let Some(host) = by_user_id(conn, user_id)? else { return Ok(None) };
    Ok(latest_of(conn, &host)?.map(|(_, shown)| shown))
}

/// The number of broadcasts on air that guests of a household other than one host have begun.
pub(crate) fn on_air_from(conn: &mut Conn, household: &str, other_than: AccountId) -> Result<i64> {
    Ok(on!(conn, |c| broadcasts::table
        .filter(broadcasts::opened_from.eq(household).and(broadcasts::account_id.ne(other_than)))
        // A literal, because SQLite uses the partial index only if it sees the number when it prepares the statement.
        .filter(sql::<Bool>("broadcasts.state = 1"))
        .count()
        .get_result(c))?)
}

/// The host of a room that sxb has prepared and not yet put on the air.
pub(crate) fn preparing_host(conn: &mut Conn, room: RoomNumber) -> Result<Option<AccountId>> {
    Ok(on!(conn, |c| broadcasts::table
        .inner_join(rooms::table.on(rooms::broadcast_id.eq(broadcasts::id.nullable())))
        .filter(rooms::number.eq(room).and(broadcasts::driver.eq(Dialect::Sxb)))
        .filter(broadcasts::state.eq(State::Prepared))
        .select(broadcasts::account_id)
        .first(c)
        .optional())?)
}

/// The host of a room on air.
///
/// Errors: [`Error::NotOnAir`], also for a number that no room has.
pub(crate) fn host_on_air(tx: &mut Tx<'_>, room: RoomNumber) -> Result<AccountId> {
    let host: Option<AccountId> = on!(tx.conn, |c| prepared!(
        broadcasts::table
            .inner_join(rooms::table.on(rooms::broadcast_id.eq(broadcasts::id.nullable())))
            .filter(rooms::number.eq(room).and(broadcasts::state.eq(State::OnAir)))
            .select(broadcasts::account_id)
            .limit(1)
    )
    .get_result(c)
    .optional())?;
    host.ok_or(Error::NotOnAir)
}

/// The room of RoomService with an id, letter case ignored, that is prepared or on air.
pub(crate) fn room_with_id(conn: &mut Conn, id: &str) -> Result<Option<BroadcastRow>> {
    Ok(on!(conn, |c| broadcasts::table
        .filter(broadcasts::group_folded.eq(folded(id)))
        // Literals, because SQLite uses the partial index only if it sees the numbers when it prepares the statement.
        .filter(sql::<Bool>("broadcasts.driver = 5 AND broadcasts.state < 2"))
        .select(columns())
        .first(c)
        .optional())?)
}

/// The broadcast on air with a group, exactly; of several the one that was opened first.
pub(crate) fn on_air_in_group(conn: &mut Conn, group: &GroupId) -> Result<Option<BroadcastRow>> {
    Ok(on!(conn, |c| broadcasts::table
        .filter(broadcasts::group_folded.eq(folded(group)).and(broadcasts::group_id.eq(group)))
        .filter(broadcasts::state.eq(State::OnAir))
        .order(broadcasts::id)
        .select(columns())
        .first(c)
        .optional())?)
}

/// Whether another account has a broadcast in a group, letter case ignored, on air or announced within a span of time.
pub(crate) fn is_group_of_other(
    conn: &mut Conn,
    group: &str,
    account: AccountId,
    (after, until): (UnixSeconds, UnixSeconds),
) -> Result<bool> {
    let found = broadcasts::table
        .filter(broadcasts::group_folded.eq(folded(group)).and(broadcasts::account_id.ne(account)))
        .filter(
            broadcasts::state.eq(State::OnAir).or(broadcasts::state
                .eq(State::Prepared)
                .and(broadcasts::started_at.gt(after))
                .and(broadcasts::started_at.le(until))),
        );
    Ok(on!(conn, |c| diesel::select(diesel::dsl::exists(found)).get_result(c))?)
}

/// Whether another account has a live room of RoomService with an id, letter case ignored, on air, or had one that ended within
/// a span of time.
pub(crate) fn was_room_of_other(
    conn: &mut Conn,
    id: &str,
    account: AccountId,
    (from, until): (UnixSeconds, UnixSeconds),
) -> Result<bool> {
    let found = broadcasts::table
        .filter(broadcasts::group_folded.eq(folded(id)).and(broadcasts::account_id.ne(account)))
        .filter(broadcasts::driver.eq(Dialect::RoomService).and(broadcasts::aired_at.is_not_null()))
        .filter(broadcasts::ended_at.is_null().or(broadcasts::ended_at.between(from, until)));
    Ok(on!(conn, |c| diesel::select(diesel::dsl::exists(found)).get_result(c))?)
}

/// Some rooms of RoomService that were prepared before a time and not opened.
pub(crate) fn prepared_before(conn: &mut Conn, before: UnixSeconds) -> Result<Vec<BroadcastRow>> {
    /// Largest number of rows, so that no other job waits long.
    const ROWS_PER_SWEEP: i64 = 1_000;
    Ok(on!(conn, |c| broadcasts::table
        .filter(sql::<Bool>("broadcasts.driver = 5 AND broadcasts.state = 0"))
        .filter(broadcasts::beat_at.lt(before))
        .order(broadcasts::beat_at)
        .limit(ROWS_PER_SWEEP)
        .select(columns())
        .load(c))?)
}

/// The numbers of members of a host's audience with and without the host.
fn audience_size(conn: &mut Conn, host: AccountId) -> Result<(usize, usize)> {
    let of_host = || audience::table.filter(audience::host_id.eq(host));
    let members: i64 = on!(conn, |c| of_host().count().get_result(c))?;
    let viewers: i64 = on!(conn, |c| of_host().filter(audience::account_id.ne(host)).count().get_result(c))?;
    Ok((usize::try_from(members).unwrap_or(0), usize::try_from(viewers).unwrap_or(0)))
}

/// Passes every broadcast on air to `put`, one by one.
pub(crate) fn each_on_air(conn: &mut Conn, mut put: impl FnMut(BroadcastState)) -> Result<()> {
    on!(conn, |c| {
        let on_air = broadcasts::table
            .inner_join(accounts::table)
            .inner_join(counters::table)
            // A literal, because SQLite uses the partial index only if it sees the number when it prepares the statement.
            .filter(sql::<Bool>("broadcasts.state = 1"))
            .select((columns(), accounts::all_columns, counts!()))
            .load_iter::<(BroadcastRow, AccountRow, Counters), DefaultLoadingMode>(c)?;
        for row in on_air {
            let (row, host, counters) = row?;
            put(row.state_of(&host, counters));
        }
    });
    Ok(())
}

/// The broadcasts that some hosts have on air. A host that is off the air is left out.
pub(crate) fn on_air_of(conn: &mut Conn, hosts: &[AccountId]) -> Result<Vec<BroadcastState>> {
    let rows: Vec<(BroadcastRow, AccountRow, Counters)> = on!(conn, |c| broadcasts::table
        .inner_join(rooms::table.on(rooms::broadcast_id.eq(broadcasts::id.nullable())))
        .inner_join(accounts::table.on(accounts::id.eq(broadcasts::account_id)))
        .inner_join(counters::table.on(counters::broadcast_id.eq(broadcasts::id)))
        .filter(rooms::account_id.eq_any(hosts).and(broadcasts::state.eq(State::OnAir)))
        .select((columns(), accounts::all_columns, counts!()))
        .load(c))?;
    Ok(rows.into_iter().map(|(row, host, counters)| row.state_of(&host, counters)).collect())
}

/// Some broadcasts of a host that overlap a span of time, newest first.
pub(crate) fn overlapping(
    conn: &mut Conn,
    host: AccountId,
    (start_at, end_at): (UnixSeconds, UnixSeconds),
) -> Result<Vec<BroadcastRow>> {
    /// Largest number of broadcasts to look at; a real recording overlaps few.
    const LOOKED_AT: i64 = 64;
    // A host has one broadcast at a time, so no earlier one overlaps the span if these do not.
    let mut rows: Vec<BroadcastRow> = on!(conn, |c| broadcasts::table
        .filter(broadcasts::account_id.eq(host).and(broadcasts::started_at.lt(end_at)))
        .order((broadcasts::started_at.desc(), broadcasts::id.desc()))
        .limit(LOOKED_AT)
        .select(columns())
        .load(c))?;
    rows.retain(|row| row.ended_at.is_none_or(|ended_at| ended_at > start_at));
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    Ok(rows)
}

/// Stores a broadcast with its counters at 0 and makes it the latest of its room.
pub(crate) fn insert(tx: &mut Tx<'_>, mut new: NewBroadcast, host: &AccountRow) -> Result<BroadcastRow> {
    new.group_folded = new.group_id.as_deref().map(folded);
    let row: BroadcastRow = on!(tx.conn, |c| diesel::insert_into(broadcasts::table)
        .values(&new)
        .returning(columns())
        .get_result(c))?;
    on!(tx.conn, |c| prepared!(
        diesel::update(rooms::table.find(row.room)).set(rooms::broadcast_id.eq(row.id))
    )
    .run(c))?;
    begin(tx, row.id, row.account_id)?;
    publish(tx, &row, host)?;
    Ok(row)
}

/// Puts an announced broadcast on the air; stores the sequence of its push if one is given.
pub(crate) fn put_on_air(
    tx: &mut Tx<'_>,
    row: &BroadcastRow,
    host: &AccountRow,
    sequence: Option<&str>,
) -> Result<()> {
    let row: BroadcastRow = on!(tx.conn, |c| diesel::update(broadcasts::table.find(row.id))
        .set((
            broadcasts::state.eq(State::OnAir),
            broadcasts::ended_at.eq(None::<UnixSeconds>),
            broadcasts::aired_at.eq(row.aired_at.unwrap_or(tx.now)),
            broadcasts::beat_at.eq(tx.now),
            sequence.map(|sequence| broadcasts::push_sequence.eq(sequence)),
        ))
        .returning(columns())
        .get_result(c))?;
    publish(tx, &row, host)
}

/// Takes a broadcast off the air so that it may come back.
pub(crate) fn suspend(tx: &mut Tx<'_>, row: &BroadcastRow, host: &AccountRow) -> Result<()> {
    let now = tx.now;
    let row: BroadcastRow = on!(tx.conn, |c| prepared!(
        diesel::update(broadcasts::table.find(row.id))
            .set((broadcasts::state.eq(State::Prepared), broadcasts::ended_at.eq(now)))
            .returning(columns())
    )
    .get_result(c))?;
    publish(tx, &row, host)
}

/// Ends a broadcast for good.
pub(crate) fn end(tx: &mut Tx<'_>, row: &BroadcastRow) -> Result<()> {
    let now = tx.now;
    on!(tx.conn, |c| prepared!(diesel::update(broadcasts::table.find(row.id)).set((
        broadcasts::state.eq(State::Ended),
        broadcasts::ended_at.eq(now),
        broadcasts::opened_from.eq(None::<String>),
    )))
    .run(c))?;
    tx.changed(Change::OffAir { host: row.account_id });
    Ok(())
}

/// Renews a broadcast: sets its beat to now and its lease.
pub(crate) fn renew(tx: &mut Tx<'_>, row: &BroadcastRow, lease: Option<Seconds>) -> Result<()> {
    let beat_at = tx.now;
    on!(tx.conn, |c| prepared!(
        diesel::update(broadcasts::table.find(row.id))
            .set((broadcasts::beat_at.eq(beat_at), broadcasts::lease.eq(lease)))
    )
    .run(c))?;
    tx.changed(Change::Renewed { host: row.account_id, broadcast: row.id, beat_at, lease });
    Ok(())
}

/// Sets the title of a broadcast.
pub(crate) fn set_title(tx: &mut Tx<'_>, row: &BroadcastRow, title: &str) -> Result<()> {
    on!(tx.conn, |c| diesel::update(broadcasts::table.find(row.id))
        .set(broadcasts::title.eq(title))
        .execute(c))?;
    Ok(())
}

/// Renews the creator of a live room: its beat, its names and its stream.
pub(crate) fn renew_creator(
    tx: &mut Tx<'_>,
    row: &BroadcastRow,
    host: &AccountRow,
    names: &AnchorNames,
    stream_code: &StreamCode,
) -> Result<()> {
    let now = tx.now;
    let row: BroadcastRow = on!(tx.conn, |c| diesel::update(broadcasts::table.find(row.id))
        .set((
            broadcasts::beat_at.eq(now),
            broadcasts::anchor_name.eq(&names.nickname),
            broadcasts::anchor_avatar.eq(&names.avatar),
            broadcasts::stream_code.eq(stream_code),
        ))
        .returning(columns())
        .get_result(c))?;
    publish(tx, &row, host)
}

/// Stores the custom fields of a broadcast.
pub(crate) fn set_fields(
    tx: &mut Tx<'_>,
    row: &BroadcastRow,
    host: &AccountRow,
    fields: &CustomFields,
) -> Result<()> {
    let row: BroadcastRow = on!(tx.conn, |c| diesel::update(broadcasts::table.find(row.id))
        .set(broadcasts::custom_fields.eq(fields.to_column()))
        .returning(columns())
        .get_result(c))?;
    publish(tx, &row, host)
}

/// Stores the sequence of the push that feeds a broadcast.
pub(crate) fn set_push_sequence(tx: &mut Tx<'_>, row: &BroadcastRow, sequence: &str) -> Result<()> {
    on!(tx.conn, |c| prepared!(
        diesel::update(broadcasts::table.find(row.id)).set(broadcasts::push_sequence.eq(sequence))
    )
    .run(c))?;
    Ok(())
}

/// Reports the current state of a broadcast to the read model.
pub(crate) fn publish(tx: &mut Tx<'_>, row: &BroadcastRow, host: &AccountRow) -> Result<()> {
    let counters = counters_of(tx.conn, row.id)?;
    tx.changed(Change::Broadcast(Box::new(row.state_of(host, counters))));
    Ok(())
}

/// Reports the broadcast that a host has on air to the read model again, after a change of the profile or the title.
pub(crate) fn publish_on_air(tx: &mut Tx<'_>, host: &AccountRow) -> Result<()> {
    match latest(tx.conn, host.id)?.filter(|row| row.state == State::OnAir) {
        Some(row) => publish(tx, &row, host),
        None => Ok(()),
    }
}

/// Moves the beats of all broadcasts that have not ended by a length.
pub(crate) fn shift_beats(conn: &mut Conn, by: Seconds) -> Result<()> {
    let open = broadcasts::table.filter(sql::<Bool>("broadcasts.state < 2"));
    on!(conn, |c| diesel::update(open).set(broadcasts::beat_at.eq(broadcasts::beat_at + by)).execute(c))?;
    Ok(())
}

/// Moves beats in the future, of broadcasts that have not ended, to the second before `now`.
pub(crate) fn bring_beats_back(conn: &mut Conn, now: UnixSeconds) -> Result<()> {
    let ahead = broadcasts::table
        // A literal, because SQLite uses the partial index only if it sees the number when it prepares the statement.
        .filter(sql::<Bool>("broadcasts.state < 2"))
        .filter(broadcasts::beat_at.gt(now));
    on!(conn, |c| diesel::update(ahead).set(broadcasts::beat_at.eq(now - Seconds(1))).execute(c))?;
    Ok(())
}

/// Writes beats of broadcasts. A stored beat never goes back.
pub(crate) fn flush_beats(tx: &mut Tx<'_>, beats: &[(BroadcastId, UnixSeconds)]) -> Result<()> {
    match tx.conn {
        // SQLite needs no round trip, so one statement per beat is cheap.
        Conn::Sqlite(c) => {
            for (broadcast, beat_at) in beats {
                prepared!(
                    diesel::update(
                        broadcasts::table
                            .filter(broadcasts::id.eq(broadcast).and(broadcasts::beat_at.lt(beat_at))),
                    )
                    .set(broadcasts::beat_at.eq(beat_at))
                )
                .run(c)?;
            }
        }
        Conn::Postgres(c) => {
            let (ids, times): (Vec<BroadcastId>, Vec<UnixSeconds>) = beats.iter().copied().unzip();
            prepared!(
                diesel::sql_query(
                    "UPDATE broadcasts SET beat_at = greatest(broadcasts.beat_at, new.beat_at) \
                 FROM unnest($1, $2) AS new (id, beat_at) WHERE broadcasts.id = new.id",
                )
                .bind::<Array<BigInt>, _>(ids)
                .bind::<Array<BigInt>, _>(times)
            )
            .run(c)?;
        }
    }
    Ok(())
}
