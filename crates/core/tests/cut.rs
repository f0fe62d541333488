//! The connection to PostgreSQL breaks after a commit and before its confirmation arrives. Run by `cargo xtask test`,
//! which provides the server.

#![expect(clippy::unwrap_used, reason = "a test that meets something else has failed")]

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use relive_core::{
    Actor, Announcement, Config, Core, Counted, Error, OnAirFilter, Step, SystemClock, SystemRandom, Window,
    database::Scratch,
};

/// Occurs in the statement of a like, and in no statement of the follower.
const HOST: &str = "host-of-a-cut-off-like";
/// Time within which the follower has read everything anew.
const RELOAD_LIMIT: Duration = Duration::from_secs(2);

/// Forwards the bytes between core and database. While armed, it swallows the answer to the next like and closes the
/// connection.
struct Relay {
    address: String,
    armed: Arc<AtomicBool>,
}

impl Relay {
    fn start(database: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let armed = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&armed);
        thread::spawn(move || {
            for core in listener.incoming() {
                let (core, database) = (core.unwrap(), TcpStream::connect(&database).unwrap());
                // Whether the next answer on this connection is swallowed.
                let swallow = Arc::new(AtomicBool::new(false));
                let (from, to) = (core.try_clone().unwrap(), database.try_clone().unwrap());
                let (armed, mark) = (Arc::clone(&shared), Arc::clone(&swallow));
                thread::spawn(move || {
                    pass(from, to, |bytes| {
                        let is_like = bytes.windows(HOST.len()).any(|part| part == HOST.as_bytes());
                        if is_like && armed.swap(false, Ordering::SeqCst) {
                            mark.store(true, Ordering::SeqCst);
                        }
                        true
                    });
                });
                thread::spawn(move || pass(database, core, |_| !swallow.load(Ordering::SeqCst)));
            }
        });
        Self { address, armed }
    }
}

/// Forwards bytes from one socket to the other until `may` refuses some.
fn pass(mut from: TcpStream, mut to: TcpStream, mut may: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer)
        && let Some(bytes) = buffer.get(..read)
        && may(bytes)
        && to.write_all(bytes).is_ok()
    {}
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// Creates a database and a relay in front of it, if there is a server.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn database() -> Option<(Scratch, Relay, String)> {
    let server = std::env::var("RELIVE_TEST_POSTGRES").ok()?;
    let database = Scratch::create(&server).unwrap();
    let (user, rest) = database.url().rsplit_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let relay = Relay::start(address.to_owned());
    // The relay has to read the statements, so they must not be encrypted.
    let url = format!("{user}@{}/{name}?sslmode=disable", relay.address);
    Some((database, relay, url))
}

async fn likes(core: &Core) -> Result<i64, Error> {
    let live = core.broadcasts().on_air(OnAirFilter::default(), Window { offset: 0, limit: 1 }).await?;
    Ok(live.items.first().map_or(-1, |live| live.likes))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_like_is_shown_although_its_confirmation_was_lost() {
    let Some((_database, relay, url)) = database() else { return };
    let mut config = Config::sqlite("");
    config.database.url = url;
    // One writer, so that both likes use the same connection.
    config.database.writers = 1;
    let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let host = Actor::Unproven(HOST.to_owned());
    core.broadcasts().announce(host.clone(), Announcement::default()).await.unwrap();
    core.broadcasts().set_on_air(host, true).await.unwrap();
    core.broadcasts().count(HOST, Counted::Like, Step::Up).await.unwrap();
    assert_eq!(likes(&core).await.unwrap(), 1);

    relay.armed.store(true, Ordering::SeqCst);
    let cut_off = core.broadcasts().count(HOST, Counted::Like, Step::Up).await;
    assert!(matches!(cut_off, Err(Error::Unavailable)), "the outcome is unknown: {cut_off:?}");
    assert!(!relay.armed.load(Ordering::SeqCst), "no answer was swallowed");
    let started = Instant::now();
    while !matches!(likes(&core).await, Ok(2)) {
        assert!(started.elapsed() < RELOAD_LIMIT, "{:?} likes instead of 2", likes(&core).await);
        tokio::task::yield_now().await;
    }
    core.broadcasts().count(HOST, Counted::Like, Step::Up).await.unwrap();
    assert_eq!(likes(&core).await.unwrap(), 3);
    core.shutdown().await;
}
