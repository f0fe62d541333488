//! From the tables into memory: everything at start, changed rows afterwards.

use std::{collections::HashMap, sync::Arc, thread};

use crossbeam_channel::Sender;
use diesel::{connection::DefaultLoadingMode, dsl::sql, prelude::*, sql_types::Bool};

use crate::{
    AccountId, BroadcastId, Config, Dialect, Error, Recording, RecordingId, Result, Role, State, UnixSeconds,
    account::AccountRow,
    audience::MemberRow,
    broadcast::{self, BroadcastRow},
    live::{Change, ChangeKey, Counters, Current, Listed, Live, MemberState, OwnerProfile, Replays},
    memory::Memory,
    recording,
    session::{Session, SessionRow, TokenHash},
    store::{
        conn::{Conn, on},
        schema::{accounts, audience, broadcasts, counters, recording_audience, rooms, sessions},
    },
};

/// Names looked up with one query at most: SQLite counts parameters.
const SOME: usize = 500;

/// So many times [`SOME`] rows may be read before they are taken over.
const READ_AHEAD: usize = 16;

/// A model of nothing.
pub(crate) fn empty(config: &Config, grace_until: UnixSeconds) -> Live {
    Live::new(config.timeouts, config.sessions.qplus_idle, grace_until)
}

/// Reads everything that is served from memory. Sessions are read when asked for, but for those that hold a seat.
pub(crate) fn load(
    conn: &mut Conn,
    config: &Config,
    grace_until: UnixSeconds,
    memory: &Memory,
) -> Result<Live> {
    let mut live = empty(config, grace_until);
    if let Conn::Postgres(_) = conn {
        // Here all of a table is wanted.
        conn.execute("SET LOCAL enable_seqscan = on")?;
    }
    let on_air = |(row, host, counters): (BroadcastRow, AccountRow, Counters)| {
        live.apply(Change::Broadcast(Box::new(row.current(&host, counters))), &memory.sessions);
    };
    load_in_background(on_air, |handed| {
        on!(conn, |c| {
            let on_air = broadcasts::table
                .inner_join(accounts::table)
                .inner_join(counters::table)
                // A literal: only of a number it can see does SQLite know that the index of what is not over has all rows.
                .filter(sql::<Bool>("broadcasts.state = 1"))
                .select((broadcasts::all_columns, accounts::all_columns, broadcast::counts!()))
                .load_iter::<(BroadcastRow, AccountRow, Counters), DefaultLoadingMode>(c)?;
            for row in on_air {
                handed.put(row?);
            }
        });
        Ok(())
    })?;
    let seated: Vec<Vec<u8>> = on!(conn, |c| audience::table
        .filter(audience::session.is_not_null())
        .select(audience::session.assume_not_null())
        .distinct()
        .load(c))?;
    let seated: Vec<TokenHash> = seated.iter().filter_map(|bytes| TokenHash::from_bytes(bytes)).collect();
    for session in read_sessions(conn, &seated)?.into_values() {
        memory.hold(session);
    }
    let sits = |row: MemberStateRow| live.apply(Change::Member(Box::new(row.state())), &memory.sessions);
    load_in_background(sits, |handed| {
        on!(conn, |c| {
            let members = audience::table
                .inner_join(accounts::table)
                .select((
                    audience::host_id,
                    audience::account_id,
                    audience::role,
                    audience::dialect,
                    audience::group_id,
                    audience::listed,
                    audience::position,
                    audience::beat_at,
                    audience::session,
                    accounts::user_id,
                ))
                .load_iter::<MemberStateRow, DefaultLoadingMode>(c)?;
            for row in members {
                handed.put(row?);
            }
        });
        Ok(())
    })?;
    for recording in recording::latest(conn, Replays::wanted())? {
        live.apply(Change::Recording(Arc::new(recording)), &memory.sessions);
    }
    Ok(live)
}

/// Rows on their way to another thread, some at a time.
struct RowStream<R> {
    some: Vec<R>,
    sender: Sender<Vec<R>>,
}

impl<R> RowStream<R> {
    fn put(&mut self, row: R) {
        self.some.push(row);
        if self.some.len() == SOME {
            self.send();
        }
    }

    fn send(&mut self) {
        // Who takes them ends after this, not before.
        let _ = self.sender.send(std::mem::replace(&mut self.some, Vec::with_capacity(SOME)));
    }
}

/// Reads rows, and takes them over in another thread meanwhile: there may be a million, and a list of them would stay in
/// the process's memory.
fn load_in_background<R: Send>(
    mut take: impl FnMut(R) + Send,
    read: impl FnOnce(&mut RowStream<R>) -> Result<()>,
) -> Result<()> {
    let (sender, handed) = crossbeam_channel::bounded(READ_AHEAD);
    thread::scope(|scope| {
        thread::Builder::new()
            .name("relive-load".to_owned())
            .spawn_scoped(scope, move || handed.into_iter().flatten().for_each(&mut take))
            .map_err(|error| Error::Storage(error.into()))?;
        let mut rows = RowStream { some: Vec::new(), sender };
        read(&mut rows)?;
        rows.send();
        Ok(())
    })
}

/// What the read model holds of a member.
#[derive(Queryable)]
struct MemberStateRow {
    host: AccountId,
    account: AccountId,
    role: Role,
    dialect: Dialect,
    group_id: Option<String>,
    listed: bool,
    position: i64,
    beat_at: UnixSeconds,
    session: Option<Vec<u8>>,
    user_id: String,
}

impl MemberStateRow {
    fn state(self) -> MemberState {
        MemberState {
            host: self.host,
            account: self.account,
            user_id: self.user_id.into(),
            role: self.role,
            dialect: self.dialect,
            listed: Listed::new(self.listed, self.group_id.as_deref()),
            position: self.position,
            beat_at: self.beat_at,
            session: self.session.as_deref().and_then(TokenHash::from_bytes),
        }
    }
}

/// The highest order of entry ever given out.
pub(crate) fn last_position(conn: &mut Conn) -> Result<i64> {
    let live: Option<i64> =
        on!(conn, |c| audience::table.select(diesel::dsl::max(audience::position)).first(c))?;
    let recorded: Option<i64> = on!(conn, |c| recording_audience::table
        .select(diesel::dsl::max(recording_audience::position))
        .first(c))?;
    Ok(live.max(recorded).unwrap_or(0))
}

/// Rows that were read again because they changed. `None`: the row is gone.
#[derive(Debug, Default)]
pub(crate) struct Refresh {
    pub(crate) sessions: HashMap<TokenHash, Option<Session>>,
    pub(crate) broadcasts: HashMap<AccountId, Option<Box<Current>>>,
    /// Counters of broadcasts, on air or not.
    pub(crate) counters: Vec<(AccountId, BroadcastId, Counters)>,
    /// Audiences that are in `members` from the first to the last.
    pub(crate) audiences: Vec<AccountId>,
    pub(crate) members: HashMap<(AccountId, AccountId), Option<MemberState>>,
    /// Rooms to forget: they are read when asked for.
    pub(crate) rooms: Vec<AccountId>,
    /// Whose follows to forget.
    pub(crate) follows: Vec<AccountId>,
    pub(crate) recordings: HashMap<RecordingId, Option<Arc<Recording>>>,
    pub(crate) owners: HashMap<AccountId, Option<Box<OwnerProfile>>>,
}

/// Reads the changed rows, all in the state the open transaction looks at.
pub(crate) fn read(conn: &mut Conn, keys: impl Iterator<Item = ChangeKey>) -> Result<Refresh> {
    let mut refresh = Refresh::default();
    let mut digests = Vec::new();
    let mut counted = Vec::new();
    for key in keys {
        match key {
            ChangeKey::Broadcast(host) => drop(refresh.broadcasts.insert(host, None)),
            ChangeKey::Counters(broadcast) => counted.push(broadcast),
            ChangeKey::Audience(host) => refresh.audiences.push(host),
            ChangeKey::Member(host, account) => drop(refresh.members.insert((host, account), None)),
            ChangeKey::Room(owner) => refresh.rooms.push(owner),
            ChangeKey::Follows(account) => refresh.follows.push(account),
            ChangeKey::Recording(id) => drop(refresh.recordings.insert(id, None)),
            ChangeKey::Owner(account) => drop(refresh.owners.insert(account, None)),
            ChangeKey::Session(digest) => digests.push(digest),
        }
    }
    let hosts: Vec<AccountId> = refresh.broadcasts.keys().copied().collect();
    for hosts in hosts.chunks(SOME) {
        let rows: Vec<(BroadcastRow, AccountRow, Counters)> = on!(conn, |c| broadcasts::table
            .inner_join(rooms::table.on(rooms::broadcast_id.eq(broadcasts::id.nullable())))
            .inner_join(accounts::table.on(accounts::id.eq(broadcasts::account_id)))
            .inner_join(counters::table.on(counters::broadcast_id.eq(broadcasts::id)))
            .filter(rooms::account_id.eq_any(hosts).and(broadcasts::state.eq(State::OnAir)))
            .select((broadcasts::all_columns, accounts::all_columns, broadcast::counts!()))
            .load(c))?;
        for (row, host, counters) in rows {
            refresh.broadcasts.insert(host.id, Some(Box::new(row.current(&host, counters))));
        }
    }
    for broadcasts in counted.chunks(SOME) {
        refresh.counters.extend::<Vec<_>>(read_counters(conn, broadcasts)?);
    }
    let ids: Vec<RecordingId> = refresh.recordings.keys().copied().collect();
    for ids in ids.chunks(SOME) {
        for recording in recording::by_id(conn, ids)? {
            refresh.recordings.insert(recording.id, Some(Arc::new(recording)));
        }
    }
    let owners: Vec<AccountId> = refresh.owners.keys().copied().collect();
    for owners in owners.chunks(SOME) {
        let rows: Vec<OwnerProfile> = on!(conn, |c| accounts::table
            .filter(accounts::id.eq_any(owners))
            .select((accounts::id, accounts::nickname, accounts::avatar))
            .load(c))?;
        for owner in rows {
            refresh.owners.insert(owner.account, Some(Box::new(owner)));
        }
    }
    read_members(conn, &mut refresh)?;
    let seated = refresh.members.values().flatten().filter_map(|seat| seat.session);
    digests.extend(seated);
    digests.sort_unstable();
    digests.dedup();
    let mut found = read_sessions(conn, &digests)?;
    refresh.sessions = digests.into_iter().map(|digest| (digest, found.remove(&digest))).collect();
    Ok(refresh)
}

fn read_counters(
    conn: &mut Conn,
    broadcasts: &[BroadcastId],
) -> Result<Vec<(AccountId, BroadcastId, Counters)>> {
    Ok(on!(conn, |c| counters::table
        .filter(counters::broadcast_id.eq_any(broadcasts))
        .select((counters::account_id, counters::broadcast_id, broadcast::counts!()))
        .load(c))?)
}

fn read_members(conn: &mut Conn, refresh: &mut Refresh) -> Result<()> {
    let columns = (audience::all_columns, accounts::user_id);
    let mut rows: Vec<(MemberRow, String)> = Vec::new();
    for hosts in refresh.audiences.chunks(SOME) {
        rows.extend::<Vec<_>>(on!(conn, |c| audience::table
            .inner_join(accounts::table)
            .filter(audience::host_id.eq_any(hosts))
            .select(columns)
            .load(c))?);
    }
    let wanted: Vec<(AccountId, AccountId)> = refresh.members.keys().copied().collect();
    for wanted in wanted.chunks(SOME) {
        // Pairs cannot be asked for; few accounts sit in more than one of the audiences asked about.
        let hosts: Vec<AccountId> = wanted.iter().map(|(host, _)| *host).collect();
        let accounts: Vec<AccountId> = wanted.iter().map(|(_, account)| *account).collect();
        let found: Vec<(MemberRow, String)> = on!(conn, |c| audience::table
            .inner_join(accounts::table)
            .filter(audience::host_id.eq_any(&hosts).and(audience::account_id.eq_any(&accounts)))
            .select(columns)
            .load(c))?;
        rows.extend(found);
    }
    for (row, user_id) in rows {
        refresh.members.insert((row.host_id, row.account_id), Some(row.state(&user_id)));
    }
    Ok(())
}

fn read_sessions(conn: &mut Conn, digests: &[TokenHash]) -> Result<HashMap<TokenHash, Session>> {
    let mut found = HashMap::with_capacity(digests.len());
    for digests in digests.chunks(SOME) {
        let digests: Vec<&[u8]> = digests.iter().map(TokenHash::bytes).collect();
        let rows: Vec<(SessionRow, String)> = on!(conn, |c| sessions::table
            .inner_join(accounts::table)
            .filter(sessions::digest.eq_any(&digests))
            .select((sessions::all_columns, accounts::user_id))
            .load(c))?;
        for session in rows.into_iter().filter_map(|(row, user_id)| row.session(user_id.into())) {
            found.insert(session.digest, session);
        }
    }
    Ok(found)
}
