//! Performs operations one by one, and compares the read model with the tables after each.

use std::{collections::HashMap, sync::Arc};

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::{
    lists::Tables,
    operation::{Code, Foreign, GROUPS, Operation, USERS},
};
use crate::{
    AccountId, Actor, Announcement, CallbackSource, Config, Core, Dialect, Error, FileFormat, HostLocation,
    Identifier, Listing, MemberNames, Microphone, NewAccount, NewRecording, NewShortVideo, PageStart,
    Password, Plan, ProfileUpdate, Report, Result, RoomNumber, RoomText, Seconds, Session, StreamCode,
    StreamEvent, TestClock, TestRandom, UnixSeconds, UserInfo, database::Scratch,
    read_model::expiry::Expirable,
};

/// Shorter than usual, so that some sessions end.
const ROOM_SERVICE_IDLE: Seconds = Seconds(300);

/// A core, and the knowledge about the operations it has performed.
pub(super) struct Runner {
    pub(super) core: Core,
    clock: Arc<TestClock>,
    config: Config,
    starts: u64,
    pub(super) started_at: UnixSeconds,
    /// The last ids of the users; their accounts may be deleted.
    pub(super) ids: [AccountId; USERS.len()],
    pub(super) rooms: [RoomNumber; USERS.len()],
    codes: [StreamCode; USERS.len()],
    /// All tokens ever issued: most of them are invalid.
    tokens: Vec<(Dialect, String)>,
    pub(super) sessions: Vec<Arc<Session>>,
    /// The sessions of RoomService that were ever opened.
    pub(super) room_sessions: Vec<Arc<Session>>,
    /// The last beat of each account that no crash has lost.
    pub(super) beats: HashMap<AccountId, UnixSeconds>,
    /// Operations performed so far.
    pub(super) performed: usize,
    /// Everything listed after the last operation, with the last second in which it has to be listed.
    pub(super) deadlines: Vec<(Expirable, UnixSeconds)>,
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
            runner.perform(&Operation::Login(user, Dialect::RoomService)).await;
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
        config.sessions.room_service_idle = ROOM_SERVICE_IDLE;
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
            room_sessions: Vec::new(),
            beats: HashMap::new(),
            performed: 0,
            deadlines: Vec::new(),
            _folder: folder,
            _scratch: scratch,
        }
    }

    /// Performs an operation, which may be refused but must not fail.
    pub(super) async fn perform(&mut self, operation: &Operation) {
        self.performed += 1;
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
            Operation::Upload(user, file) => {
                let file_id = file.to_string().into();
                let video = NewShortVideo {
                    file_id,
                    title: format!("at {}", core.now()),
                    ..NewShortVideo::default()
                };
                core.short_videos().upload(actor(user), video).await
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
                let (_, issued) = core.accounts().login(dialect, identifier, &[password()]).await?;
                let token = issued.token.expose_secret().to_owned();
                match dialect {
                    Dialect::Qplus => {
                        self.sessions.push(core.sessions().authenticate(dialect, &token).await?);
                    }
                    Dialect::RoomService => {
                        self.room_sessions.push(core.sessions().authenticate(dialect, &token).await?);
                    }
                    Dialect::MinilvbV1 | Dialect::MinilvbV2 | Dialect::Sxb => {}
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
            Operation::InRoom(operation) => self.perform_in_room(operation).await,
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
        self.check_deadlines(&tables, operation);
        self.check_sessions(&tables);
        self.check_views(&tables).await;
        self.check_pages(&tables).await;
        self.learn(&tables);
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
