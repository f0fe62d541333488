//! Performs operations one by one, and compares the read model with the tables after each.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
};

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::{
    lists::Tables,
    operation::{Code, Foreign, GROUPS, Operation, USERS, filters},
};
use crate::{
    AccountId, Actor, Announcement, CallbackSource, Config, Core, Dialect, Error, FileFormat, HostLocation,
    Identifier, Listing, MemberNames, Microphone, NewAccount, NewRecording, PageStart, Password, Plan,
    ProfileUpdate, Report, Result, Role, RoomNumber, RoomOnAir, RoomText, Seconds, Session, State,
    StreamCode, StreamEvent, TestClock, TestRandom, UnixSeconds, UserInfo, Window,
    database::Scratch,
    model::session::TokenHash,
    read_model::{expiry::Expirable, member::MemberClock},
};

const ALL: Window = Window { offset: 0, limit: 1_000 };

/// A core, and the knowledge about the operations it has performed.
pub(super) struct Runner {
    core: Core,
    clock: Arc<TestClock>,
    config: Config,
    starts: u64,
    started_at: UnixSeconds,
    /// The last ids of the users; their accounts may be deleted.
    ids: [AccountId; USERS.len()],
    rooms: [RoomNumber; USERS.len()],
    codes: [StreamCode; USERS.len()],
    /// All tokens ever issued: most of them are invalid.
    tokens: Vec<(Dialect, String)>,
    sessions: Vec<Arc<Session>>,
    /// The last beat of each account that no crash has lost.
    beats: HashMap<AccountId, UnixSeconds>,
    /// Everything listed after the last operation, with the last second in which it has to be listed.
    deadlines: Vec<(Expirable, UnixSeconds)>,
    _folder: TempDir,
    _scratch: Option<Scratch>,
}

impl Runner {
    /// Starts with half of the users registered, logged in and with a room; the others have no account.
    pub(super) async fn start() -> Self {
        let mut runner = Self::empty();
        for user in 2..5 {
            runner.perform(&Operation::Register(user)).await;
            runner.perform(&Operation::Login(user, Dialect::Qplus)).await;
            runner.compare(&Operation::Maintain).await;
            runner.perform(&Operation::Prepare(user)).await;
            runner.compare(&Operation::Prepare(user)).await;
        }
        runner
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let mut config = Config::sqlite(folder.path().join("relive.db"));
        let scratch = postgres();
        if let Some(scratch) = &scratch {
            scratch.url().clone_into(&mut config.database.url);
            config.database.writers = 2;
        }
        config.accounts.argon2_memory_kib = 8;
        config.accounts.argon2_iterations = 1;
        config.accounts.hash_threads = 1;
        config.database.readers = 1;
        config.sessions.qplus_per_account = 2;
        config.background = false;
        let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
        let core = open(&config, &clock, 0);
        Self {
            core,
            started_at: UnixSeconds(1_700_000_000),
            clock,
            config,
            starts: 0,
            ids: [AccountId(999_999); USERS.len()],
            rooms: [RoomNumber(1); USERS.len()],
            codes: USERS.map(|user| format!("1000_{user}").into()),
            tokens: Vec::new(),
            sessions: Vec::new(),
            beats: HashMap::new(),
            deadlines: Vec::new(),
            _folder: folder,
            _scratch: scratch,
        }
    }

    /// Performs an operation, which may be refused but must not fail.
    pub(super) async fn perform(&mut self, operation: &Operation) {
        let result = self.try_perform(operation).await;
        let failed = matches!(result, Err(Error::Storage(_) | Error::Unavailable | Error::Busy));
        assert!(!failed, "{operation:?}: {result:?}");
    }

    #[expect(clippy::too_many_lines, reason = "one block per operation")]
    async fn try_perform(&mut self, operation: &Operation) -> Result<()> {
        let core = self.core.clone();
        let (ids, rooms) = (self.ids, self.rooms);
        let actor = |user: usize| -> Actor {
            // Without a proof in even seconds.
            if core.now().0 % 2 == 0 { Actor::Unproven(USERS[user].into()) } else { Actor::Proven(ids[user]) }
        };
        match *operation {
            Operation::Announce(host, group) => {
                let announcement = Announcement {
                    group_id: GROUPS[group].into(),
                    title: format!("by v1 at {}", core.now()),
                    user_info: UserInfo { nickname: format!("nick {group}"), ..UserInfo::default() },
                };
                core.broadcasts().announce(actor(host), announcement).await.map(drop)
            }
            Operation::SetOnAir(host, true) => core.broadcasts().put_on_air(actor(host)).await,
            Operation::SetOnAir(host, false) => core.broadcasts().take_off_air(actor(host)).await,
            Operation::EnterGroup(user, host, group) => {
                let names = MemberNames::default();
                core.audiences()
                    .enter_group(actor(user), &USERS[host].into(), &GROUPS[group].into(), names)
                    .await
            }
            Operation::QuitGroup(user, host, group) => {
                core.audiences().quit_group(actor(user), &USERS[host].into(), &GROUPS[group].into()).await
            }
            Operation::Count(host, counted, by) => {
                core.broadcasts().count(&USERS[host].into(), counted, by).await
            }
            Operation::Prepare(host) => core.broadcasts().prepare(ids[host]).await.map(drop),
            Operation::Report { host, app, live, screen } => {
                let report = Report {
                    room: rooms[host],
                    title: format!("by sxb at {}", core.now()),
                    cover: String::new(),
                    kind: if live { "live" } else { "other" }.to_owned(),
                    group_id: rooms[host].to_string().into(),
                    app,
                    device: 0,
                    screen,
                    place: HostLocation::default(),
                };
                core.broadcasts().report(ids[host], report).await
            }
            Operation::Exit(user, host) => {
                core.broadcasts().exit(ids[user], host.map(|host| rooms[host])).await
            }
            Operation::Enter(user, host, role) => core.audiences().enter(ids[user], rooms[host], role).await,
            Operation::Leave(user, host) => core.audiences().leave(ids[user], rooms[host]).await,
            Operation::RequestMic(user, host) => core.audiences().request_mic(ids[user], rooms[host]).await,
            Operation::SetMic(user, host, on) => {
                let mic = if on { Microphone::On } else { Microphone::Off };
                core.audiences().set_mic(ids[user], rooms[host], mic).await
            }
            Operation::Beat(user, role, likes) => {
                core.audiences().beat(ids[user], role, likes).await?;
                self.beats.insert(ids[user], core.now());
                Ok(())
            }
            Operation::Push(host, lease) => {
                core.broadcasts().push(ids[host], rooms[host], Seconds(lease)).await
            }
            Operation::StopPush(host) => core.broadcasts().stop_push(ids[host], rooms[host]).await,
            Operation::Watch(session, host) => match self.session(session) {
                Some(session) => core.audiences().watch(&session, rooms[host]).await,
                None => Ok(()),
            },
            Operation::Unwatch(session, host) => match self.session(session) {
                Some(session) => core.audiences().unwatch(&session, rooms[host]).await,
                None => Ok(()),
            },
            Operation::NextPage(session, restart) => match self.session(session) {
                Some(session) => {
                    let start = if restart { PageStart::Top } else { PageStart::LastRead };
                    core.rooms().next_page(&session, Listing::OnAir, start, 1).await.map(drop)
                }
                None => Ok(()),
            },
            Operation::ModifyRoom(host, name) => {
                let text = RoomText { name: name.to_owned(), ..RoomText::default() };
                core.rooms().modify(ids[host], None, text).await
            }
            Operation::Plan(host) => {
                let plan = Plan { title: format!("by v2 at {}", core.now()), ..Plan::default() };
                core.rooms().plan(ids[host], plan).await
            }
            Operation::Started(host, which, sequence) => {
                let sequence = sequence.map(|sequence| sequence.to_string());
                self.event(host, which, StreamEvent::Started { sequence }).await
            }
            Operation::Stopped(host, which, sequence) => {
                let sequence = sequence.map(|sequence| sequence.to_string());
                self.event(host, which, StreamEvent::Stopped { sequence }).await
            }
            Operation::Follow(user, host, true) => core.rooms().follow(ids[user], rooms[host]).await,
            Operation::Follow(user, host, false) => core.rooms().unfollow(ids[user], rooms[host]).await,
            Operation::Recorded(host, file, hls, end) => {
                let (kind, format) = if hls { ("m3u8", FileFormat::Hls) } else { ("mp4", FileFormat::Mp4) };
                let end_at = UnixSeconds(1_699_000_000 + end * 100);
                let new = NewRecording {
                    file_id: file.to_string().into(),
                    format,
                    url: format!("http://vod.example/{file}.{kind}"),
                    start_at: Some(end_at - Seconds(90)),
                    end_at: Some(end_at),
                    duration: None,
                    size: None,
                };
                self.event(host, Code::Inside, StreamEvent::Recorded(new)).await
            }
            Operation::CountRecording(host, file, counted, by) => {
                core.recordings()
                    .count(&USERS[host].into(), &file.to_string().as_str().into(), counted, by)
                    .await
            }
            Operation::EnterRecording(user, host, file) => {
                let (audiences, file) = (core.audiences(), file.to_string());
                let names = MemberNames::default();
                audiences
                    .enter_recording(
                        Actor::Proven(self.ids[user]),
                        &USERS[host].into(),
                        &file.as_str().into(),
                        names,
                    )
                    .await
            }
            Operation::QuitRecording(user, host, file) => {
                let (audiences, file) = (core.audiences(), file.to_string());
                audiences
                    .quit_recording(Actor::Proven(self.ids[user]), &USERS[host].into(), &file.as_str().into())
                    .await
            }
            Operation::Register(user) => {
                core.accounts().register(NewAccount::new(USERS[user], password())).await.map(drop)
            }
            Operation::Login(user, dialect) => {
                let identifier = Identifier::UserId(USERS[user].into());
                let (_, issued) = core.accounts().login(dialect, identifier, &[password()], None).await?;
                let token = issued.token.expose_secret().to_owned();
                if dialect == Dialect::Qplus {
                    self.sessions.push(core.sessions().authenticate(dialect, &token).await?);
                }
                self.tokens.push((dialect, token));
                Ok(())
            }
            Operation::Use(token) => match self.token(token) {
                Some((dialect, token)) => core.sessions().authenticate(dialect, &token).await.map(drop),
                None => Ok(()),
            },
            Operation::Close(token) => match self.token(token) {
                Some((dialect, token)) => core.sessions().close(dialect, &token).await,
                None => Ok(()),
            },
            Operation::SetPassword(user) => {
                core.accounts().set_password(&USERS[user].into(), &password()).await
            }
            Operation::Rename(user, name) => core.accounts().update_profile(ids[user], renamed(name)).await,
            Operation::Delete(user) => core.accounts().delete(&USERS[user].into()).await,
            Operation::Maintain => core.maintain().await,
            Operation::Wait(seconds) => {
                self.clock.advance(Seconds(seconds));
                Ok(())
            }
            Operation::Restart(orderly, seconds) => {
                if orderly {
                    self.core.shutdown().await;
                } else {
                    self.beats.clear();
                }
                self.clock.advance(Seconds(seconds));
                self.starts += 1;
                self.started_at = self.core.now();
                self.core = open(&self.config, &self.clock, self.starts);
                Ok(())
            }
            Operation::Foreign(what, user) => {
                let other = open(&self.config, &self.clock, 1_000);
                // The other process may fail, but the core has to notice each of its changes.
                let _ = match what {
                    Foreign::SetPassword => {
                        other.accounts().set_password(&USERS[user].into(), &password()).await
                    }
                    Foreign::Delete => other.accounts().delete(&USERS[user].into()).await,
                    Foreign::Rename => other.accounts().update_profile(ids[user], renamed("foreign")).await,
                    Foreign::Open => other.broadcasts().push(ids[user], rooms[user], Seconds(100)).await,
                    Foreign::Stop => other.broadcasts().stop_push(ids[user], rooms[user]).await,
                };
                other.shutdown().await;
                core.maintain().await
            }
        }
    }

    fn session(&self, index: usize) -> Option<Arc<Session>> {
        self.sessions.get(index % self.sessions.len().max(1)).map(Arc::clone)
    }

    fn token(&self, index: usize) -> Option<(Dialect, String)> {
        self.tokens.get(index % self.tokens.len().max(1)).cloned()
    }

    async fn event(&self, host: usize, code: Code, event: StreamEvent) -> Result<()> {
        let code = match code {
            Code::Last => self.codes[host].clone(),
            Code::Inside => format!("8888_{}_suffix", USERS[host]).into(),
        };
        self.core.streams().event(code, CallbackSource::Shared, event).await
    }

    /// Compares the read model with the tables.
    pub(super) async fn compare(&mut self, operation: &Operation) {
        self.core.expire_due().await.unwrap();
        let tables = self.core.store().snapshot(Tables::load).await.unwrap();
        let memory = self.core.memory();
        assert_eq!(memory.live().lists(), tables.lists(), "after {operation:?}");
        memory.live().check_expiry();
        Self::check_rows(&tables);
        self.check_clocks(&tables);
        self.check_deadlines(operation);
        self.check_sessions(&tables);
        self.check_views(&tables).await;
        self.learn(&tables);
    }

    /// Checks the rules that the tables alone must satisfy.
    fn check_rows(tables: &Tables) {
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
        let mut lower = HashSet::new();
        for account in tables.accounts.iter().filter(|account| account.is_registered()) {
            assert!(lower.insert(account.user_id.to_ascii_lowercase()), "registered twice");
        }
    }

    /// Checks that clocks differ from the tables only while they are dirty, and that nothing is listed past its deadline.
    fn check_clocks(&self, tables: &Tables) {
        let live = self.core.memory().live();
        let now = self.core.now();
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
                    assert!(now < session.used_at() + Seconds(3_600), "{row:?} is over");
                }
            }
        }
    }

    fn last_beat(&self, account: AccountId) -> UnixSeconds {
        self.beats.get(&account).copied().unwrap_or_default()
    }

    /// Checks that nothing ends before its deadline by an operation that ends nothing.
    fn check_deadlines(&mut self, operation: &Operation) {
        let live = self.core.memory().live();
        let now = self.core.now();
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
                Expirable::Member { host, account } | Expirable::Anchor { host, account } => {
                    live.audience(host).is_some_and(|audience| audience.get(account).is_some())
                }
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
            let end = end.map_or(UnixSeconds::MAX, |(_, until)| *until);
            for account in listed_members.iter().map(|one| one.account) {
                let member = live.audience(*host).and_then(|audience| audience.get(account)).unwrap();
                let own = match &member.clock {
                    MemberClock::Never => UnixSeconds::MAX,
                    MemberClock::Beat(beat) => {
                        let silence = Seconds(if account == *host { 90 } else { 30 });
                        let beat = beat.get();
                        graced(beat, beat + silence)
                    }
                    MemberClock::Session(session) => session.used_at() + Seconds(3_599),
                };
                deadlines.push((Expirable::Member { host: *host, account }, own.min(end)));
            }
        }
        self.deadlines = deadlines;
    }

    /// Checks that each session in memory is a row of the table.
    fn check_sessions(&self, tables: &Tables) {
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
    async fn check_views(&self, tables: &Tables) {
        let core = &self.core;
        let lists = tables.lists();
        for filter in filters() {
            let page = core.broadcasts().on_air(filter, ALL).await.unwrap();
            assert_eq!(page.total, page.items.len());
        }
        assert_eq!(core.rooms().on_air_count().await.unwrap(), lists.on_air.len());
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

    /// Takes over the ids for the next operations.
    fn learn(&mut self, tables: &Tables) {
        for (index, user) in USERS.iter().enumerate() {
            let Some(account) = tables.accounts.iter().find(|account| account.user_id == *user) else {
                continue;
            };
            self.ids[index] = account.id;
            if let Some((_, room)) = tables.rooms.iter().find(|(owner, _)| *owner == account.id) {
                self.rooms[index] = *room;
            }
        }
        for (host, (info, ..)) in tables.lists().on_air {
            if let Some(index) = self.ids.iter().position(|id| *id == host) {
                self.codes[index].clone_from(&info.stream_code);
            }
        }
    }
}

/// Creates a database on the PostgreSQL server of the test run, if there is one.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn postgres() -> Option<Scratch> {
    std::env::var("RELIVE_TEST_POSTGRES").ok().map(|url| Scratch::create(&url).unwrap())
}

fn open(config: &Config, clock: &Arc<TestClock>, seed: u64) -> Core {
    let random = Arc::new(TestRandom::seeded(seed));
    Core::start(config.clone(), Arc::clone(clock) as _, random).unwrap()
}

fn password() -> Password {
    Password::plain("secret")
}

fn renamed(name: &str) -> ProfileUpdate {
    ProfileUpdate { nickname: Some(name.to_owned()), ..ProfileUpdate::default() }
}
