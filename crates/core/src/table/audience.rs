//! Table `audience`: one row per member of a host's audience.

use std::collections::HashMap;

use diesel::{
    connection::DefaultLoadingMode,
    prelude::*,
    sql_types::{Array, BigInt, Nullable, Text},
};

use super::{accounts::AccountRow, broadcasts::latest};
use crate::{
    AccountId, Dialect, GroupId, GroupMember, Page, Result, Role, RoomNumber, Seconds, State, StreamCode,
    UnixSeconds, UserId,
    model::{
        anchor::{Anchor, AnchorNames},
        audience::{Listed, MemberState},
        change::Change,
        live_room::RoomViewer,
        session::TokenHash,
    },
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, audience, broadcasts, rooms},
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable, Insertable)]
// An insert names every column, so that its text is always the same and the statement stays prepared.
#[diesel(table_name = audience, treat_none_as_default_value = false)]
pub(crate) struct MemberRow {
    pub(crate) host_id: AccountId,
    pub(crate) account_id: AccountId,
    pub(crate) role: Role,
    pub(crate) dialect: Dialect,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) listed: bool,
    pub(crate) nickname: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) position: i64,
    pub(crate) beat_at: UnixSeconds,
    pub(crate) session: Option<Vec<u8>>,
    /// RoomService: the text that a viewer gave.
    pub(crate) info: Option<String>,
    /// RoomService: the stream of a sub-anchor; `None`: the member is none.
    pub(crate) stream_code: Option<StreamCode>,
    /// RoomService: the order in which a sub-anchor joined.
    pub(crate) anchor_position: Option<i64>,
}

impl MemberRow {
    /// The member for the read model.
    pub(crate) fn state(&self, user_id: &UserId) -> MemberState {
        MemberState {
            host: self.host_id,
            account: self.account_id,
            user_id: user_id.clone(),
            role: self.role,
            dialect: self.dialect,
            listed: Listed::new(self.listed, self.group_id.clone()),
            position: self.position,
            beat_at: self.beat_at,
            session: self.session.as_deref().and_then(TokenHash::from_bytes),
            anchor: anchor(
                user_id,
                self.stream_code.clone(),
                self.anchor_position,
                (self.nickname.clone(), self.avatar.clone()),
            ),
        }
    }
}

/// The sub-anchor that a member is, from its columns, and its order of joining.
fn anchor(
    user_id: &UserId,
    stream_code: Option<StreamCode>,
    position: Option<i64>,
    (nickname, avatar): (Option<String>, Option<String>),
) -> Option<Box<(i64, Anchor)>> {
    let names = AnchorNames { nickname: nickname.unwrap_or_default(), avatar: avatar.unwrap_or_default() };
    Some(Box::new((position?, Anchor { user_id: user_id.clone(), names, stream_code: stream_code? })))
}

/// The row of a member; `None` if the account is not in the audience.
pub(crate) fn find(tx: &mut Tx<'_>, host: AccountId, account: AccountId) -> Result<Option<MemberRow>> {
    Ok(on!(tx.conn, |c| audience::table.find((host, account)).first(c).optional())?)
}

/// The columns of a member that the read model holds.
#[derive(Queryable)]
struct MemberStateRow {
    host: AccountId,
    account: AccountId,
    role: Role,
    dialect: Dialect,
    group_id: Option<GroupId>,
    listed: bool,
    position: i64,
    beat_at: UnixSeconds,
    session: Option<Vec<u8>>,
    stream_code: Option<StreamCode>,
    anchor_position: Option<i64>,
    names: (Option<String>, Option<String>),
    user_id: UserId,
}

impl MemberStateRow {
    fn state(self) -> MemberState {
        let anchor = anchor(&self.user_id, self.stream_code, self.anchor_position, self.names);
        MemberState {
            host: self.host,
            account: self.account,
            user_id: self.user_id,
            role: self.role,
            dialect: self.dialect,
            listed: Listed::new(self.listed, self.group_id),
            position: self.position,
            beat_at: self.beat_at,
            session: self.session.as_deref().and_then(TokenHash::from_bytes),
            anchor,
        }
    }
}

/// [`MemberStateRow`] by the names of its columns. PostgreSQL would look at a whole audience for a list of its members if it
/// takes most audiences for small, so a statement in SQL makes it look up each member by the primary key.
#[derive(QueryableByName)]
#[diesel(table_name = audience)]
struct NamedMemberRow {
    host_id: AccountId,
    account_id: AccountId,
    role: Role,
    dialect: Dialect,
    group_id: Option<GroupId>,
    listed: bool,
    position: i64,
    beat_at: UnixSeconds,
    session: Option<Vec<u8>>,
    stream_code: Option<StreamCode>,
    anchor_position: Option<i64>,
    nickname: Option<String>,
    avatar: Option<String>,
    #[diesel(sql_type = Text)]
    user_id: UserId,
}

impl From<NamedMemberRow> for MemberStateRow {
    fn from(row: NamedMemberRow) -> Self {
        Self {
            host: row.host_id,
            account: row.account_id,
            role: row.role,
            dialect: row.dialect,
            group_id: row.group_id,
            listed: row.listed,
            position: row.position,
            beat_at: row.beat_at,
            session: row.session,
            stream_code: row.stream_code,
            anchor_position: row.anchor_position,
            names: (row.nickname, row.avatar),
            user_id: row.user_id,
        }
    }
}

/// The columns of [`MemberStateRow`].
macro_rules! member_state {
    () => {
        (
            audience::host_id,
            audience::account_id,
            audience::role,
            audience::dialect,
            audience::group_id,
            audience::listed,
            audience::position,
            audience::beat_at,
            audience::session,
            audience::stream_code,
            audience::anchor_position,
            (audience::nickname, audience::avatar),
            accounts::user_id,
        )
    };
}

/// Passes every member of every audience to `put`, one by one.
pub(crate) fn each(conn: &mut Conn, mut put: impl FnMut(MemberState)) -> Result<()> {
    on!(conn, |c| {
        let members = audience::table
            .inner_join(accounts::table)
            .select(member_state!())
            .load_iter::<MemberStateRow, DefaultLoadingMode>(c)?;
        for row in members {
            put(row?.state());
        }
    });
    Ok(())
}

/// All members of some hosts' audiences.
pub(crate) fn of_hosts(conn: &mut Conn, hosts: &[AccountId]) -> Result<Vec<MemberState>> {
    let rows: Vec<MemberStateRow> = on!(conn, |c| audience::table
        .inner_join(accounts::table)
        .filter(audience::host_id.eq_any(hosts))
        .select(member_state!())
        .load(c))?;
    Ok(rows.into_iter().map(MemberStateRow::state).collect())
}

/// Members by host and account. A pair without a member is left out.
pub(crate) fn of_members(conn: &mut Conn, wanted: &[(AccountId, AccountId)]) -> Result<Vec<MemberState>> {
    match conn {
        Conn::Sqlite(c) => {
            let mut found = Vec::with_capacity(wanted.len());
            for (host, account) in wanted {
                let row: Option<MemberStateRow> = audience::table
                    .inner_join(accounts::table)
                    .filter(audience::host_id.eq(host).and(audience::account_id.eq(account)))
                    .select(member_state!())
                    .first(c)
                    .optional()?;
                found.extend(row.map(MemberStateRow::state));
            }
            Ok(found)
        }
        Conn::Postgres(c) => {
            let (hosts, accounts): (Vec<AccountId>, Vec<AccountId>) = wanted.iter().copied().unzip();
            let rows: Vec<NamedMemberRow> = prepared!(
                diesel::sql_query(
                    "SELECT member.*, accounts.user_id FROM unnest($1, $2) AS wanted (host, account) \
                     CROSS JOIN LATERAL (SELECT * FROM audience \
                     WHERE host_id = wanted.host AND account_id = wanted.account LIMIT 1) AS member \
                     JOIN accounts ON accounts.id = member.account_id",
                )
                .bind::<Array<BigInt>, _>(hosts)
                .bind::<Array<BigInt>, _>(accounts)
            )
            .load(c)?;
            Ok(rows.into_iter().map(|row| MemberStateRow::from(row).state()).collect())
        }
    }
}

/// The sessions through which members watch.
pub(crate) fn sessions(conn: &mut Conn) -> Result<Vec<TokenHash>> {
    let found: Vec<Vec<u8>> = on!(conn, |c| audience::table
        .filter(audience::session.is_not_null())
        .select(audience::session.assume_not_null())
        .distinct()
        .load(c))?;
    Ok(found.iter().filter_map(|bytes| TokenHash::from_bytes(bytes)).collect())
}

/// The highest order of entry in the table.
pub(crate) fn last_position(conn: &mut Conn) -> Result<Option<i64>> {
    Ok(on!(conn, |c| audience::table.select(diesel::dsl::max(audience::position)).first(c))?)
}

/// The data needed when an account enters a room through sxb.
pub(crate) struct RoomEntry {
    /// The host of the room.
    pub(crate) host: AccountId,
    /// The user id of the account that enters.
    pub(crate) user_id: UserId,
    /// The account's row in that audience, if it is a member already.
    pub(crate) known: Option<MemberRow>,
}

/// Finds an account and the room on air that it enters; `None` if the room is not on air. One query, because every viewer
/// begins with this write.
pub(crate) fn entry(tx: &mut Tx<'_>, room: RoomNumber, account: AccountId) -> Result<Option<RoomEntry>> {
    let found: Option<(AccountId, UserId, Option<MemberRow>)> = on!(tx.conn, |c| prepared!(
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
    Ok(found.map(|(host, user_id, known)| RoomEntry { host, user_id, known }))
}

/// Stores a new or changed member.
pub(crate) fn put(tx: &mut Tx<'_>, row: &MemberRow, user_id: &UserId) -> Result<()> {
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
                audience::info.eq(&row.info),
                audience::stream_code.eq(&row.stream_code),
                audience::anchor_position.eq(row.anchor_position),
            ))
    )
    .run(c))?;
    tx.changed(Change::Member(Box::new(row.state(user_id))));
    Ok(())
}

/// Reports the stored row of a member to the read model again.
pub(crate) fn publish(tx: &mut Tx<'_>, row: &MemberRow, user: &AccountRow) {
    tx.changed(Change::Member(Box::new(row.state(&user.user_id))));
}

/// Removes an account from an audience; returns whether it was a member.
pub(crate) fn remove(tx: &mut Tx<'_>, host: AccountId, account: AccountId) -> Result<bool> {
    let removed = on!(tx.conn, |c| diesel::delete(audience::table.find((host, account))).execute(c))?;
    if removed > 0 {
        tx.changed(Change::Left { host, account });
    }
    Ok(removed > 0)
}

/// Removes every member from an audience.
pub(crate) fn clear(tx: &mut Tx<'_>, host: AccountId) -> Result<()> {
    let removed =
        on!(tx.conn, |c| diesel::delete(audience::table.filter(audience::host_id.eq(host))).execute(c))?;
    if removed > 0 {
        tx.changed(Change::AudienceCleared { host });
    }
    Ok(())
}

/// Removes an account from every audience that it entered through sxb, except one: sxb allows one room per account.
pub(crate) fn leave_others(tx: &mut Tx<'_>, account: AccountId, except: AccountId) -> Result<()> {
    let removed: Vec<AccountId> = on!(tx.conn, |c| diesel::delete(
        audience::table
            .filter(audience::account_id.eq(account))
            .filter(audience::dialect.eq(Dialect::Sxb).and(audience::host_id.ne(except)))
    )
    .returning(audience::host_id)
    .get_results(c))?;
    for host in removed {
        tx.changed(Change::Left { host, account });
    }
    Ok(())
}

/// Removes the members that watch through a session from their audiences.
pub(crate) fn leave_with_session(tx: &mut Tx<'_>, digest: &TokenHash) -> Result<()> {
    let removed: Vec<(AccountId, AccountId)> =
        on!(tx.conn, |c| diesel::delete(audience::table.filter(audience::session.eq(digest.bytes())))
            .returning((audience::host_id, audience::account_id))
            .get_results(c))?;
    for (host, account) in removed {
        tx.changed(Change::Left { host, account });
    }
    Ok(())
}

/// The number of sub-anchors in a host's audience.
pub(crate) fn sub_anchors(conn: &mut Conn, host: AccountId) -> Result<usize> {
    let found: i64 = on!(conn, |c| audience::table
        .filter(audience::host_id.eq(host).and(audience::stream_code.is_not_null()))
        .count()
        .get_result(c))?;
    Ok(usize::try_from(found).unwrap_or(0))
}

/// The rows of an account in the audiences where it is a sub-anchor.
pub(crate) fn anchored(conn: &mut Conn, account: AccountId) -> Result<Vec<MemberRow>> {
    Ok(on!(conn, |c| audience::table
        .filter(audience::account_id.eq(account).and(audience::stream_code.is_not_null()))
        .load(c))?)
}

/// Some members of a host's audience without the host, the last that entered first.
pub(crate) fn newest_viewers(conn: &mut Conn, host: AccountId, limit: i64) -> Result<Vec<RoomViewer>> {
    type NewestRow = (UserId, Option<String>, Option<String>, Option<String>, String, String);
    let rows: Vec<NewestRow> = on!(conn, |c| audience::table
        .inner_join(accounts::table)
        .filter(audience::host_id.eq(host).and(audience::account_id.ne(host)))
        .order(audience::position.desc())
        .limit(limit)
        .select((
            accounts::user_id,
            audience::info,
            audience::nickname,
            audience::avatar,
            accounts::nickname,
            accounts::avatar,
        ))
        .load(c))?;
    let viewer =
        |(user_id, info, nickname, avatar, profile_nickname, profile_avatar): NewestRow| RoomViewer {
            user_id,
            info,
            nickname: nickname.unwrap_or(profile_nickname),
            avatar: avatar.unwrap_or(profile_avatar),
        };
    Ok(rows.into_iter().map(viewer).collect())
}

/// Removes an account from every audience.
pub(crate) fn leave_everywhere(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    let removed: Vec<AccountId> =
        on!(tx.conn, |c| diesel::delete(audience::table.filter(audience::account_id.eq(account)))
            .returning(audience::host_id)
            .get_results(c))?;
    for host in removed {
        tx.changed(Change::Left { host, account });
    }
    Ok(())
}

/// The name of the group of a host's latest broadcast.
pub(crate) fn own_group(conn: &mut Conn, host: AccountId) -> Result<Option<GroupId>> {
    Ok(latest(conn, host)?.map(|row| row.group()))
}

/// A row of a page of a group, from PostgreSQL.
#[derive(QueryableByName)]
struct NamedGroupRow {
    #[diesel(sql_type = BigInt)]
    account_id: AccountId,
    #[diesel(sql_type = Text)]
    user_id: UserId,
    #[diesel(sql_type = Nullable<Text>)]
    nickname: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    avatar: Option<String>,
    #[diesel(sql_type = Text)]
    profile_nickname: String,
    #[diesel(sql_type = Text)]
    profile_avatar: String,
}

/// User id; nickname and avatar given on entering; nickname and avatar of the profile.
type GroupRow = (UserId, Option<String>, Option<String>, String, String);

/// A page of a group of a host's audience. `listed` returns the accounts of the page from the read model, which finds a page at
/// any offset; its last argument says whether the group is that of the host's latest broadcast. The names come from the table.
pub(crate) fn group(
    conn: &mut Conn,
    host: AccountId,
    group: &GroupId,
    listed: &impl Fn(AccountId, &GroupId, bool) -> Option<Page<AccountId>>,
) -> Result<Page<GroupMember>> {
    let own = own_group(conn, host)?.is_some_and(|own| own == *group);
    let Page { total, items } = listed(host, group, own).unwrap_or_default();
    let mut rows = rows(conn, host, &items)?;
    let member = |(user_id, nickname, avatar, profile_nickname, profile_avatar): GroupRow| GroupMember {
        user_id,
        nickname: nickname.unwrap_or(profile_nickname),
        avatar: avatar.unwrap_or(profile_avatar),
    };
    Ok(Page { total, items: items.iter().filter_map(|account| rows.remove(account)).map(member).collect() })
}

/// The rows of some members. A member that has left meanwhile has no row.
fn rows(conn: &mut Conn, host: AccountId, members: &[AccountId]) -> Result<HashMap<AccountId, GroupRow>> {
    let mut found = HashMap::with_capacity(members.len());
    match conn {
        // SQLite needs no round trip, and a statement for one member stays prepared.
        Conn::Sqlite(c) => {
            for member in members {
                let row = audience::table
                    .inner_join(accounts::table)
                    .filter(audience::host_id.eq(host).and(audience::account_id.eq(member)))
                    .select((
                        audience::account_id,
                        (
                            accounts::user_id,
                            audience::nickname,
                            audience::avatar,
                            accounts::nickname,
                            accounts::avatar,
                        ),
                    ));
                found.extend(prepared!(row).load::<(_, GroupRow)>(c)?);
            }
        }
        Conn::Postgres(c) => {
            let rows: Vec<NamedGroupRow> = prepared!(
                diesel::sql_query(
                    "SELECT member.account_id, accounts.user_id, member.nickname, member.avatar, \
                     accounts.nickname AS profile_nickname, accounts.avatar AS profile_avatar \
                     FROM unnest($2) AS wanted (account) CROSS JOIN LATERAL (SELECT * FROM audience \
                     WHERE host_id = $1 AND account_id = wanted.account LIMIT 1) AS member \
                     JOIN accounts ON accounts.id = member.account_id",
                )
                .bind::<BigInt, _>(host)
                .bind::<Array<BigInt>, _>(members)
            )
            .load(c)?;
            found.extend(rows.into_iter().map(|row| {
                let profile = (row.profile_nickname, row.profile_avatar);
                (row.account_id, (row.user_id, row.nickname, row.avatar, profile.0, profile.1))
            }));
        }
    }
    Ok(found)
}

/// Moves all beats by a length.
pub(crate) fn shift_beats(conn: &mut Conn, by: Seconds) -> Result<()> {
    on!(conn, |c| diesel::update(audience::table)
        .set(audience::beat_at.eq(audience::beat_at + by))
        .execute(c))?;
    Ok(())
}

/// Moves beats in the future to the second before `now`.
pub(crate) fn bring_beats_back(conn: &mut Conn, now: UnixSeconds) -> Result<()> {
    let ahead = audience::table.filter(audience::beat_at.gt(now));
    on!(conn, |c| diesel::update(ahead).set(audience::beat_at.eq(now - Seconds(1))).execute(c))?;
    Ok(())
}

/// Writes beats of members: host, account, time. A stored beat never goes back.
pub(crate) fn flush_beats(tx: &mut Tx<'_>, beats: &[(AccountId, AccountId, UnixSeconds)]) -> Result<()> {
    match tx.conn {
        // SQLite needs no round trip, so one statement per beat is cheap.
        Conn::Sqlite(c) => {
            for (host, account, beat_at) in beats {
                prepared!(
                    diesel::update(
                        audience::table
                            .filter(audience::host_id.eq(host).and(audience::account_id.eq(account)))
                            .filter(audience::beat_at.lt(beat_at)),
                    )
                    .set(audience::beat_at.eq(beat_at))
                )
                .run(c)?;
            }
        }
        Conn::Postgres(c) => {
            let hosts: Vec<AccountId> = beats.iter().map(|(host, _, _)| *host).collect();
            let members: Vec<AccountId> = beats.iter().map(|(_, account, _)| *account).collect();
            let times: Vec<UnixSeconds> = beats.iter().map(|(_, _, beat_at)| *beat_at).collect();
            prepared!(
                diesel::sql_query(
                    "UPDATE audience SET beat_at = greatest(audience.beat_at, new.beat_at) \
                 FROM unnest($1, $2, $3) AS new (host_id, account_id, beat_at) \
                 WHERE audience.host_id = new.host_id AND audience.account_id = new.account_id",
                )
                .bind::<Array<BigInt>, _>(hosts)
                .bind::<Array<BigInt>, _>(members)
                .bind::<Array<BigInt>, _>(times)
            )
            .run(c)?;
        }
    }
    Ok(())
}
