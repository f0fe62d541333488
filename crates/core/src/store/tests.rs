//! A job, a commit, a query or the database file fails: the caller gets an error, nothing changes, and the core works
//! afterwards.

mod postgres;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use diesel::{Connection as _, connection::SimpleConnection as _, prelude::*, sqlite::SqliteConnection};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::{
    Tx,
    conn::{Conn, on},
    schema::{audience, broadcasts, settings},
};
use crate::{
    AccountId, Clock as _, Config, Core, Counted, Dialect, Error, HostLocation, Identifier, Listing,
    NewAccount, PageStart, Password, Picture, Report, Result, Role, RoomNumber, Seconds, State, Step,
    SystemRandom, TestClock, UnixSeconds, Window,
};

const ALL: Window = Window { offset: 0, limit: 1_000 };

struct World {
    core: Core,
    clock: Arc<TestClock>,
    folder: TempDir,
    host: AccountId,
    viewer: AccountId,
    room: RoomNumber,
}

impl World {
    /// Makes a core with a host on air and a viewer that has not entered.
    async fn new(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let mut config = Config::sqlite(folder.path().join("relive.db"));
        config.accounts.argon2_memory_kib = 8;
        config.accounts.argon2_iterations = 1;
        config.database.readers = 1;
        config.background = false;
        change(&mut config);
        let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
        let core = Core::start(config, Arc::clone(&clock) as _, Arc::new(SystemRandom)).unwrap();
        clock.advance(Seconds(60));
        let host = register(&core, "host").await.unwrap();
        let viewer = register(&core, "viewer").await.unwrap();
        let room = core.broadcasts().prepare(host).await.unwrap();
        core.broadcasts().push(host, room, Seconds(60)).await.unwrap();
        Self { core, clock, folder, host, viewer, room }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("relive.db")
    }

    async fn set(&self, name: &'static str) -> Result<()> {
        self.core.store().write(move |tx| put(tx.conn, name)).await
    }

    async fn has(&self, name: &'static str) -> bool {
        let count = self.core.store().read(move |conn| {
            Ok::<i64, _>(on!(conn, |c| settings::table
                .filter(settings::name.eq(name))
                .count()
                .get_result(c))?)
        });
        count.await.unwrap() == 1
    }

    /// Runs statements on the writer's own connection.
    async fn pragma(&self, sql: &'static str) {
        self.core.store().write(move |tx| tx.conn.execute(sql)).await.unwrap();
    }

    /// Describes the contents of all lists.
    async fn shown(&self) -> String {
        let live = self.core.broadcasts().of_room(self.room).await.unwrap();
        let members = self.core.audiences().members(self.room, ALL).await.unwrap();
        let accounts = self.core.accounts().list(None, 100).await.unwrap();
        format!("{live:?} {members:?} {accounts:?} {:?}", self.core.stats())
    }

    /// Makes a change of every kind and returns the results.
    async fn change_everything(&self) -> Vec<Result<()>> {
        let core = &self.core;
        vec![
            core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await,
            core.audiences().enter(self.viewer, self.room, Role::Viewer).await,
            core.broadcasts().stop_push(self.host, self.room).await,
            register(core, "newcomer").await.map(drop),
            core.accounts().delete(&"viewer".into()).await,
            core.probe().await,
        ]
    }

    /// Asserts that every kind of call works.
    async fn works(&self) {
        self.core.probe().await.unwrap();
        self.core.audiences().enter(self.viewer, self.room, Role::Viewer).await.unwrap();
        self.core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
        let live = self.core.broadcasts().of_room(self.room).await.unwrap().unwrap();
        assert_eq!((live.likes, live.members), (1, 2));
        register(&self.core, "newcomer").await.unwrap();
        self.core.maintain().await.unwrap();
    }
}

async fn register(core: &Core, id: &str) -> Result<AccountId> {
    core.accounts().register(NewAccount::new(id, Password::plain(id))).await.map(|account| account.id)
}

fn put(conn: &mut Conn, name: &str) -> Result<()> {
    on!(conn, |c| diesel::insert_into(settings::table)
        .values((settings::name.eq(name), settings::value.eq("")))
        .execute(c))?;
    Ok(())
}

/// Keeps the writer busy until the returned sender is used or dropped: jobs that are queued meanwhile share a batch.
fn hold(core: &Core) -> (mpsc::Sender<()>, impl Future<Output = Result<()>> + use<>) {
    let (release, released) = mpsc::channel::<()>();
    let (entered, has_entered) = mpsc::channel();
    let core = core.clone();
    let held = async move {
        core.store()
            .write(move |_| {
                let _ = entered.send(());
                let _ = released.recv();
                Ok(())
            })
            .await
    };
    let mut held = Box::pin(held);
    // One poll queues the job.
    let waker = std::task::Waker::noop();
    assert!(held.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    has_entered.recv().unwrap();
    (release, held)
}

/// Polls all futures once, in order, which queues their jobs in this order; then calls `go` and waits for the results.
async fn together<T>(
    futures: Vec<std::pin::Pin<Box<dyn Future<Output = T> + '_>>>,
    go: impl FnOnce(),
) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (future, None)).collect();
    let mut go = Some(go);
    std::future::poll_fn(|context| {
        for (future, done) in &mut futures {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        if let Some(go) = go.take() {
            go();
        }
        let all = futures.iter().all(|(_, done)| done.is_some());
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    futures.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn a_failing_job_fails_alone() {
    let world = World::new(|_| {}).await;
    let before = world.core.stats().members;
    let (release, held) = hold(&world.core);
    let store = world.core.store();
    let (host, viewer) = (world.host, world.viewer);
    let answers = together::<Result<()>>(
        vec![
            Box::pin(world.set("first")),
            Box::pin(store.write(|tx| {
                put(tx.conn, "refused")?;
                Err(Error::RoomNotFound)
            })),
            Box::pin(world.core.audiences().request_mic(viewer, world.room)),
            // This job has changed a table and recorded changes when it fails.
            Box::pin(store.write(move |tx| {
                crate::table::audience::remove(tx, host, viewer)?;
                crate::table::audience::clear(tx, host)?;
                put(tx.conn, "first")
            })),
            Box::pin(store.write(|tx| {
                put(tx.conn, "panicked")?;
                panic!("a bug");
            })),
            Box::pin(world.set("last")),
        ],
        || drop(release),
    )
    .await;
    held.await.unwrap();
    assert!(
        matches!(
            answers[..],
            [
                Ok(()),
                Err(Error::RoomNotFound),
                Ok(()),
                Err(Error::Storage(_)),
                Err(Error::Unavailable),
                Ok(())
            ]
        ),
        "{answers:?}"
    );
    for (name, kept) in [("first", true), ("refused", false), ("panicked", false), ("last", true)] {
        assert_eq!(world.has(name).await, kept, "{name}");
    }
    assert_eq!(world.core.stats().members, before + 1, "the viewer is in");
}

#[tokio::test]
async fn a_read_only_file_changes_nothing() {
    let mut world = World::new(|_| {}).await;
    let before = world.shown().await;
    world.pragma("PRAGMA query_only = ON").await;
    for answer in world.change_everything().await {
        assert!(matches!(answer, Err(Error::Storage(_))), "{answer:?}");
    }
    assert_eq!(world.shown().await, before);
    let config = world.core.config().clone();
    world.core = Core::start(config, Arc::clone(&world.clock) as _, Arc::new(SystemRandom)).unwrap();
    assert_eq!(world.shown().await, before);
    world.works().await;
}

#[tokio::test]
async fn an_expired_broadcast_is_not_listed_while_its_end_cannot_be_written() {
    let world = World::new(|_| {}).await;
    world.pragma("PRAGMA busy_timeout = 0").await;
    let mut other = SqliteConnection::establish(world.file().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    world.clock.advance(Seconds(61));
    let shown = world.core.broadcasts().of_room(world.room).await;
    assert!(matches!(shown, Err(Error::Storage(_))), "its end cannot be written: {shown:?}");
    other.batch_execute("ROLLBACK").unwrap();
    assert!(world.core.broadcasts().of_room(world.room).await.unwrap().is_none());
}

#[tokio::test]
async fn a_full_disk_fails_a_write_and_nothing_else() {
    let world = World::new(|_| {}).await;
    let before = world.shown().await;
    // SQLite raises the limit to the number of pages that the file has.
    world.pragma("PRAGMA max_page_count = 1").await;
    let picture = Picture(vec![7; 1 << 20].into());
    let too_much = world.core.accounts().set_head_picture(world.host, picture).await;
    assert!(matches!(too_much, Err(Error::Storage(_))), "{too_much:?}");
    assert_eq!(world.shown().await, before);
    world.works().await;
    world.pragma("PRAGMA max_page_count = 1000000").await;
    let picture = Picture(vec![7; 1 << 20].into());
    let id = world.core.accounts().set_head_picture(world.host, picture).await.unwrap();
    let stored = world.core.accounts().head_picture(id).await.unwrap().unwrap();
    assert_eq!(stored.0.len(), 1 << 20);
}

#[tokio::test]
async fn a_full_disk_in_the_middle_of_a_batch_loses_no_acknowledged_write() {
    let world = World::new(|_| {}).await;
    world.pragma("PRAGMA max_page_count = 1").await;
    let (release, held) = hold(&world.core);
    let picture = || Picture(vec![7; 1 << 20].into());
    let answers = together::<Result<()>>(
        vec![
            Box::pin(world.set("first")),
            Box::pin(async { world.core.accounts().set_head_picture(world.host, picture()).await.map(drop) }),
            Box::pin(world.set("last")),
        ],
        || drop(release),
    )
    .await;
    held.await.unwrap();
    // A write is kept if and only if its caller was told of a success.
    assert!(matches!(answers[1], Err(Error::Storage(_))));
    for (name, answer) in ["first", "last"].into_iter().zip([&answers[0], &answers[2]]) {
        assert_eq!(world.has(name).await, answer.is_ok(), "{name}");
    }
    world.works().await;
}

#[tokio::test]
async fn a_locked_file_changes_nothing() {
    let world = World::new(|_| {}).await;
    world.pragma("PRAGMA busy_timeout = 0").await;
    let before = world.shown().await;
    let mut other = SqliteConnection::establish(world.file().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    for answer in world.change_everything().await {
        assert!(matches!(answer, Err(Error::Storage(_))), "{answer:?}");
    }
    assert_eq!(world.shown().await, before);
    other.batch_execute("ROLLBACK").unwrap();
    world.works().await;
}

#[tokio::test]
async fn clocks_that_cannot_be_written_are_written_later() {
    let mut world = World::new(|_| {}).await;
    world.core.broadcasts().report(world.host, report(world.room)).await.unwrap();
    world.core.audiences().enter(world.viewer, world.room, Role::Viewer).await.unwrap();
    let who = Identifier::UserId("viewer".into());
    let forms = [Password::plain("viewer")];
    let (_, grant) = world.core.accounts().login(Dialect::Qplus, who, &forms).await.unwrap();
    let used = async |core: &Core| {
        core.sessions().authenticate(Dialect::Qplus, grant.token.expose_secret()).await.unwrap()
    };
    world.pragma("PRAGMA busy_timeout = 0").await;
    world.clock.advance(Seconds(20));
    let session = used(&world.core).await;
    world.core.rooms().next_page(&session, Listing::OnAir, PageStart::LastRead, 1).await.unwrap();
    for user in [world.host, world.viewer] {
        world.core.audiences().beat(user, Role::Viewer, None).await.unwrap();
    }
    let mut other = SqliteConnection::establish(world.file().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    for _ in 0..2 {
        assert!(matches!(world.core.maintain().await, Err(Error::Storage(_))));
    }
    other.batch_execute("ROLLBACK").unwrap();
    world.core.shutdown().await;

    let config = world.core.config().clone();
    world.clock.advance(Seconds(3_599));
    world.core = Core::start(config, Arc::clone(&world.clock) as _, Arc::new(SystemRandom)).unwrap();
    let beat_at = world.core.store().read(|conn| {
        let members: Vec<UnixSeconds> = on!(conn, |c| audience::table.select(audience::beat_at).load(c))?;
        let lives: Vec<UnixSeconds> = on!(conn, |c| broadcasts::table
            .filter(broadcasts::state.eq(State::OnAir))
            .select(broadcasts::beat_at)
            .load(c))?;
        Ok([members, lives].concat())
    });
    assert_eq!(beat_at.await.unwrap(), [world.clock.now() - Seconds(3_599); 3]);
    let session = used(&world.core).await;
    let next = world.core.rooms().next_page(&session, Listing::OnAir, PageStart::LastRead, 1).await.unwrap();
    assert!(next.on_air.is_empty(), "the next page begins behind the last one");
}

fn report(room: RoomNumber) -> Report {
    Report {
        room,
        title: "t".to_owned(),
        cover: String::new(),
        kind: "live".to_owned(),
        group_id: room.to_string().into(),
        app: 1,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    }
}

#[tokio::test]
async fn changes_of_another_process_are_noticed_after_a_failed_upkeep() {
    let world = World::new(|_| {}).await;
    let neighbour = {
        let config = world.core.config().clone();
        Core::start(config, Arc::clone(&world.clock) as _, Arc::new(SystemRandom)).unwrap()
    };
    neighbour.broadcasts().stop_push(world.host, world.room).await.unwrap();
    assert!(world.core.broadcasts().of_room(world.room).await.unwrap().is_some(), "not yet");
    // The upkeep reads the change, but its batch does not commit.
    let (release, held) = hold(&world.core);
    let spoil = world.core.store().write(|tx| tx.conn.execute("ROLLBACK"));
    let upkeep = async { world.core.maintain().await };
    let answers = together::<Result<()>>(vec![Box::pin(upkeep), Box::pin(spoil)], || drop(release)).await;
    held.await.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Storage(_)))), "{answers:?}");
    assert!(world.core.broadcasts().of_room(world.room).await.unwrap().is_some(), "still not");
    world.core.maintain().await.unwrap();
    assert!(world.core.broadcasts().of_room(world.room).await.unwrap().is_none());
    neighbour.shutdown().await;
}

#[tokio::test]
async fn a_query_that_panics_fails_alone() {
    let world = World::new(|_| {}).await;
    for _ in 0..3 {
        let answer = world.core.store().snapshot::<()>(|_| panic!("a bug")).await;
        assert!(matches!(answer, Err(Error::Unavailable)));
        let failing = world.core.store().snapshot::<()>(|_| Err(Error::RoomNotFound)).await;
        assert!(matches!(failing, Err(Error::RoomNotFound)));
        assert_eq!(world.core.accounts().list(None, 10).await.unwrap().len(), 2);
        assert_eq!(
            world.core.audiences().group(&"host".into(), &"10001".into(), ALL).await.unwrap().total,
            0
        );
    }
    world.works().await;
}

#[tokio::test]
async fn a_full_queue_is_answered_busy_at_once() {
    let world = World::new(|config| config.database.queue = 2).await;
    let (release, held) = hold(&world.core);
    let answers = together::<Result<()>>(
        ["a", "b", "c", "d"].map(|name| Box::pin(world.set(name)) as std::pin::Pin<Box<_>>).into(),
        || assert_eq!(world.core.stats().queue_depth, 2),
    );
    let (answers, ()) = tokio::join!(answers, async { drop(release) });
    held.await.unwrap();
    assert!(matches!(answers[..], [Ok(()), Ok(()), Err(Error::Busy), Err(Error::Busy)]), "{answers:?}");
    world.works().await;
}

#[tokio::test]
async fn a_job_that_panics_fails_alone() {
    let world = World::new(|_| {}).await;
    let answer = world.core.store().write::<()>(|_| panic!("a bug")).await;
    assert!(matches!(answer, Err(Error::Unavailable)));
    world.works().await;
}

#[tokio::test]
async fn reads_go_on_during_a_slow_commit() {
    let world = World::new(|_| {}).await;
    let (release, held) = hold(&world.core);
    // The runtime has one thread, so these answers show that it does not wait for the writer.
    assert!(world.core.broadcasts().of_room(world.room).await.unwrap().is_some());
    assert!(!world.has("one").await);
    let names = ["one", "two", "three"];
    let writes = names.map(|name| Box::pin(world.set(name)) as std::pin::Pin<Box<_>>);
    let written = together::<Result<()>>(writes.into(), || {
        assert_eq!(world.core.stats().queue_depth, 3, "all of them share the next commit");
        drop(release);
    });
    assert!(written.await.iter().all(Result::is_ok));
    held.await.unwrap();
}

#[tokio::test]
async fn a_probe_does_not_block_its_thread() {
    let world = World::new(|_| {}).await;
    let mut other = SqliteConnection::establish(world.file().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let probe = Box::pin(world.core.probe()) as std::pin::Pin<Box<dyn Future<Output = Result<()>> + '_>>;
    // The writer waits for the lock. The caller does not, and may drop the future.
    let probed = together(vec![probe], || other.batch_execute("COMMIT").unwrap());
    assert!(probed.await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_job_that_ends_the_transaction_fails_its_batch_only() {
    let world = World::new(|_| {}).await;
    let spoilt = world.core.store().write(|tx| tx.conn.execute("ROLLBACK"));
    assert!(matches!(spoilt.await, Err(Error::Storage(_))));
    world.set("kept").await.unwrap();
    assert!(world.has("kept").await);
    world.works().await;
}

/// A clock that panics when it is told to.
#[derive(Debug, Default)]
struct Faulty(AtomicBool);

impl crate::Clock for Faulty {
    fn wall(&self) -> Duration {
        Duration::from_secs(1_700_000_000)
    }

    fn monotonic(&self) -> Duration {
        assert!(!self.0.load(Ordering::Relaxed), "a bug");
        Duration::ZERO
    }
}

#[tokio::test]
async fn a_panic_outside_of_jobs_ends_writing() {
    let world = World::new(|_| {}).await;
    let clock = Arc::new(Faulty::default());
    let config = world.core.config().clone();
    let core = Core::start(config, Arc::clone(&clock) as _, Arc::new(SystemRandom)).unwrap();
    core.store().write(|tx| put(tx.conn, "before")).await.unwrap();
    clock.0.store(true, Ordering::Relaxed);
    assert!(matches!(core.store().write(|tx| put(tx.conn, "lost")).await, Err(Error::Unavailable)));
    clock.0.store(false, Ordering::Relaxed);
    // Memory may differ from the file now, so no job runs any more.
    for _ in 0..2 {
        assert!(matches!(core.store().write(|tx| put(tx.conn, "next")).await, Err(Error::Unavailable)));
    }
    core.shutdown().await;
    for (name, kept) in [("before", true), ("lost", false), ("next", false)] {
        assert_eq!(world.has(name).await, kept, "{name}");
    }
}

#[tokio::test]
async fn nothing_is_written_after_a_shutdown() {
    let world = World::new(|_| {}).await;
    world.set("before").await.unwrap();
    world.core.shutdown().await;
    assert!(matches!(world.set("after").await, Err(Error::Unavailable)));
    let like = world.core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await;
    assert!(like.is_err(), "{like:?}");
    let mut other = SqliteConnection::establish(world.file().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN EXCLUSIVE; COMMIT").unwrap();
    let names: Vec<String> = settings::table.select(settings::name).load(&mut other).unwrap();
    assert!(names.contains(&"before".to_owned()) && !names.contains(&"after".to_owned()), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn storms_of_likes_and_single_likes_are_counted_exactly() {
    const EACH: i64 = 16;
    let world = World::new(|_| {}).await;
    let mut likes = 0;
    for callers in [1, 64, 1, 2, 1, 3, 64, 1] {
        let storm: Vec<_> = (0..callers)
            .map(|_| {
                let core = world.core.clone();
                tokio::spawn(async move {
                    for _ in 0..EACH {
                        core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
                    }
                })
            })
            .collect();
        for caller in storm {
            caller.await.unwrap();
        }
        likes += callers * EACH;
        let shown = world.core.broadcasts().of_room(world.room).await.unwrap().unwrap();
        assert_eq!(shown.likes, likes);
    }
    // A core that reads the file shows the same number.
    let config = world.core.config().clone();
    let reopened = Core::start(config, Arc::clone(&world.clock) as _, Arc::new(SystemRandom)).unwrap();
    assert_eq!(reopened.broadcasts().of_room(world.room).await.unwrap().unwrap().likes, likes);
}

#[tokio::test]
async fn a_like_without_a_transaction_whose_commit_fails_is_not_counted() {
    let world = World::new(|_| {}).await;
    let like = async || world.core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await;
    like().await.unwrap();
    // The statement succeeds, and the deferred constraint fails its commit.
    world
        .pragma(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY); \
             CREATE TABLE child (parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED); \
             CREATE TRIGGER orphan AFTER UPDATE ON counters BEGIN INSERT INTO child VALUES (7); END",
        )
        .await;
    let failed = like().await;
    assert!(matches!(failed, Err(Error::Storage(_))), "{failed:?}");
    world.pragma("DROP TRIGGER orphan").await;
    like().await.unwrap();
    let shown = world.core.broadcasts().of_room(world.room).await.unwrap().unwrap();
    assert_eq!(shown.likes, 2);
}

#[tokio::test]
async fn a_like_without_a_transaction_expires_what_is_due_first() {
    let world = World::new(|_| {}).await;
    world.clock.advance(Seconds(61));
    world.core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
    let on_air = world.core.store().read(|conn| {
        let on_air = on!(conn, |c| broadcasts::table
            .filter(broadcasts::state.eq(State::OnAir))
            .count()
            .get_result::<i64>(c))?;
        Ok(on_air)
    });
    assert_eq!(on_air.await.unwrap(), 0);
}
