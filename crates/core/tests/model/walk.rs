//! Walking: each act is done to the core and to the model.

use std::{pin::Pin, sync::Arc, task::Poll};

use relive_core::{
    AccountId, Actor, Announcement, CallbackSource, Config, Core, Dialect, Error, HostLocation, Identifier,
    MemberNames, NewAccount, Password, Plan, ProfileUpdate, Report, Result, RoomNumber, Seconds, Session,
    StreamEvent, SystemRandom, TestClock, UnixSeconds, UserInfo, database::Scratch,
};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::{
    act::{Act, Chance, GROUPS, KINDS},
    compare,
    plain::{Answer, GUESTS, Plain, USERS, id_of, room_of},
};

/// Acts that wait to be done together, where one writer does them in their order: they share a commit.
const TOGETHER: usize = 16;

/// A database on the PostgreSQL server the tests are given, if they are given one.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn postgres() -> Option<Scratch> {
    std::env::var("RELIVE_TEST_POSTGRES").ok().map(|url| Scratch::create(&url).unwrap())
}

type Doing = Pin<Box<dyn Future<Output = Result<()>>>>;

/// A core and its model on their way.
pub(crate) struct Walk {
    core: Core,
    clock: Arc<TestClock>,
    model: Plain,
    chance: Chance,
    accounts: Vec<AccountId>,
    sessions: Vec<Arc<Session>>,
    tokens: Vec<String>,
    pending: Vec<(Act, Doing, Answer)>,
    taken: usize,
    together: usize,
    _folder: TempDir,
    _scratch: Option<Scratch>,
}

impl Walk {
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
        let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
        let core = Core::start(config, Arc::clone(&clock) as _, Arc::new(SystemRandom)).unwrap();
        clock.advance(Seconds(60));
        let mut walk = Self {
            model: Plain::new(core.now().0),
            core,
            clock,
            chance: Chance::new(seed),
            accounts: Vec::new(),
            sessions: Vec::new(),
            tokens: Vec::new(),
            pending: Vec::new(),
            taken: 0,
            together: if scratch.is_some() { 1 } else { TOGETHER },
            _folder: folder,
            _scratch: scratch,
        };
        for user in 0..USERS {
            walk.make(user).await;
        }
        walk
    }

    /// Gives a user an account, a room and a session.
    async fn make(&mut self, user: usize) {
        if user < GUESTS {
            self.accounts.push(AccountId(0));
            self.take(Act::Announce(user, 0)).await;
        } else {
            let new = NewAccount::new(id_of(user), Password::plain("secret"));
            self.accounts.push(self.core.accounts().register(new).await.unwrap().id);
            self.take(Act::Prepare(user)).await;
        }
        self.flush().await;
        let account = self.core.accounts().find(&id_of(user)).await.unwrap().unwrap().id;
        self.accounts[user] = account;
        assert_eq!(self.core.rooms().number_of(account).await.unwrap(), Some(RoomNumber(room_of(user))));
        if user < GUESTS {
            self.tokens.push(String::new());
        } else {
            let token = self.log_in(user).await;
            self.tokens.push(token);
        }
    }

    async fn log_in(&mut self, user: usize) -> String {
        let who = Identifier::UserId(id_of(user));
        let forms = [Password::plain("secret")];
        let (_, grant) = self.core.accounts().login(Dialect::Qplus, who, &forms, None).await.unwrap();
        let token = grant.token.expose_secret().to_owned();
        let session = self.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
        let of_user = self.sessions.iter().position(|known| known.account() == self.accounts[user]);
        match of_user {
            Some(index) => self.sessions[index] = session,
            None => self.sessions.push(session),
        }
        token
    }

    /// The session of a user, used once more, or another one if it is over.
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

    /// Whether each act costs a commit of its own.
    pub(crate) fn is_slow(&self) -> bool {
        self.together == 1
    }

    /// One act of chance.
    pub(crate) async fn step(&mut self) {
        self.take(self.chance.act()).await;
        self.taken += 1;
        if self.taken.is_multiple_of(128) {
            self.flush().await;
            let session = self.session(GUESTS).await;
            compare::tables(&self.core, &self.model, &session).await;
        }
        if self.taken.is_multiple_of(1_024) {
            self.core.maintain().await.unwrap();
        }
    }

    /// A last look.
    pub(crate) async fn finish(mut self) {
        self.flush().await;
        let session = self.session(GUESTS).await;
        compare::tables(&self.core, &self.model, &session).await;
        self.core.shutdown().await;
    }

    async fn take(&mut self, act: Act) {
        match act {
            Act::Wait(seconds) => {
                self.flush().await;
                self.clock.advance(Seconds(seconds));
                self.model.wait(seconds);
            }
            // These look at memory before they write, if they write at all: not while others wait.
            Act::Enter(..) | Act::Beat(..) | Act::Push(..) => {
                self.flush().await;
                let (doing, answer) = self.prepare(act).await;
                self.pending.push((act, doing, answer));
                self.flush().await;
            }
            _ => {
                // Whoever counts joins those who wait to count on the same counter, whatever came between.
                let counts = matches!(act, Act::Count(..));
                if counts && self.pending.iter().any(|(waiting, ..)| matches!(waiting, Act::Count(..))) {
                    self.flush().await;
                }
                let (doing, answer) = self.prepare(act).await;
                self.pending.push((act, doing, answer));
                if self.pending.len() >= self.together {
                    self.flush().await;
                }
            }
        }
    }

    /// Does what waits, in its order, and compares.
    async fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        let mut answers: Vec<Option<Result<()>>> = pending.iter().map(|_| None).collect();
        std::future::poll_fn(|context| {
            for ((_, doing, _), answer) in pending.iter_mut().zip(&mut answers) {
                if answer.is_none()
                    && let Poll::Ready(result) = doing.as_mut().poll(context)
                {
                    *answer = Some(result);
                }
            }
            if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        for ((act, _, expected), answer) in pending.iter().zip(answers) {
            match (expected, answer.unwrap()) {
                (Answer::Fine, Ok(())) | (Answer::NotOnAir, Err(Error::NotOnAir)) => {}
                (expected, answer) => panic!("{act:?}: {answer:?} instead of {expected:?}"),
            }
        }
        compare::lists(&self.core, &self.model).await;
    }

    /// Does it to the model; what it does to the core, and how that shall end.
    #[expect(clippy::too_many_lines, reason = "one line per act")]
    async fn prepare(&mut self, act: Act) -> (Doing, Answer) {
        let core = self.core.clone();
        let accounts = self.accounts.clone();
        let actor = |user: usize| {
            if user < GUESTS { Actor::Unproven(id_of(user)) } else { Actor::Proven(accounts[user]) }
        };
        let room = |user: usize| RoomNumber(room_of(user));
        let model = &mut self.model;
        let title = format!("at {}", model.now);
        let mut answer = Answer::Fine;
        let doing: Doing = match act {
            Act::Announce(host, group) => {
                model.announce(host, GROUPS[group], &title);
                let nickname = format!("nick of {title}");
                let announcement = Announcement {
                    group_id: GROUPS[group].to_owned(),
                    title,
                    user_info: UserInfo { nickname, ..UserInfo::default() },
                };
                let actor = actor(host);
                Box::pin(async move { core.broadcasts().announce(actor, announcement).await.map(drop) })
            }
            Act::SetOnAir(host, on) => {
                model.set_on_air(host, on);
                let actor = actor(host);
                Box::pin(async move { core.broadcasts().set_on_air(actor, on).await })
            }
            Act::EnterGroup(user, host, group) => {
                model.enter_group(user, host, GROUPS[group]);
                let actor = actor(user);
                Box::pin(async move {
                    let names = MemberNames::default();
                    core.audiences().enter_group(actor, &id_of(host), GROUPS[group], names).await
                })
            }
            Act::QuitGroup(user, host, group) => {
                model.quit_group(user, host, GROUPS[group]);
                let actor = actor(user);
                Box::pin(async move { core.audiences().quit_group(actor, &id_of(host), GROUPS[group]).await })
            }
            Act::Count(host, counted, step) => {
                model.count(host, counted, step);
                Box::pin(async move { core.broadcasts().count(&id_of(host), counted, step).await })
            }
            Act::Prepare(host) => {
                model.prepare(host);
                let account = accounts[host];
                Box::pin(async move { core.broadcasts().prepare(account).await.map(drop) })
            }
            Act::Report(host, app, kind) => {
                model.report(host, &title, app, KINDS[kind]);
                let report = Report {
                    room: room(host),
                    title,
                    cover: String::new(),
                    kind: KINDS[kind].to_owned(),
                    group_id: room_of(host).to_string(),
                    app,
                    device: 0,
                    screen: false,
                    place: HostLocation::default(),
                };
                let account = accounts[host];
                Box::pin(async move { core.broadcasts().report(account, report).await })
            }
            Act::Exit(user, host) => {
                model.exit(user, host);
                let (account, room) = (accounts[user], room(host));
                Box::pin(async move { core.broadcasts().exit(account, Some(room)).await })
            }
            Act::Enter(user, host, role) => {
                answer = model.sit(user, host, Some(role));
                let (account, room) = (accounts[user], room(host));
                Box::pin(async move { core.audiences().enter(account, room, role).await })
            }
            Act::Leave(user, host) => {
                answer = model.leave(user, host);
                let (account, room) = (accounts[user], room(host));
                Box::pin(async move { core.audiences().leave(account, room).await })
            }
            Act::RequestMic(user, host) => {
                answer = model.sit(user, host, None);
                let (account, room) = (accounts[user], room(host));
                Box::pin(async move { core.audiences().request_mic(account, room).await })
            }
            Act::SetMic(user, host, on) => {
                answer = model.set_mic(user, host, on);
                let (account, room) = (accounts[user], room(host));
                Box::pin(async move { core.audiences().set_mic(account, room, on).await })
            }
            Act::Beat(user, role, likes) => {
                model.beat(user, role, likes);
                let account = accounts[user];
                Box::pin(async move { core.audiences().beat(account, role, likes).await })
            }
            Act::Push(host, lease) => {
                model.push(host, lease);
                let (account, room) = (accounts[host], room(host));
                Box::pin(async move { core.broadcasts().push(account, room, Seconds(lease)).await })
            }
            Act::StopPush(host) => {
                model.stop_push(host);
                let (account, room) = (accounts[host], room(host));
                Box::pin(async move { core.broadcasts().stop_push(account, room).await })
            }
            Act::Watch(user, host) => {
                let session = self.session(user).await;
                self.model.watch(user, host);
                let room = room(host);
                Box::pin(async move { core.audiences().watch(&session, room).await })
            }
            Act::Unwatch(user, host) => {
                let session = self.session(user).await;
                self.model.unwatch(user, host);
                let room = room(host);
                Box::pin(async move { core.audiences().unwatch(&session, room).await })
            }
            Act::Plan(host) => {
                model.plan(host, &title);
                let account = accounts[host];
                let plan = Plan { title, ..Plan::default() };
                Box::pin(async move { core.rooms().plan(account, plan).await })
            }
            Act::Rename(user, which) => {
                let name = ["", "Nick", "Name"][which];
                name.clone_into(&mut model.nicknames[user]);
                let update = ProfileUpdate { nickname: Some(name.to_owned()), ..ProfileUpdate::default() };
                let account = accounts[user];
                Box::pin(async move { core.accounts().update_profile(account, update).await })
            }
            Act::Started(host, sequence) => {
                model.started(host, sequence);
                let sequence = sequence.map(|sequence| sequence.to_string());
                tell(core, host, StreamEvent::Started { sequence })
            }
            Act::Stopped(host, sequence) => {
                model.stopped(host, sequence);
                let sequence = sequence.map(|sequence| sequence.to_string());
                tell(core, host, StreamEvent::Stopped { sequence })
            }
            Act::Wait(_) => Box::pin(async { Ok(()) }),
        };
        (doing, answer)
    }
}

fn tell(core: Core, host: usize, event: StreamEvent) -> Doing {
    let stream = format!("1000_{}", id_of(host));
    Box::pin(async move { core.streams().event(stream, CallbackSource::Shared, event).await })
}
