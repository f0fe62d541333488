//! Checks of the read model and of the tables after each operation.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, atomic::Ordering},
};

use super::{
    lists::Tables,
    operation::{Foreign, Operation, filters},
    runner::Runner,
};
use crate::{
    AccountId, Dialect, Listing, PageStart, Role, RoomOnAir, Seconds, Session, State, UnixSeconds, Window,
    model::session::TokenHash,
    read_model::{expiry::Expirable, member::MemberClock},
};

const ALL: Window = Window { offset: 0, limit: 1_000 };
/// Time without a beat up to which a sub-anchor stays one.
const ANCHOR_SILENCE: Seconds = Seconds(60);
/// Time up to which a room of RoomService that was created waits for its creator.
const IDLE_ROOM: Seconds = Seconds(30);

impl Runner {
    /// Checks the rules that the tables alone must satisfy.
    pub(super) fn check_rows(tables: &Tables) {
        let mut rooms_on_air = HashSet::new();
        for row in &tables.broadcasts {
            let counters = tables.counters[&row.id];
            assert!(counters.counted_likes >= 0 && counters.host_likes >= 0 && counters.anonymous >= 0);
            assert!(row.state != State::OnAir || rooms_on_air.insert(row.room), "two lives in one room");
            assert!(tables.rooms.contains(&(row.account_id, row.room)));
        }
        let mut listed_members = HashSet::new();
        let sessions: HashSet<&[u8]> = tables.sessions.iter().map(|row| &*row.digest).collect();
        for row in &tables.members {
            assert!(
                row.dialect != Dialect::Sxb || listed_members.insert(row.account_id),
                "an account is in two sxb rooms"
            );
            assert_eq!(row.role == Role::Host, row.host_id == row.account_id);
            assert!(
                row.session.as_deref().is_none_or(|digest| sessions.contains(digest)),
                "the session of a member is missing"
            );
        }
        let (kept, follows) = &tables.followers;
        for (room, followers) in kept {
            let counted = follows.iter().filter(|followed| *followed == room).count();
            assert_eq!(usize::try_from(*followers), Ok(counted), "followers of {room}");
        }
        let mut lower = HashSet::new();
        for account in tables.accounts.iter().filter(|account| account.is_registered()) {
            assert!(lower.insert(account.user_id.to_ascii_lowercase()), "registered twice");
        }
    }

    /// Checks that clocks differ from the tables only while they are dirty, and that nothing is listed past its deadline.
    pub(super) fn check_clocks(&self, tables: &Tables) {
        let live = self.core.memory().live();
        let (now, sessions) = (self.core.now(), self.core.config().sessions);
        let graced = |beat| beat < self.started_at && now < self.started_at + Seconds(60);
        for (host, on_air) in live.lists().on_air.keys().map(|host| (*host, live.on_air(*host).unwrap())) {
            let row = tables.broadcasts.iter().find(|row| row.id == on_air.info.id).unwrap();
            let beat = on_air.beat.get();
            let dirty = on_air.dirty.load(Ordering::Relaxed);
            assert!(beat == row.beat_at || dirty && beat > row.beat_at, "{beat} {dirty} {}", row.beat_at);
            assert!(graced(beat) || on_air.lease.is_none_or(|lease| now <= beat + lease), "{host} is over");
            assert!(on_air.info.driver != Dialect::Sxb || beat >= self.last_beat(host), "a beat is lost");
        }
        for row in &tables.members {
            let member = live.audience(row.host_id).unwrap().get(row.account_id).unwrap();
            match &member.clock {
                MemberClock::Never => assert_ne!(row.dialect, Dialect::Sxb),
                MemberClock::Beat(beat) => {
                    let (beat, dirty) = (beat.get(), member.dirty.load(Ordering::Relaxed));
                    assert!(beat == row.beat_at || dirty && beat > row.beat_at);
                    assert!(beat >= self.last_beat(row.account_id), "a beat is lost");
                    let silence = if row.role == Role::Host { 90 } else { 30 };
                    assert!(graced(beat) || now <= beat + Seconds(silence), "{row:?} is over");
                }
                MemberClock::Session(session) => {
                    assert!(now < session.idle_ends_at(sessions), "{row:?} is over");
                }
            }
            if let Some(anchor) = &member.anchor {
                let (beat, dirty) = (anchor.beat.get(), member.dirty.load(Ordering::Relaxed));
                assert!(beat == row.beat_at || dirty && beat > row.beat_at, "{beat} {dirty} {}", row.beat_at);
                assert!(graced(beat) || now <= beat + ANCHOR_SILENCE, "{row:?} is no anchor any more");
            }
        }
    }

    fn last_beat(&self, account: AccountId) -> UnixSeconds {
        self.beats.get(&account).copied().unwrap_or_default()
    }

    /// Checks that nothing ends before its deadline by an operation that ends nothing.
    pub(super) fn check_deadlines(&mut self, tables: &Tables, operation: &Operation) {
        let live = self.core.memory().live();
        let (now, sessions) = (self.core.now(), self.core.config().sessions);
        let harmless = matches!(
            operation,
            Operation::Wait(_)
                | Operation::Maintain
                | Operation::Use(_)
                | Operation::Restart(true, _)
                | Operation::Foreign(Foreign::Rename, _)
        );
        for (expirable, until) in std::mem::take(&mut self.deadlines) {
            let there = match expirable {
                Expirable::Broadcast(host) => live.on_air(host).is_some(),
                Expirable::Member { host, account } => {
                    live.audience(host).is_some_and(|audience| audience.get(account).is_some())
                }
                Expirable::Anchor { host, account } => live
                    .audience(host)
                    .and_then(|audience| audience.get(account))
                    .is_some_and(|member| member.anchor.is_some()),
            };
            assert!(!harmless || there || now > until, "{expirable:?} ended early by {operation:?}");
        }
        // Only a beat before the start has the grace after it.
        let graced = |beat, until: UnixSeconds| {
            if beat < self.started_at { until.max(self.started_at + Seconds(59)) } else { until }
        };
        let lists = live.lists();
        let mut deadlines = Vec::new();
        for host in lists.on_air.keys() {
            let on_air = live.on_air(*host).unwrap();
            let beat = on_air.beat.get();
            let silent = on_air.lease.map_or(UnixSeconds::MAX, |lease| beat + lease);
            deadlines.push((Expirable::Broadcast(*host), graced(beat, silent)));
        }
        for (host, listed_members) in &lists.audiences {
            let end = deadlines.iter().find(|(expirable, _)| *expirable == Expirable::Broadcast(*host));
            let created = tables.broadcasts.iter().rfind(|row| row.account_id == *host);
            let created =
                created.filter(|row| row.driver == Dialect::RoomService && row.state == State::Prepared);
            let forgotten = created.map_or(UnixSeconds::MAX, |row| row.beat_at + IDLE_ROOM);
            let end = end.map_or(forgotten, |(_, until)| *until);
            for account in listed_members.iter().map(|one| one.account) {
                let member = live.audience(*host).and_then(|audience| audience.get(account)).unwrap();
                let own = match &member.clock {
                    MemberClock::Never => UnixSeconds::MAX,
                    MemberClock::Beat(beat) => {
                        let silence = Seconds(if account == *host { 90 } else { 30 });
                        let beat = beat.get();
                        graced(beat, beat + silence)
                    }
                    MemberClock::Session(session) => session.idle_ends_at(sessions) - Seconds(1),
                };
                deadlines.push((Expirable::Member { host: *host, account }, own.min(end)));
                if let Some(anchor) = &member.anchor {
                    let beat = anchor.beat.get();
                    let until = graced(beat, beat + ANCHOR_SILENCE).min(own).min(end);
                    deadlines.push((Expirable::Anchor { host: *host, account }, until));
                }
            }
        }
        self.deadlines = deadlines;
    }

    /// Checks that each session in memory is a row of the table.
    pub(super) fn check_sessions(&self, tables: &Tables) {
        let sessions = self.core.memory().sessions.all();
        let signed = self.core.memory().sessions.all_signed();
        let rows: BTreeMap<TokenHash, _> =
            tables.sessions.iter().map(|row| (TokenHash::from_bytes(&row.digest).unwrap(), row)).collect();
        for session in &sessions {
            let row = rows[&session.digest];
            assert_eq!((session.dialect, session.account), (row.dialect, row.account_id));
            assert!(session.used_at() >= row.used_at);
        }
        for (user, digest) in signed {
            let account = tables.accounts.iter().find(|account| account.user_id == *user).unwrap();
            let row = rows[&digest];
            assert_eq!((row.dialect, row.account_id), (Dialect::MinilvbV2, account.id));
        }
        let mut kept = BTreeMap::new();
        for row in &tables.sessions {
            *kept.entry((row.account_id, row.dialect)).or_insert(0) += 1;
        }
        for ((_, dialect), count) in kept {
            assert!(count <= if dialect == Dialect::Qplus { 2 } else { 1 });
        }
    }

    /// Compares the answers of public calls with the tables.
    pub(super) async fn check_views(&self, tables: &Tables) {
        let core = &self.core;
        let lists = tables.lists();
        for filter in filters() {
            let page = core.broadcasts().on_air(filter, ALL).await.unwrap();
            assert_eq!(page.total, page.items.len());
        }
        assert_eq!(core.rooms().on_air_count().await.unwrap(), lists.on_air.len());
        let rooms = core.live_rooms().on_air(ALL).await.unwrap();
        assert_eq!(rooms.total, lists.on_air.len());
        for room in &rooms.items {
            let found = core.live_rooms().require(&room.id).await.unwrap();
            assert_eq!(found.broadcast.id, room.broadcast.id, "under {}", room.id);
        }
        let ids: HashSet<String> = rooms.items.iter().map(|room| room.id.to_lowercase()).collect();
        assert_eq!(ids.len(), rooms.total, "two rooms under one id");
        let open = |session: &&Arc<Session>| core.memory().sessions.get(&session.digest).is_some();
        if let Some(session) = self.sessions.iter().rfind(open) {
            // The list is served from the room cache, a single room is read from the tables.
            let page = core.rooms().next_page(session, Listing::OnAir, PageStart::Top, 1_000).await.unwrap();
            assert_eq!(page.on_air.len(), lists.on_air.len());
            for listed in page.on_air.iter().map(RoomOnAir::room) {
                let room = core.rooms().find(session.account(), listed.number).await.unwrap();
                let shown = |room: &crate::Room| {
                    let names = (room.owner, room.owner_name.clone(), room.name.clone());
                    let texts = [&room.description, &room.topic, &room.anchor_password, &room.user_password];
                    (names, texts.map(String::clone), room.head_picture, room.followers, room.followed)
                };
                assert_eq!(shown(&listed), shown(&room));
            }
        }
        for account in &tables.accounts {
            let Some(row) = tables.broadcasts.iter().rfind(|row| row.account_id == account.id) else {
                continue;
            };
            let listed_members = lists.audiences.get(&account.id).map_or(&[][..], Vec::as_slice);
            let viewers = lists.viewers.get(&account.id).copied().unwrap_or(0);
            let latest = core.broadcasts().latest(&account.user_id).await.unwrap().unwrap();
            let counters = tables.counters[&row.id];
            let expected = (
                row.id,
                row.state,
                counters.counted_likes + counters.host_likes,
                i64::try_from(viewers).unwrap() + counters.anonymous,
                i64::try_from(listed_members.len()).unwrap(),
            );
            assert_eq!((latest.id, latest.state, latest.likes, latest.viewers, latest.members), expected);
            let members = core.audiences().members(row.room, ALL).await.unwrap();
            let prepared = row.driver == Dialect::Sxb && row.state == State::Prepared;
            let shown = if row.state == State::OnAir || prepared { listed_members.len() } else { 0 };
            assert_eq!((members.total, members.items.len()), (shown, shown));
            let group = core.audiences().group(&account.user_id, &row.group(), ALL).await.unwrap();
            let listed = tables.members.iter().filter(|member| {
                let own = member.group_id.as_ref().is_none_or(|group| *group == row.group());
                member.host_id == account.id && member.listed && own
            });
            assert_eq!(group.total, listed.count());
        }
    }
}
