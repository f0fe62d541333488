//! Loads the read model from the tables: all rows at the start, changed rows afterwards.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    thread,
};

use crossbeam_channel::Sender;

use crate::{
    AccountId, Config, Error, RecordingId, Result, ShortVideoId,
    model::{
        audience::RecordingMember, change::Change, change_key::ChangeKey, rule::Grace, session::TokenHash,
        short_video::ShortVideoEntry,
    },
    read_model::{
        clips::Clips, live::Live, member::Timing, memory::Memory, recording_audiences::RecordingAudiences,
        refresh::Refresh, replays::Replays,
    },
    store::conn::Conn,
    table::{
        accounts, audience, broadcasts, counters, recording_audience, recordings, revoked_codes, sessions,
        short_videos,
    },
};

/// Largest number of keys in one query, because SQLite limits its parameters.
const KEYS_PER_QUERY: usize = 500;

/// Rows passed to the other thread at a time.
const ROWS_PER_BATCH: usize = 500;

/// Batches that may wait for the other thread.
const BATCHES_AHEAD: usize = 16;

/// An empty model.
pub(crate) fn empty(config: &Config, grace: Grace) -> Live {
    Live::new(Timing { timeouts: config.timeouts, sessions: config.sessions, grace })
}

/// Loads the read model. Of the sessions it loads only those through which members watch; the others are read when they
/// are used.
pub(crate) fn load(conn: &mut Conn, config: &Config, grace: Grace, memory: &Memory) -> Result<Live> {
    let mut live = empty(config, grace);
    if let Conn::Postgres(_) = conn {
        // The load reads whole tables.
        conn.execute("SET LOCAL enable_seqscan = on")?;
    }
    let put = |state| live.apply(Change::Broadcast(Box::new(state)), &memory.sessions);
    load_in_background(put, |rows| broadcasts::each_on_air(conn, |state| rows.put(state)))?;
    let watching = audience::sessions(conn)?;
    for session in sessions::by_digests(conn, &watching)?.into_values() {
        memory.cache_session(session);
    }
    let put = |member| live.apply(Change::Member(Box::new(member)), &memory.sessions);
    load_in_background(put, |rows| audience::each(conn, |member| rows.put(member)))?;
    let replays = Replays::of(&recordings::entries(conn)?);
    let audiences = RecordingAudiences::of(recording_audience::all(conn)?);
    live.set_lists(replays, audiences, Clips::of(short_videos::entries(conn)?));
    for recording in recordings::latest(conn, Replays::contents_to_load())? {
        live.apply(Change::Recording(Arc::new(recording)), &memory.sessions);
    }
    for revocation in revoked_codes::all(conn)? {
        live.apply(Change::Revoked(revocation), &memory.sessions);
    }
    Ok(live)
}

/// Sends rows to another thread, in batches.
struct RowStream<R> {
    batch: Vec<R>,
    sender: Sender<Vec<R>>,
}

impl<R> RowStream<R> {
    fn put(&mut self, row: R) {
        self.batch.push(row);
        if self.batch.len() == ROWS_PER_BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        // The receiver ends after the sender, never before.
        let _ = self.sender.send(std::mem::replace(&mut self.batch, Vec::with_capacity(ROWS_PER_BATCH)));
    }
}

/// Reads rows in this thread and applies them in another one, without a list of all rows: there may be a million, and the
/// process would not give their memory back.
fn load_in_background<R: Send>(
    mut take: impl FnMut(R) + Send,
    read: impl FnOnce(&mut RowStream<R>) -> Result<()>,
) -> Result<()> {
    let (sender, handed) = crossbeam_channel::bounded(BATCHES_AHEAD);
    thread::scope(|scope| {
        thread::Builder::new()
            .name("relive-load".to_owned())
            .spawn_scoped(scope, move || handed.into_iter().flatten().for_each(&mut take))
            .map_err(|error| Error::Storage(error.into()))?;
        let mut rows = RowStream { batch: Vec::new(), sender };
        read(&mut rows)?;
        rows.send();
        Ok(())
    })
}

/// The highest position of a member that was ever given.
pub(crate) fn last_position(conn: &mut Conn) -> Result<i64> {
    Ok(audience::last_position(conn)?.max(recording_audience::last_position(conn)?).unwrap_or(0))
}

/// Reads the rows of changed keys in the snapshot of the open transaction.
pub(crate) fn read(conn: &mut Conn, keys: impl Iterator<Item = ChangeKey>) -> Result<Refresh> {
    let mut refresh = Refresh::default();
    let mut digests = Vec::new();
    let mut counted = Vec::new();
    let mut revoked = Vec::new();
    let (mut recordings, mut recording_members, mut clips) = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        match key {
            ChangeKey::Broadcast(host) => drop(refresh.broadcasts.insert(host, None)),
            ChangeKey::Counters(broadcast) => counted.push(broadcast),
            ChangeKey::Audience(host) => refresh.audiences.push(host),
            ChangeKey::Member(host, account) => drop(refresh.members.insert((host, account), None)),
            ChangeKey::Room(owner) => refresh.rooms.push(owner),
            ChangeKey::Follows(account) => refresh.follows.push(account),
            ChangeKey::Recording(id) => recordings.push(id),
            ChangeKey::RecordingMember(member) => recording_members.push(member),
            ChangeKey::ShortVideo(entry) => clips.push(entry),
            ChangeKey::Owner(account) => drop(refresh.owners.insert(account, None)),
            ChangeKey::Revocations(account) => revoked.push(account),
            ChangeKey::Session(digest) => digests.push(digest),
        }
    }
    let hosts: Vec<AccountId> = refresh.broadcasts.keys().copied().collect();
    for hosts in hosts.chunks(KEYS_PER_QUERY) {
        for state in broadcasts::on_air_of(conn, hosts)? {
            refresh.broadcasts.insert(state.info.host, Some(Box::new(state)));
        }
    }
    for broadcasts in counted.chunks(KEYS_PER_QUERY) {
        refresh.counters.extend(counters::of_broadcasts(conn, broadcasts)?);
    }
    refresh.lists = read_lists(conn, &recordings, &recording_members, &clips)?;
    let owners: Vec<AccountId> = refresh.owners.keys().copied().collect();
    for owners in owners.chunks(KEYS_PER_QUERY) {
        for owner in accounts::owner_profiles(conn, owners)? {
            refresh.owners.insert(owner.account, Some(Box::new(owner)));
        }
    }
    for accounts in revoked.chunks(KEYS_PER_QUERY) {
        refresh.revocations.extend(revoked_codes::of_accounts(conn, accounts)?);
    }
    read_members(conn, &mut refresh)?;
    let watching = refresh.members.values().flatten().filter_map(|member| member.session);
    digests.extend(watching);
    digests.sort_unstable();
    digests.dedup();
    let mut found: HashMap<TokenHash, _> = sessions::by_digests(conn, &digests)?;
    refresh.sessions = digests.into_iter().map(|digest| (digest, found.remove(&digest))).collect();
    Ok(refresh)
}

/// Reads changed recordings, members of recordings and short videos.
fn read_lists(
    conn: &mut Conn,
    recordings: &[RecordingId],
    members: &[RecordingMember],
    clips: &[ShortVideoEntry],
) -> Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(recordings.len() + members.len() + clips.len());
    for ids in recordings.chunks(KEYS_PER_QUERY) {
        let found = recordings::by_id(conn, ids)?;
        changes.extend(found.into_iter().map(|recording| Change::Recording(Arc::new(recording))));
    }
    for members in members.chunks(KEYS_PER_QUERY) {
        let found: HashSet<RecordingMember> =
            recording_audience::existing(conn, members)?.into_iter().collect();
        changes.extend(members.iter().map(|member| {
            if found.contains(member) {
                Change::RecordingMember(*member)
            } else {
                Change::RecordingLeft(*member)
            }
        }));
    }
    for clips in clips.chunks(KEYS_PER_QUERY) {
        let ids: Vec<ShortVideoId> = clips.iter().map(|entry| entry.id).collect();
        let found: HashSet<ShortVideoId> = short_videos::existing(conn, &ids)?.into_iter().collect();
        changes.extend(clips.iter().map(|entry| {
            if found.contains(&entry.id) {
                Change::ShortVideo(*entry)
            } else {
                Change::ShortVideoDeleted(*entry)
            }
        }));
    }
    Ok(changes)
}

fn read_members(conn: &mut Conn, refresh: &mut Refresh) -> Result<()> {
    let mut members = Vec::new();
    for hosts in refresh.audiences.chunks(KEYS_PER_QUERY) {
        members.extend(audience::of_hosts(conn, hosts)?);
    }
    let wanted: Vec<(AccountId, AccountId)> = refresh.members.keys().copied().collect();
    for wanted in wanted.chunks(KEYS_PER_QUERY) {
        members.extend(audience::of_members(conn, wanted)?);
    }
    for member in members {
        refresh.members.insert((member.host, member.account), Some(member));
    }
    Ok(())
}
