//! The fixture of the tests: a core on a manual clock, and the calls with which most tests begin.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};

use relive_core::{
    AccountId, Actor, AnchorNames, Announcement, Broadcast, CallbackSource, Config, Core, Dialect,
    HostLocation, Identifier, IssuedSession, NewAccount, NewRecording, OnAirFilter, Password, RefreshOffer,
    Report, Result, RoomNumber, RoomTexts, Seconds, Session, StartError, StreamEvent, SystemRandom,
    TestClock, UnixSeconds, UserInfo, Window, database::Scratch,
};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

/// Time at which every test begins.
pub(crate) const START: UnixSeconds = UnixSeconds(1_700_000_000);
/// A window that holds every list of these tests.
pub(crate) const ALL: Window = Window { offset: 0, limit: 1_000 };

/// A running core, its clock and its file.
pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) clock: Arc<TestClock>,
    folder: TempDir,
    config: Config,
    _scratch: Option<Scratch>,
}

/// Creates a database on the PostgreSQL server of the test run, if there is one.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn postgres() -> Option<Scratch> {
    std::env::var("RELIVE_TEST_POSTGRES").ok().map(|url| Scratch::create(&url).unwrap())
}

/// A temporary folder, in memory where the system offers that: these tests commit thousands of times, and the cost of
/// syncs does not matter to them.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl World {
    /// A core whose grace after the start is over.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A core with other settings, whose grace after the start is over.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(postgres(), change)
    }

    /// A core over a SQLite file, also when the other tests run on PostgreSQL.
    pub(crate) fn on_file() -> Self {
        Self::over(None, |_| {})
    }

    fn over(scratch: Option<Scratch>, change: impl FnOnce(&mut Config)) -> Self {
        let folder = folder();
        let mut config = Config::sqlite(folder.path().join("relive.db"));
        if let Some(scratch) = &scratch {
            scratch.url().clone_into(&mut config.database.url);
        }
        config.accounts.argon2_memory_kib = 8;
        config.accounts.argon2_iterations = 1;
        config.database.readers = 1;
        config.background = false;
        change(&mut config);
        let clock = Arc::new(TestClock::at(START));
        let core = Core::start(config.clone(), Arc::clone(&clock) as _, Arc::new(SystemRandom)).unwrap();
        clock.advance(Seconds(60));
        Self { core, clock, folder, config, _scratch: scratch }
    }

    /// The database file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("relive.db")
    }

    /// Starts another core on the same database, as another process would.
    pub(crate) fn neighbour(&self) -> Core {
        self.try_neighbour().unwrap()
    }

    /// Starts another core on the same database; the start may fail.
    pub(crate) fn try_neighbour(&self) -> Result<Core, StartError> {
        self.open(self.config.clone())
    }

    /// A world on another SQLite file.
    pub(crate) fn opened(&self, file: &Path) -> Self {
        let mut config = self.config.clone();
        config.database.url = format!("sqlite://{}", file.display());
        let core = self.open(config.clone()).unwrap();
        Self { core, clock: Arc::clone(&self.clock), folder: folder(), config, _scratch: None }
    }

    fn open(&self, config: Config) -> Result<Core, StartError> {
        Core::start(config, Arc::clone(&self.clock) as _, Arc::new(SystemRandom))
    }

    /// Changes the settings of the cores that are started from now on.
    pub(crate) fn change_config(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
    }

    /// Shuts the core down and starts another one in its place, `pause` later.
    pub(crate) async fn restart(&mut self, pause: Seconds) {
        self.core.shutdown().await;
        self.crash(pause);
    }

    /// Starts another core in place of this one, `pause` later, without a shutdown.
    pub(crate) fn crash(&mut self, pause: Seconds) {
        self.clock.advance(pause);
        self.core = self.neighbour();
    }

    /// Registers an account whose password is its id.
    pub(crate) async fn user(&self, id: &str) -> AccountId {
        self.core.accounts().register(NewAccount::new(id, Password::plain(id))).await.unwrap().id
    }

    /// Logs an account in and returns the token.
    pub(crate) async fn token(&self, dialect: Dialect, id: &str) -> String {
        let identifier = Identifier::UserId(id.into());
        let forms = [Password::plain(id)];
        let (_, issued) = self.core.accounts().login(dialect, identifier, &forms).await.unwrap();
        issued.token.expose_secret().to_owned()
    }

    /// Logs an account in through qplus and returns the session.
    pub(crate) async fn session(&self, id: &str) -> Arc<Session> {
        let token = self.token(Dialect::Qplus, id).await;
        self.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap()
    }

    /// Logs an account in through a dialect and returns the session.
    pub(crate) async fn session_of(&self, dialect: Dialect, id: &str) -> Arc<Session> {
        let token = self.token(dialect, id).await;
        self.core.sessions().authenticate(dialect, &token).await.unwrap()
    }

    /// Enters a live room as an anchor, with the caller's own stream.
    pub(crate) async fn enter(&self, session: &Session, room: &str) -> Result<()> {
        let rooms = self.core.live_rooms();
        let stream = rooms.stream(session.account()).await?;
        let nickname = format!("{} in {room}", session.user_id());
        let names = AnchorNames { nickname, avatar: String::new() };
        rooms.enter(session, room.into(), stream, names, RoomTexts::default()).await
    }

    /// Announces a live of a guest and puts it on the air.
    pub(crate) async fn guest_live(&self, id: &str, title: &str) {
        self.core.broadcasts().announce(guest(id), announcement(title)).await.unwrap();
        self.core.broadcasts().put_on_air(guest(id)).await.unwrap();
    }

    /// Prepares and reports a room in the application 7.
    pub(crate) async fn sxb_live(&self, host: AccountId, title: &str) -> RoomNumber {
        let room = self.core.broadcasts().prepare(host).await.unwrap();
        self.core.broadcasts().report(host, report(room, title)).await.unwrap();
        room
    }

    /// Prepares a room and opens a qplus push of 60 seconds.
    pub(crate) async fn qplus_live(&self, host: AccountId) -> RoomNumber {
        let room = self.core.broadcasts().prepare(host).await.unwrap();
        self.core.broadcasts().push(host, room, Seconds(60)).await.unwrap();
        room
    }

    /// The broadcasts on air, in the order of the list.
    pub(crate) async fn on_air(&self) -> Vec<Broadcast> {
        self.core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap().items
    }

    /// The broadcast that a room has on air.
    pub(crate) async fn of_room(&self, room: RoomNumber) -> Option<Broadcast> {
        self.core.broadcasts().of_room(room).await.unwrap()
    }

    /// Delivers a notice on the path that both minilvb dialects share.
    pub(crate) async fn event(&self, code: &str, event: StreamEvent) -> Result<()> {
        self.core.streams().event(code.into(), CallbackSource::Shared, event).await
    }

    /// Delivers the notice of a finished recording on the shared path.
    pub(crate) async fn recorded(&self, code: &str, recording: NewRecording) -> Result<()> {
        self.event(code, StreamEvent::Recorded(recording)).await
    }
}

/// An actor that has not proved its id.
pub(crate) fn guest(id: &str) -> Actor {
    Actor::Unproven(id.into())
}

/// The offer of the refresh token of a session, always from the same address.
pub(crate) fn offer(issued: &IssuedSession) -> RefreshOffer {
    RefreshOffer {
        user_id: issued.user_id.clone(),
        token: issued.refresh_token.clone(),
        client: Ipv4Addr::new(192, 0, 2, 7).into(),
    }
}

/// The announcement of a live in the group `g-<title>`, whose host is nicknamed `nick of <title>`.
pub(crate) fn announcement(title: &str) -> Announcement {
    Announcement {
        group_id: format!("g-{title}").into(),
        title: title.to_owned(),
        user_info: UserInfo { nickname: format!("nick of {title}"), ..UserInfo::default() },
    }
}

/// The report of a room in the application 7.
pub(crate) fn report(room: RoomNumber, title: &str) -> Report {
    Report {
        room,
        title: title.to_owned(),
        cover: format!("cover of {title}"),
        kind: "live".to_owned(),
        group_id: room.to_string().into(),
        app: 7,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    }
}
