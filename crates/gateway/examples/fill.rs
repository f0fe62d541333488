//! Fills a database with data for the benches, through the core and with many operations at the same time. Prints the
//! data that a load generator needs as one JSON document. Hashes passwords at the lowest cost, unless `--strong` is
//! given.
//!
//! `fill --database sqlite:///path/world.db --on-air 1000 --members 1000 --recordings 500 --users 2000 --hosts 1000`
#![expect(clippy::print_stdout, reason = "a command line tool answers on its standard output")]

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use clap::Parser;
use relive_core::{
    Account, Actor, AnchorNames, Announcement, CallbackSource, Clock, Config, Core, Dialect, FileFormat,
    GroupId, HostLocation, Identifier, MemberNames, NewAccount, NewRecording, Password, Report, Role,
    RoomNumber, RoomTexts, Seconds, StreamCode, StreamEvent, SystemClock, SystemRandom, UserId, UserInfo,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Operations under way at the same time, which share commits.
const CONCURRENCY: usize = 1_024;
/// Password of every user. It is not base64, which sxb would decode.
const PASSWORD: &str = "passs2017!";
/// Age of the replays: seconds since their lives began.
const REPLAY_AGE_SECONDS: i64 = 7_200;
const REPLAY_LENGTH_SECONDS: i64 = 1_800;
/// Time without a heartbeat after which a host of RoomService is off the air.
const ANCHOR_TIMEOUT: Seconds = Seconds(3_600);

#[derive(Debug, Clone, Parser)]
struct Options {
    /// URL of the database, as in `database.url`.
    #[arg(long)]
    database: String,
    /// Lives of guests, on air. They never time out.
    #[arg(long, default_value_t = 0)]
    on_air: usize,
    /// Members of the groups of these lives.
    #[arg(long, default_value_t = 0)]
    members: usize,
    /// Members in the group of the first live; the other members are spread evenly.
    #[arg(long, default_value_t = 0)]
    crowd: usize,
    /// Replays.
    #[arg(long, default_value_t = 0)]
    recordings: usize,
    /// Registered users, logged in through every dialect that has sessions.
    #[arg(long, default_value_t = 0)]
    users: usize,
    /// Registered users on air. The other registered users enter their rooms, or without hosts the rooms of guests.
    #[arg(long, default_value_t = 0)]
    hosts: usize,
    /// Let these registered users go on air through RoomService, under their user ids, for an hour without heartbeats; else
    /// through sxb.
    #[arg(long)]
    room_service: bool,
    /// Greatest number of lives to print.
    #[arg(long, default_value_t = 2_000)]
    print: usize,
    /// Hash passwords at the default cost.
    #[arg(long)]
    strong: bool,
}

/// The system's clock, set back by a number of seconds while replays are made.
#[derive(Debug)]
struct ShiftedClock(AtomicI64);

impl ShiftedClock {
    fn set_back(&self, time: Duration) -> Duration {
        time.saturating_sub(Duration::from_secs(self.0.load(Ordering::Relaxed).unsigned_abs()))
    }
}

impl Clock for ShiftedClock {
    fn wall(&self) -> Duration {
        self.set_back(SystemClock.wall())
    }

    /// As far ahead as the hand is ever set back.
    fn monotonic(&self) -> Duration {
        const YEAR: Duration = Duration::from_hours(366 * 24);
        self.set_back(SystemClock.monotonic() + YEAR)
    }

    fn database(&self, told: Duration) -> Duration {
        self.set_back(told)
    }

    fn longest_gap(&self) -> Duration {
        Duration::MAX
    }
}

/// The live of a guest.
#[derive(Debug, Clone)]
struct Live {
    user: UserId,
    group: GroupId,
    room: i64,
    stream: StreamCode,
}

/// A registered user, with the token of each dialect that has sessions.
#[derive(Debug, Clone)]
struct User {
    id: UserId,
    room: i64,
    sxb: String,
    v2: String,
    qplus: String,
    room_service: String,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut config = Config::sqlite("unused");
    config.database.url.clone_from(&options.database);
    config.accounts.hash_queue = CONCURRENCY;
    config.timeouts.anchor = ANCHOR_TIMEOUT;
    if !options.strong {
        config.accounts.argon2_memory_kib = 8;
        config.accounts.argon2_iterations = 1;
    }
    let clock = Arc::new(ShiftedClock(AtomicI64::new(0)));
    let core = Core::start(config, Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(SystemRandom))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let world = runtime.block_on(fill(&core, &clock, &options))?;
    println!("{world}");
    Ok(())
}

async fn fill(core: &Core, clock: &ShiftedClock, options: &Options) -> anyhow::Result<Value> {
    clock.0.store(REPLAY_AGE_SECONDS, Ordering::Relaxed);
    let before =
        each(core, options.recordings, |core, index| go_live(core, format!("replay{index:07}").into()))
            .await?;
    clock.0.store(REPLAY_AGE_SECONDS - REPLAY_LENGTH_SECONDS, Ordering::Relaxed);
    let before = Arc::new(before);
    each(core, options.recordings, move |core, index| end_with_recording(core, Arc::clone(&before), index))
        .await?;
    clock.0.store(0, Ordering::Relaxed);

    let lives =
        each(core, options.on_air, |core, index| go_live(core, format!("live{index:07}").into())).await?;
    let lives = Arc::new(lives);
    let (joined, crowd) = (Arc::clone(&lives), options.crowd);
    each(core, options.members, move |core, index| {
        let lives = Arc::clone(&joined);
        async move {
            let at = if index < crowd { 0 } else { index % lives.len().max(1) };
            let live = lives.get(at).context("members need lives")?;
            join(&core, live, format!("member{index:07}").into()).await
        }
    })
    .await?;
    let users = each(core, options.users, sign_up).await?;
    let users = enter_rooms(core, options, &lives, users).await?;
    let world = json!({
        "now": core.now(),
        "password": PASSWORD,
        "lives": lives.iter().take(options.print).map(|live| json!({
            "user": live.user, "group": live.group, "room": live.room,
        })).collect::<Vec<_>>(),
        "users": users.iter().map(|user| json!({
            "id": user.id, "room": user.room, "sxb": user.sxb, "v2": user.v2, "qplus": user.qplus,
            "room_service": user.room_service,
        })).collect::<Vec<_>>(),
    });
    core.shutdown().await;
    Ok(world)
}

/// Runs an operation for each number below `count`, many at the same time; returns their results in order.
async fn each<T: Send + 'static, F: Future<Output = anyhow::Result<T>> + Send + 'static>(
    core: &Core,
    count: usize,
    operation: impl Fn(Core, usize) -> F + Clone + Send + 'static,
) -> anyhow::Result<Vec<T>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..CONCURRENCY.min(count) {
        let (core, next, operation) = (core.clone(), Arc::clone(&next), operation.clone());
        tasks.spawn(async move {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return anyhow::Ok(done);
                }
                done.push((index, operation(core.clone(), index).await?));
            }
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(task) = tasks.join_next().await {
        all.extend(task??);
    }
    all.sort_unstable_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, value)| value).collect())
}

async fn go_live(core: Core, user: UserId) -> anyhow::Result<Live> {
    let group = GroupId::new(format!("@TGS#{user}"));
    let announcement = Announcement {
        group_id: group.clone(),
        title: format!("Evening concert of {user}"),
        user_info: UserInfo {
            nickname: format!("Nick of {user}"),
            avatar: "http://img.example/avatar/0001.png".to_owned(),
            cover: "http://img.example/cover/0001.png".to_owned(),
            location: "Shenzhen".to_owned(),
        },
    };
    let actor = || Actor::Unproven(user.clone());
    let broadcast = core.broadcasts().announce(actor(), announcement).await?;
    core.broadcasts().put_on_air(actor()).await?;
    Ok(Live { group, room: broadcast.room.0, stream: broadcast.stream_code.clone(), user })
}

/// Ends a live and stores its recording.
async fn end_with_recording(core: Core, lives: Arc<Vec<Live>>, index: usize) -> anyhow::Result<()> {
    let live = lives.get(index).context("no such live")?;
    core.broadcasts().take_off_air(Actor::Unproven(live.user.clone())).await?;
    let file = NewRecording {
        file_id: format!("91011121314{index:07}").into(),
        format: FileFormat::Mp4,
        url: format!("http://1000.vod.example/{}/f0.mp4", live.stream),
        start_at: Some(core.now() - Seconds(REPLAY_LENGTH_SECONDS)),
        end_at: Some(core.now()),
        duration: Some(Seconds(REPLAY_LENGTH_SECONDS)),
        size: Some(1 << 24),
    };
    core.streams().event(live.stream.clone(), CallbackSource::Shared, StreamEvent::Recorded(file)).await?;
    Ok(())
}

async fn join(core: &Core, live: &Live, user: UserId) -> anyhow::Result<()> {
    let names = MemberNames {
        nickname: format!("Nick of {user}"),
        avatar: "http://img.example/avatar/0002.png".to_owned(),
    };
    core.audiences().enter_group(Actor::Unproven(user), &live.user, &live.group, names).await?;
    Ok(())
}

/// Registers a user and logs it in through each dialect that has sessions.
async fn sign_up(core: Core, index: usize) -> anyhow::Result<User> {
    let id = UserId::new(format!("user{index:07}"));
    let password = || Password::plain(PASSWORD);
    core.accounts().register(NewAccount::new(id.clone(), password())).await?;
    let mut tokens = Vec::new();
    for dialect in [Dialect::Sxb, Dialect::MinilvbV2, Dialect::Qplus, Dialect::RoomService] {
        let user = Identifier::UserId(id.clone());
        let (_, session) = core.accounts().login(dialect, user, &[password()]).await?;
        tokens.push(session.token.expose_secret().to_owned());
    }
    let [sxb, v2, qplus, room_service] = <[String; 4]>::try_from(tokens).ok().context("four logins")?;
    Ok(User { id, room: 0, sxb, v2, qplus, room_service })
}

/// Puts the first users on air; the others enter a room.
async fn enter_rooms(
    core: &Core,
    options: &Options,
    lives: &[Live],
    users: Vec<User>,
) -> anyhow::Result<Vec<User>> {
    let (count, hosts) = (users.len(), options.hosts.min(users.len()));
    let users = Arc::new(users);
    let hosting = Arc::clone(&users);
    let room_service = options.room_service;
    let mut rooms = each(core, hosts, move |core, index| {
        let users = Arc::clone(&hosting);
        async move {
            let user = users.get(index).context("no such user")?;
            if room_service { open_room(&core, user).await } else { report(&core, user).await }
        }
    })
    .await?;
    let rooms_of_guests: Vec<_> = lives.iter().map(|live| live.room).collect();
    let choice = Arc::new(if rooms.is_empty() { rooms_of_guests } else { rooms.clone() });
    let watching = Arc::clone(&users);
    let entered = each(core, count - hosts, move |core, index| {
        let (users, choice) = (Arc::clone(&watching), Arc::clone(&choice));
        async move {
            let Some(room) = choice.get(index % choice.len().max(1)).copied() else { return Ok(0) };
            let account = account_of(&core, users.get(hosts + index).context("no such user")?).await?;
            core.audiences().enter(account.id, RoomNumber(room), Role::Viewer).await?;
            Ok(room)
        }
    })
    .await?;
    rooms.extend(entered);
    let users = Arc::try_unwrap(users).unwrap_or_else(|users| users.as_ref().clone());
    Ok(users.into_iter().zip(rooms).map(|(user, room)| User { room, ..user }).collect())
}

async fn account_of(core: &Core, user: &User) -> anyhow::Result<Account> {
    core.accounts().find(&user.id).await?.context("no account")
}

/// Puts a user on air through RoomService, as the apps do.
async fn open_room(core: &Core, user: &User) -> anyhow::Result<i64> {
    let session = core.sessions().authenticate(Dialect::RoomService, &user.room_service).await?;
    let title = format!("Evening concert of {}", user.id);
    let cover = "http://img.example/cover/0001.png".to_owned();
    let location = "Shenzhen".to_owned();
    let info = json!({"title": title, "frontcover": cover, "location": location}).to_string();
    let texts = RoomTexts { info, title, cover, location };
    let names = AnchorNames {
        nickname: format!("Nick of {}", user.id),
        avatar: "http://img.example/avatar/0001.png".to_owned(),
    };
    let rooms = core.live_rooms();
    let stream = rooms.stream(session.account()).await?;
    let id = rooms.create(session.account(), Some(GroupId::new(user.id.to_string())), texts).await?;
    rooms.enter(&session, id, stream, names, RoomTexts::default()).await?;
    Ok(core.rooms().number_of(session.account()).await?.context("no room")?.0)
}

/// Puts a user on air through sxb.
async fn report(core: &Core, user: &User) -> anyhow::Result<i64> {
    let account = account_of(core, user).await?;
    let room = core.broadcasts().prepare(account.id).await?;
    let report = Report {
        room,
        title: format!("Evening concert of {}", account.user_id),
        cover: "http://img.example/cover/0001.png".to_owned(),
        kind: "live".to_owned(),
        group_id: room.to_string().into(),
        app: 1_400_000_123,
        device: 1,
        screen: false,
        place: HostLocation::default(),
    };
    core.broadcasts().report(account.id, report).await?;
    Ok(room.0)
}
