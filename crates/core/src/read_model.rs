//! From the tables into memory: everything at start, some parts when they have changed.

use std::{collections::HashMap, sync::Arc, thread};

use crossbeam_channel::Sender;
use diesel::{connection::DefaultLoadingMode, dsl::sql, prelude::*, sql_types::Bool};

use crate::{
    AccountId, BroadcastId, Config, Dialect, Error, Recording, RecordingId, Result, Role, State, UnixSeconds,
    account::AccountRow,
    audience::MemberRow,
    broadcast::{self, BroadcastRow},
    live::{Change, Counters, Current, Key, Listed, Live, Owner, Replays, Seat},
    memory::Memory,
    recording,
    session::{Digest, Session, SessionRow},
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
pub(crate) fn empty(config: &Config, floor: UnixSeconds) -> Live {
    Live::new(config.timeouts, config.sessions.qplus_idle, floor)
}

/// Reads everything that is served from memory. Sessions are read when asked for, but for those that hold a seat.
pub(crate) fn load(conn: &mut Conn, config: &Config, floor: UnixSeconds, memory: &Memory) -> Result<Live> {
    let mut live = empty(config, floor);
    if let Conn::Postgres(_) = conn {
        // Here all of a table is wanted.
        conn.execute("SET LOCAL enable_seqscan = on")?;
    }
    let on_air = |(row, host, counters): (BroadcastRow, AccountRow, Counters)| {
        live.apply(Change::Broadcast(Box::new(row.current(&host, counters))), &memory.sessions);
    };
    hand_over(on_air, |handed| {
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
    let seated: Vec<Digest> = seated.iter().filter_map(|bytes| Digest::from_bytes(bytes)).collect();
    for session in read_sessions(conn, &seated)?.into_values() {
        memory.hold(session);
    }
    let sits = |row: SeatRow| live.apply(Change::Member(Box::new(row.seat())), &memory.sessions);
    hand_over(sits, |handed| {
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
                .load_iter::<SeatRow, DefaultLoadingMode>(c)?;
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
struct Handed<R> {
    some: Vec<R>,
    sender: Sender<Vec<R>>,
}

impl<R> Handed<R> {
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
fn hand_over<R: Send>(
    mut take: impl FnMut(R) + Send,
    read: impl FnOnce(&mut Handed<R>) -> Result<()>,
) -> Result<()> {
    let (sender, handed) = crossbeam_channel::bounded(READ_AHEAD);
    thread::scope(|scope| {
        thread::Builder::new()
            .name("relive-load".to_owned())
            .spawn_scoped(scope, move || handed.into_iter().flatten().for_each(&mut take))
            .map_err(|error| Error::Storage(error.into()))?;
        let mut rows = Handed { some: Vec::new(), sender };
        read(&mut rows)?;
        rows.send();
        Ok(())
    })
}

/// What the read model holds of a member.
#[derive(Queryable)]
struct SeatRow {
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

impl SeatRow {
    fn seat(self) -> Seat {
        Seat {
            host: self.host,
            account: self.account,
            user_id: self.user_id.into(),
            role: self.role,
            dialect: self.dialect,
            listed: Listed::new(self.listed, self.group_id.as_deref()),
            position: self.position,
            beat_at: self.beat_at,
            session: self.session.as_deref().and_then(Digest::from_bytes),
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

/// Parts of the model as the tables have them now. `None`: not there any more.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) sessions: HashMap<Digest, Option<Session>>,
    pub(crate) broadcasts: HashMap<AccountId, Option<Box<Current>>>,
    /// Counters of broadcasts, on air or not.
    pub(crate) counters: Vec<(AccountId, BroadcastId, Counters)>,
    /// Audiences that are in `members` from the first to the last.
    pub(crate) audiences: Vec<AccountId>,
    pub(crate) members: HashMap<(AccountId, AccountId), Option<Seat>>,
    /// Rooms to forget: they are read when asked for.
    pub(crate) rooms: Vec<AccountId>,
    /// Whose follows to forget.
    pub(crate) follows: Vec<AccountId>,
    pub(crate) recordings: HashMap<RecordingId, Option<Arc<Recording>>>,
    pub(crate) owners: HashMap<AccountId, Option<Box<Owner>>>,
}

/// Reads parts of the model, all in the state the open transaction looks at.
pub(crate) fn read(conn: &mut Conn, keys: impl Iterator<Item = Key>) -> Result<Parts> {
    let mut parts = Parts::default();
    let mut digests = Vec::new();
    let mut counted = Vec::new();
    for key in keys {
        match key {
            Key::Broadcast(host) => drop(parts.broadcasts.insert(host, None)),
            Key::Counters(broadcast) => counted.push(broadcast),
            Key::Audience(host) => parts.audiences.push(host),
            Key::Member(host, account) => drop(parts.members.insert((host, account), None)),
            Key::Room(owner) => parts.rooms.push(owner),
            Key::Follows(account) => parts.follows.push(account),
            Key::Recording(id) => drop(parts.recordings.insert(id, None)),
            Key::Owner(account) => drop(parts.owners.insert(account, None)),
            Key::Session(digest) => digests.push(digest),
        }
    }
    let hosts: Vec<AccountId> = parts.broadcasts.keys().copied().collect();
    for hosts in hosts.chunks(SOME) {
        let rows: Vec<(BroadcastRow, AccountRow, Counters)> = on!(conn, |c| broadcasts::table
            .inner_join(rooms::table.on(rooms::broadcast_id.eq(broadcasts::id.nullable())))
            .inner_join(accounts::table.on(accounts::id.eq(broadcasts::account_id)))
            .inner_join(counters::table.on(counters::broadcast_id.eq(broadcasts::id)))
            .filter(rooms::account_id.eq_any(hosts).and(broadcasts::state.eq(State::OnAir)))
            .select((broadcasts::all_columns, accounts::all_columns, broadcast::counts!()))
            .load(c))?;
        for (row, host, counters) in rows {
            parts.broadcasts.insert(host.id, Some(Box::new(row.current(&host, counters))));
        }
    }
    for broadcasts in counted.chunks(SOME) {
        parts.counters.extend::<Vec<_>>(read_counters(conn, broadcasts)?);
    }
    let ids: Vec<RecordingId> = parts.recordings.keys().copied().collect();
    for ids in ids.chunks(SOME) {
        for recording in recording::by_id(conn, ids)? {
            parts.recordings.insert(recording.id, Some(Arc::new(recording)));
        }
    }
    let owners: Vec<AccountId> = parts.owners.keys().copied().collect();
    for owners in owners.chunks(SOME) {
        let rows: Vec<Owner> = on!(conn, |c| accounts::table
            .filter(accounts::id.eq_any(owners))
            .select((accounts::id, accounts::nickname, accounts::avatar))
            .load(c))?;
        for owner in rows {
            parts.owners.insert(owner.account, Some(Box::new(owner)));
        }
    }
    read_members(conn, &mut parts)?;
    let seated = parts.members.values().flatten().filter_map(|seat| seat.session);
    digests.extend(seated);
    digests.sort_unstable();
    digests.dedup();
    let mut found = read_sessions(conn, &digests)?;
    parts.sessions = digests.into_iter().map(|digest| (digest, found.remove(&digest))).collect();
    Ok(parts)
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

fn read_members(conn: &mut Conn, parts: &mut Parts) -> Result<()> {
    let columns = (audience::all_columns, accounts::user_id);
    let mut rows: Vec<(MemberRow, String)> = Vec::new();
    for hosts in parts.audiences.chunks(SOME) {
        rows.extend::<Vec<_>>(on!(conn, |c| audience::table
            .inner_join(accounts::table)
            .filter(audience::host_id.eq_any(hosts))
            .select(columns)
            .load(c))?);
    }
    let wanted: Vec<(AccountId, AccountId)> = parts.members.keys().copied().collect();
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
        parts.members.insert((row.host_id, row.account_id), Some(row.seat(&user_id)));
    }
    Ok(())
}

fn read_sessions(conn: &mut Conn, digests: &[Digest]) -> Result<HashMap<Digest, Session>> {
    let mut found = HashMap::with_capacity(digests.len());
    for digests in digests.chunks(SOME) {
        let digests: Vec<&[u8]> = digests.iter().map(Digest::bytes).collect();
        let rows: Vec<(SessionRow, String)> = on!(conn, |c| sessions::table
            .inner_join(accounts::table)
            .filter(sessions::digest.eq_any(&digests))
            .select((sessions::all_columns, accounts::user_id))
            .load(c))?;
        for session in rows.into_iter().filter_map(|(row, user_id)| Session::new(row, user_id.into())) {
            found.insert(session.digest, session);
        }
    }
    Ok(found)
}
