//! Who is alone commits where it is: as durably as the writer's thread, and in nobody's way.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::store::writer::ALONE;

/// A world whose next caller is alone.
async fn alone(in_place: bool) -> World {
    let world = World::new(|config| config.database.commit_in_place = in_place).await;
    for _ in 0..ALONE {
        place(&world.core).await;
    }
    world
}

/// The thread a job runs on.
async fn place(core: &Core) -> String {
    let name =
        |_: &mut super::super::Tx<'_>| Ok(std::thread::current().name().unwrap_or("unnamed").to_owned());
    core.store().write(name).await.unwrap()
}

const WRITER: &str = "relive-write";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_slow_disk_keeps_only_who_waits_for_it() {
    slow_disk().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_slow_for_once_keeps_only_who_waits_for_it() {
    slow_disk().await;
}

async fn listener() -> tokio::net::TcpListener {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn slow_disk() {
    let world = alone(true).await;
    assert_ne!(place(&world.core).await, WRITER);
    let (first, second) = (listener().await, listener().await);
    let addresses = [&first, &second].map(|listener| listener.local_addr().unwrap());
    let (entered, has_entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let core = world.core.clone();
    let slow = tokio::spawn(async move {
        // Like a request: what wakes up the worker is a socket.
        first.accept().await.unwrap();
        core.store()
            .write(move |_| {
                let _ = entered.send(std::thread::current().name().map(str::to_owned));
                let _ = released.recv();
                Ok(())
            })
            .await
    });
    let next = tokio::spawn(async move { second.accept().await });
    // One worker sleeps at the sockets, the other wherever it may: nobody would wake it up for the second of them.
    let metrics = tokio::runtime::Handle::current().metrics();
    while (0..metrics.num_workers()).any(|worker| metrics.worker_park_unpark_count(worker).is_multiple_of(2))
    {
        std::thread::yield_now();
    }
    let _writes = std::net::TcpStream::connect(addresses[0]).unwrap();
    assert_ne!(has_entered.recv().unwrap().as_deref(), Some(WRITER));
    let _only_connects = std::net::TcpStream::connect(addresses[1]).unwrap();
    // A worker of the runtime is waiting for the disk, maybe the only one. Whoever does not write goes on, also who waits at
    // a socket, and whoever writes shares the commit that comes next.
    assert!(next.await.unwrap().is_ok());
    let core = world.core.clone();
    assert!(tokio::spawn(async move { core.broadcasts().of_room(world.room).await }).await.unwrap().is_ok());
    let writes = ["one", "two", "three"].map(|name| Box::pin(world.set(name)) as std::pin::Pin<Box<_>>);
    let written = together::<Result<()>>(writes.into(), || {
        assert_eq!(world.core.stats().queue_depth, 3);
        drop(release);
    });
    assert!(written.await.iter().all(Result::is_ok));
    slow.await.unwrap().unwrap();
    for commit in 0..ALONE {
        assert_eq!(place(&world.core).await, WRITER, "{commit} commits after the shared one");
    }
    assert_ne!(place(&world.core).await, WRITER, "alone again");
}

#[tokio::test]
async fn a_runtime_of_one_thread_is_not_kept() {
    let world = alone(true).await;
    assert_eq!(place(&world.core).await, WRITER);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_where_it_is_asked_for() {
    let world = alone(false).await;
    assert_eq!(place(&world.core).await, WRITER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_can_be_given_up() {
    let world = alone(true).await;
    let thread = |_: &mut super::super::Tx<'_>| Ok(std::thread::current().name().map(str::to_owned));
    // The probe of readiness is written loosely, like what is written in the background.
    assert_eq!(world.core.store().write_loosely(thread).await.unwrap().as_deref(), Some(WRITER));
    let mut other = SqliteConnection::establish(world.file().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let probe = Box::pin(world.core.probe()) as std::pin::Pin<Box<dyn Future<Output = Result<()>> + '_>>;
    // It waits for the lock; who asked does not, and may let it go.
    let probed = together(vec![probe], || other.batch_execute("COMMIT").unwrap());
    assert!(probed.await.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_call_from_where_no_thread_may_wait_is_the_only_one_that_fails() {
    let world = alone(true).await;
    let core = world.core.clone();
    let local = tokio::task::LocalSet::new();
    let call = local.spawn_local(async move { place(&core).await });
    let refused = local.run_until(call).await;
    assert!(refused.is_err_and(|error| error.is_panic()));
    assert_ne!(place(&world.core).await, WRITER);
    world.works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_place_is_not_the_end() {
    let world = alone(true).await;
    let store = world.core.store();
    let panicked = store.write::<()>(|tx| {
        put(tx.conn, "panicked")?;
        panic!("a bug")
    });
    assert!(matches!(panicked.await, Err(Error::Unavailable)));
    let refused = store.write::<()>(|tx| {
        put(tx.conn, "refused")?;
        Err(Error::RoomNotFound)
    });
    assert!(matches!(refused.await, Err(Error::RoomNotFound)));
    let spoilt = store.write(|tx| tx.conn.execute("ROLLBACK"));
    assert!(matches!(spoilt.await, Err(Error::Storage(_))));
    world.set("kept").await.unwrap();
    assert_ne!(place(&world.core).await, WRITER);
    for (name, kept) in [("panicked", false), ("refused", false), ("kept", true)] {
        assert_eq!(world.has(name).await, kept, "{name}");
    }
    world.works().await;
}

/// A clock that can be broken.
#[derive(Debug, Default)]
struct Faulty(AtomicBool);

impl crate::Clock for Faulty {
    fn now(&self) -> crate::UnixSeconds {
        assert!(!self.0.load(Ordering::Relaxed), "a bug");
        1_700_000_000
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bug_outside_of_jobs_ends_writing_in_place_too() {
    let world = alone(true).await;
    let clock = Arc::new(Faulty::default());
    let config = world.core.config().clone();
    let core = Core::start(config, Arc::clone(&clock) as _, Arc::new(SystemRandom)).unwrap();
    for _ in 0..ALONE {
        place(&core).await;
    }
    assert_ne!(place(&core).await, WRITER);
    clock.0.store(true, Ordering::Relaxed);
    let own = core.clone();
    let failed = tokio::spawn(async move { own.store().write(|tx| put(tx.conn, "lost")).await }).await;
    assert!(failed.is_err_and(|error| error.is_panic()));
    clock.0.store(false, Ordering::Relaxed);
    // What memory holds may not be what the file holds: nothing goes on as if nothing had happened.
    for _ in 0..2 {
        assert!(matches!(core.store().write(|tx| put(tx.conn, "next")).await, Err(Error::Unavailable)));
    }
    core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_after_the_end() {
    let world = alone(true).await;
    world.set("before").await.unwrap();
    world.core.shutdown().await;
    assert!(matches!(world.set("after").await, Err(Error::Unavailable)));
    let like = world.core.broadcasts().count("host", Counted::Like, Step::Up).await;
    assert!(like.is_err(), "{like:?}");
    let mut other = SqliteConnection::establish(world.file().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN EXCLUSIVE; COMMIT").unwrap();
    let names: Vec<String> = settings::table.select(settings::name).load(&mut other).unwrap();
    assert!(names.contains(&"before".to_owned()) && !names.contains(&"after".to_owned()), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn storms_and_lone_likes_take_turns() {
    let world = alone(true).await;
    let like =
        |core: Core| async move { core.broadcasts().count("host", Counted::Like, Step::Up).await.unwrap() };
    let mut likes = 0;
    for callers in [1, 64, 1, 2, 1, 3, 64, 1] {
        let storm: Vec<_> = (0..callers)
            .map(|_| {
                let core = world.core.clone();
                tokio::spawn(async move {
                    for _ in 0..ALONE * 2 {
                        like(core.clone()).await;
                    }
                })
            })
            .collect();
        for caller in storm {
            caller.await.unwrap();
        }
        likes += callers * ALONE * 2;
        let shown = world.core.broadcasts().of_room(world.room).await.unwrap().unwrap();
        assert_eq!(shown.likes, i64::from(likes));
    }
    // What memory says is what the file says.
    let config = world.core.config().clone();
    let reopened = Core::start(config, Arc::clone(&world.clock) as _, Arc::new(SystemRandom)).unwrap();
    let shown = reopened.broadcasts().of_room(world.room).await.unwrap().unwrap();
    assert_eq!(shown.likes, i64::from(likes));
}

#[tokio::test]
async fn a_lone_like_whose_commit_fails_is_not_counted() {
    let world = alone(false).await;
    let like = async || world.core.broadcasts().count("host", Counted::Like, Step::Up).await;
    like().await.unwrap();
    // The statement succeeds; what it leaves behind is refused when it is committed.
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
async fn a_lone_like_ends_what_has_timed_out_first() {
    let world = alone(false).await;
    world.clock.advance(61);
    world.core.broadcasts().count("host", Counted::Like, Step::Up).await.unwrap();
    let on_air = world.core.store().read(|conn| {
        let on_air = on!(conn, |c| broadcasts::table
            .filter(broadcasts::state.eq(State::OnAir))
            .count()
            .get_result::<i64>(c))?;
        Ok(on_air)
    });
    assert_eq!(on_air.await.unwrap(), 0);
}
