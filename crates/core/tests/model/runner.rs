//! Performs each action on the core and on the model.

use std::{pin::Pin, sync::Arc, task::Poll};

use relive_core::{
    AccountId, Actor, AnchorNames, Announcement, CallbackSource, Config, Core, Dialect, Error, HostLocation,
    Identifier, MemberNames, Microphone, NewAccount, Password, Plan, ProfileUpdate, Report, Result,
    RoomNumber, RoomTexts, Seconds, Session, StreamEvent, SystemRandom, TestClock, UnixSeconds, UserInfo,
    database::Scratch,
};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::{
    action::{Action, FIELDS, GROUPS, Generator, KINDS, field_change},
    compare,
    model::{Answer, GUESTS, Model, ROOM_IDLE, USERS, id_of, room_of},
};

/// Actions that are performed concurrently over SQLite, where one writer keeps their order and commits them together.
const BATCH: usize = 16;

/// Creates a database on the PostgreSQL server of the test run, if there is one.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn postgres() -> Option<Scratch> {
    std::env::var("RELIVE_TEST_POSTGRES").ok().map(|url| Scratch::create(&url).unwrap())
}

type Call = Pin<Box<dyn Future<Output = Result<()>>>>;

/// A core, its model, and the actions that wait to be performed on the core.
pub(crate) struct Runner {
    core: Core,
    clock: Arc<TestClock>,
    model: Model,
    generator: Generator,
    accounts: Vec<AccountId>,
    sessions: Vec<Arc<Session>>,
    tokens: Vec<String>,
    /// Tokens of RoomService.
    room_tokens: Vec<String>,
    pending: Vec<(Action, Call, Answer)>,
    steps: usize,
    batch: usize,
    _folder: TempDir,
    _scratch: Option<Scratch>,
}

impl Runner {
    pub(crate) async fn start(seed: u64) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let scratch = postgres();
        let mut config = Config::sqlite(folder.path().join("relive.db"));
        if let Some(scratch) = &scratch {
            scratch.url().clone_into(&mut config.database.url);
        }
        config.accounts.argon2_memory_kib = 8;
        config.accounts.argon2_iterations = 1;
        config.database.readers = 1;
        config.background = false;
        config.sessions.room_service_idle = Seconds(ROOM_IDLE);
        let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
        let core = Core::start(config, Arc::clone(&clock) as _, Arc::new(SystemRandom)).unwrap();
        clock.advance(Seconds(60));
        let mut runner = Self {
            model: Model::new(core.now().0),
            core,
            clock,
            generator: Generator::new(seed),
            accounts: Vec::new(),
            sessions: Vec::new(),
            tokens: Vec::new(),
            room_tokens: Vec::new(),
            pending: Vec::new(),
            steps: 0,
            batch: if scratch.is_some() { 1 } else { BATCH },
            _folder: folder,
            _scratch: scratch,
        };
        for user in 0..USERS {
            runner.create_user(user).await;
        }
        runner
    }

    /// Gives a user an account, a room and a session.
    async fn create_user(&mut self, user: usize) {
        if user < GUESTS {
            self.accounts.push(AccountId(0));
            self.take(Action::Announce(user, 0)).await;
        } else {
            let new = NewAccount::new(id_of(user), Password::plain("secret"));
            self.accounts.push(self.core.accounts().register(new).await.unwrap().id);
            self.take(Action::Prepare(user)).await;
        }
        self.flush().await;
        let account = self.core.accounts().find(&id_of(user).as_str().into()).await.unwrap().unwrap().id;
        self.accounts[user] = account;
        assert_eq!(self.core.rooms().number_of(account).await.unwrap(), Some(RoomNumber(room_of(user))));
        if user < GUESTS {
            self.tokens.push(String::new());
            self.room_tokens.push(String::new());
        } else {
            let token = self.log_in(user).await;
            self.tokens.push(token);
            let token = self.log_in_to_rooms(user).await;
            self.room_tokens.push(token);
        }
    }

    async fn log_in(&mut self, user: usize) -> String {
        let identifier = Identifier::UserId(id_of(user).into());
        let forms = [Password::plain("secret")];
        let (_, issued) = self.core.accounts().login(Dialect::Qplus, identifier, &forms).await.unwrap();
        let token = issued.token.expose_secret().to_owned();
        let session = self.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
        let of_user = self.sessions.iter().position(|known| known.account() == self.accounts[user]);
        match of_user {
            Some(index) => self.sessions[index] = session,
            None => self.sessions.push(session),
        }
        token
    }

    /// Uses the session of a user; logs the user in again if the session is over.
    async fn session(&mut self, user: usize) -> Arc<Session> {
        let alive = self.model.use_session(user);
        let found = self.core.sessions().authenticate(Dialect::Qplus, &self.tokens[user]).await;
        match (alive, found) {
            (true, Ok(session)) => session,
            (false, Err(Error::InvalidSession)) => {
                self.flush().await;
                self.tokens[user] = self.log_in(user).await;
                Arc::clone(&self.sessions[user - GUESTS])
            }
            (alive, found) => panic!("alive {alive}, but {found:?}"),
        }
    }

    async fn log_in_to_rooms(&mut self, user: usize) -> String {
        let identifier = Identifier::UserId(id_of(user).into());
        let forms = [Password::plain("secret")];
        let login = self.core.accounts().login(Dialect::RoomService, identifier, &forms).await;
        login.unwrap().1.token.expose_secret().to_owned()
    }

    /// Uses the session of a user in RoomService; logs the user in again if the session is over.
    async fn room_session(&mut self, user: usize) -> Arc<Session> {
        let alive = self.model.use_room_session(user);
        let found = self.core.sessions().authenticate(Dialect::RoomService, &self.room_tokens[user]).await;
        match (alive, found) {
            (true, Ok(session)) => session,
            (false, Err(Error::InvalidSession)) => {
                self.flush().await;
                self.room_tokens[user] = self.log_in_to_rooms(user).await;
                let token = &self.room_tokens[user];
                self.core.sessions().authenticate(Dialect::RoomService, token).await.unwrap()
            }
            (alive, found) => panic!("alive {alive}, but {found:?}"),
        }
    }

    /// Whether each action has a commit of its own.
    pub(crate) fn is_slow(&self) -> bool {
        self.batch == 1
    }

    /// Performs one random action.
    pub(crate) async fn step(&mut self) {
        self.take(self.generator.next()).await;
        self.steps += 1;
        if self.steps.is_multiple_of(128) {
            self.flush().await;
            let session = self.session(GUESTS).await;
            compare::tables(&self.core, &self.model, &session).await;
        }
        if self.steps.is_multiple_of(1_024) {
            self.core.maintain().await.unwrap();
        }
    }

    /// Performs the waiting actions, compares once more, and shuts the core down.
    pub(crate) async fn finish(mut self) {
        self.flush().await;
        let session = self.session(GUESTS).await;
        compare::tables(&self.core, &self.model, &session).await;
        self.core.shutdown().await;
    }

    async fn take(&mut self, action: Action) {
        match action {
            Action::Wait(seconds) => {
                self.flush().await;
                self.clock.advance(Seconds(seconds));
                self.model.wait(seconds);
            }
            // These read memory before they write, if they write at all, so no other action may be waiting.
            Action::Enter(..)
            | Action::Beat(..)
            | Action::Push(..)
            | Action::BeatAsAnchor(..)
            | Action::Like(..) => {
                self.flush().await;
                let (call, answer) = self.prepare(action).await;
                self.pending.push((action, call, answer));
                self.flush().await;
            }
            _ => {
                // A step joins the waiting steps on its counter, ahead of the actions between them: one at a time.
                let counts = matches!(action, Action::Count(..));
                if counts && self.pending.iter().any(|(waiting, ..)| matches!(waiting, Action::Count(..))) {
                    self.flush().await;
                }
                let (call, answer) = self.prepare(action).await;
                self.pending.push((action, call, answer));
                if self.pending.len() >= self.batch {
                    self.flush().await;
                }
            }
        }
    }

    /// Performs the waiting actions in their order, and compares.
    async fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        let mut answers: Vec<Option<Result<()>>> = pending.iter().map(|_| None).collect();
        std::future::poll_fn(|context| {
            for ((_, call, _), answer) in pending.iter_mut().zip(&mut answers) {
                if answer.is_none()
                    && let Poll::Ready(result) = call.as_mut().poll(context)
                {
                    *answer = Some(result);
                }
            }
            if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        for ((action, _, expected), answer) in pending.iter().zip(answers) {
            match (expected, answer.unwrap()) {
                (Answer::Fine, Ok(()))
                | (Answer::NotOnAir, Err(Error::NotOnAir))
                | (Answer::NotAnAnchor, Err(Error::NotAnAnchor))
                | (Answer::NoRoom, Err(Error::NotOnAir | Error::RoomTaken))
                | (Answer::RoomFull, Err(Error::RoomFull))
                | (Answer::FieldRefused, Err(Error::FieldRefused)) => {}
                (expected, answer) => panic!("{action:?}: {answer:?} instead of {expected:?}"),
            }
        }
        compare::lists(&self.core, &self.model).await;
    }

    /// Performs an action on the model; returns the call for the core and its expected answer.
    #[expect(clippy::too_many_lines, reason = "one block per action")]
    async fn prepare(&mut self, action: Action) -> (Call, Answer) {
        let core = self.core.clone();
        let accounts = self.accounts.clone();
        let actor = |user: usize| {
            if user < GUESTS { Actor::Unproven(id_of(user).into()) } else { Actor::Proven(accounts[user]) }
        };
        let room = |user: usize| RoomNumber(room_of(user));
        let model = &mut self.model;
        let title = format!("at {}", model.now);
        let mut answer = Answer::Fine;
        let call: Call = match action {
            Action::Announce(host, group) => {
                model.announce(host, GROUPS[group], &title);
                let nickname = format!("nick of {title}");
                let announcement = Announcement {
                    group_id: GROUPS[group].into(),
                    title,
                    user_info: UserInfo { nickname, ..UserInfo::default() },
                };
                let actor = actor(host);
                Box::pin(async move { core.broadcasts().announce(actor, announcement).await.map(drop) })
            }
            Action::SetOnAir(host, on) => {
                model.set_on_air(host, on);
                let actor = actor(host);
                Box::pin(async move {
                    if on {
                        core.broadcasts().put_on_air(actor).await
                    } else {
                        core.broadcasts().take_off_air(actor).await
                    }
                })
            }
            Action::EnterGroup(user, host, group) => {
                model.enter_group(user, host, GROUPS[group]);
                let actor = actor(user);
                Box::pin(async move {
                    let names = MemberNames::default();
                    core.audiences()
                        .enter_group(actor, &id_of(host).as_str().into(), &GROUPS[group].into(), names)
                        .await
                })
            }
            Action::QuitGroup(user, host, group) => {
                model.quit_group(user, host, GROUPS[group]);
                let actor = actor(user);
                Box::pin(async move {
                    core.audiences()
                        .quit_group(actor, &id_of(host).as_str().into(), &GROUPS[group].into())
                        .await
                })
            }
            Action::Count(host, counted, step) => {
                model.count(host, counted, step);
                Box::pin(
                    async move { core.broadcasts().count(&id_of(host).as_str().into(), counted, step).await },
                )
            }
            Action::Prepare(host) => {
                model.prepare(host);
                let account = accounts[host];
                Box::pin(async move { core.broadcasts().prepare(account).await.map(drop) })
            }
            Action::Report(host, app, kind) => {
                model.report(host, &title, app, KINDS[kind]);
                let report = Report {
                    room: room(host),
                    title,
                    cover: String::new(),
                    kind: KINDS[kind].to_owned(),
                    group_id: room_of(host).to_string().into(),
                    app,
                    device: 0,
                    screen: false,
                    place: HostLocation::default(),
                };
                let account = accounts[host];
                Box::pin(async move { core.broadcasts().report(account, report).await })
            }
            Action::Exit(user, host) => {
                model.exit(user, host);
                let (account, room) = (accounts[user], room(host));
                Box::pin(async move { core.broadcasts().exit(account, Some(room)).await })
            }
            Action::Enter(user, host, role) => {
                answer = model.enter(user, host, Some(role));
                let (account, room) = (accounts[user], room(host));
                Box::pin(async move { core.audiences().enter(account, room, role).await })
            }
            Action::Leave(user, host) => {
                answer = model.leave(user, host);
                let (account, room) = (accounts[user], room(host));
                Box::pin(async move { core.audiences().leave(account, room).await })
            }
            Action::RequestMic(user, host) => {
                answer = model.enter(user, host, None);
                let (account, room) = (accounts[user], room(host));
                Box::pin(async move { core.audiences().request_mic(account, room).await })
            }
            Action::SetMic(user, host, on) => {
                answer = model.set_mic(user, host, on);
                let (account, room) = (accounts[user], room(host));
                let mic = if on { Microphone::On } else { Microphone::Off };
                Box::pin(async move { core.audiences().set_mic(account, room, mic).await })
            }
            Action::Beat(user, role, likes) => {
                model.beat(user, role, likes);
                let account = accounts[user];
                Box::pin(async move { core.audiences().beat(account, role, likes).await })
            }
            Action::Push(host, lease) => {
                model.push(host, lease);
                let (account, room) = (accounts[host], room(host));
                Box::pin(async move { core.broadcasts().push(account, room, Seconds(lease)).await })
            }
            Action::StopPush(host) => {
                model.stop_push(host);
                let (account, room) = (accounts[host], room(host));
                Box::pin(async move { core.broadcasts().stop_push(account, room).await })
            }
            Action::Watch(user, host) => {
                let session = self.session(user).await;
                self.model.watch(user, host);
                let room = room(host);
                Box::pin(async move { core.audiences().watch(&session, room).await })
            }
            Action::Unwatch(user, host) => {
                let session = self.session(user).await;
                self.model.unwatch(user, host);
                let room = room(host);
                Box::pin(async move { core.audiences().unwatch(&session, room).await })
            }
            Action::Plan(host) => {
                model.plan(host, &title);
                let account = accounts[host];
                let plan = Plan { title, ..Plan::default() };
                Box::pin(async move { core.rooms().plan(account, plan).await })
            }
            Action::Rename(user, which) => {
                let name = ["", "Nick", "Name"][which];
                name.clone_into(&mut model.nicknames[user]);
                let update = ProfileUpdate { nickname: Some(name.to_owned()), ..ProfileUpdate::default() };
                let account = accounts[user];
                Box::pin(async move { core.accounts().update_profile(account, update).await })
            }
            Action::Started(host, sequence) => {
                model.started(host, sequence);
                let sequence = sequence.map(|sequence| sequence.to_string());
                notify(core, host, StreamEvent::Started { sequence })
            }
            Action::Stopped(host, sequence) => {
                model.stopped(host, sequence);
                let sequence = sequence.map(|sequence| sequence.to_string());
                notify(core, host, StreamEvent::Stopped { sequence })
            }
            Action::CreateRoom(host) => {
                model.create_room(host, &title);
                let texts = RoomTexts { title, ..RoomTexts::default() };
                let account = accounts[host];
                Box::pin(async move {
                    core.live_rooms().create(account, Some(id_of(host).into()), texts).await.map(drop)
                })
            }
            Action::EnterAsAnchor(user, host) => {
                let session = self.room_session(user).await;
                answer = self.model.enter_as_anchor(user, host);
                // The code is that of every live of a user, so asking for it changes nothing.
                let stream = core.live_rooms().stream(accounts[user]).await.unwrap();
                let (names, texts) = (AnchorNames::default(), RoomTexts::default());
                Box::pin(async move {
                    core.live_rooms().enter(&session, id_of(host).into(), stream, names, texts).await
                })
            }
            Action::LeaveAsAnchor(user, host) => {
                answer = model.leave_as_anchor(user, host);
                let account = accounts[user];
                Box::pin(async move { core.live_rooms().leave(account, id_of(host).into()).await })
            }
            Action::BeatAsAnchor(user, host) => {
                answer = model.beat_as_anchor(user, host);
                let account = accounts[user];
                Box::pin(async move { core.live_rooms().beat(account, &id_of(host).into()).await.map(drop) })
            }
            Action::WatchRoom(user, host) => {
                let session = self.room_session(user).await;
                answer = self.model.watch_room(user, host);
                let room = room_of(host).to_string().into();
                Box::pin(async move {
                    core.live_rooms().watch(&session, room, None, AnchorNames::default()).await
                })
            }
            Action::LeaveRoom(user, host) => {
                model.leave_room(user, host);
                let (account, room) = (accounts[user], room_of(host).to_string().into());
                Box::pin(async move { core.live_rooms().unwatch(account, room).await })
            }
            Action::Like(host, by) => {
                answer = model.like(host, by);
                let room = room_of(host).to_string().into();
                Box::pin(async move { core.live_rooms().like(&room, by).await })
            }
            Action::ChangeField(user, host, field, change) => {
                answer = model.change_field(user, host, FIELDS[field], field_change(change));
                let (account, room) = (accounts[user], room_of(host).to_string().into());
                Box::pin(async move {
                    let (name, change) = (FIELDS[field].to_owned(), field_change(change));
                    core.live_rooms().change_field(account, room, name, change).await
                })
            }
            Action::Wait(_) => Box::pin(async { Ok(()) }),
        };
        (call, answer)
    }
}

fn notify(core: Core, host: usize, event: StreamEvent) -> Call {
    let stream = format!("1000_{}", id_of(host));
    Box::pin(async move { core.streams().event(stream.into(), CallbackSource::Shared, event).await })
}
