//! The connection to PostgreSQL breaks after a commit and before anybody hears of it. Run by `cargo xtask test`, which
//! gives the server.

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

/// In what is sent with a like, and in nothing the mirror asks for.
const HOST: &str = "host-of-a-cut-off-like";
/// The mirror has read everything anew this soon.
const SOON: Duration = Duration::from_secs(2);

/// Passes on what core and database say to each other, until it is told to keep an answer to itself.
struct Relay {
    address: String,
    armed: Arc<AtomicBool>,
}

impl Relay {
    fn start(database: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let armed = Arc::new(AtomicBool::new(false));
        let cuts = Arc::clone(&armed);
        thread::spawn(move || {
            for core in listener.incoming() {
                let (core, database) = (core.unwrap(), TcpStream::connect(&database).unwrap());
                // Of this connection: the next answer is not passed on.
                let secret = Arc::new(AtomicBool::new(false));
                let (from, to) = (core.try_clone().unwrap(), database.try_clone().unwrap());
                let (armed, marks) = (Arc::clone(&cuts), Arc::clone(&secret));
                thread::spawn(move || {
                    pass(from, to, |bytes| {
                        let names = bytes.windows(HOST.len()).any(|part| part == HOST.as_bytes());
                        if names && armed.swap(false, Ordering::SeqCst) {
                            marks.store(true, Ordering::SeqCst);
                        }
                        true
                    });
                });
                thread::spawn(move || pass(database, core, |_| !secret.load(Ordering::SeqCst)));
            }
        });
        Self { address, armed }
    }
}

/// Passes on what is read, as long as it may.
fn pass(mut from: TcpStream, mut to: TcpStream, mut may: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer)
        && let Some(bytes) = buffer.get(..read)
        && may(bytes)
        && to.write_all(bytes).is_ok()
    {}
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// A database, if there is a server, and the way to it through a relay.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn database() -> Option<(Scratch, Relay, String)> {
    let server = std::env::var("RELIVE_TEST_POSTGRES").ok()?;
    let database = Scratch::create(&server).unwrap();
    let (user, rest) = database.url().rsplit_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let relay = Relay::start(address.to_owned());
    // The relay has to see what is said.
    let url = format!("{user}@{}/{name}?sslmode=disable", relay.address);
    Some((database, relay, url))
}

async fn likes(core: &Core) -> Result<i64, Error> {
    let live = core.broadcasts().on_air(OnAirFilter::default(), Window { offset: 0, limit: 1 }).await?;
    Ok(live.items.first().map_or(-1, |live| live.likes))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_like_that_was_counted_after_all_is_shown() {
    let Some((_database, relay, url)) = database() else { return };
    let mut config = Config::sqlite("");
    config.database.url = url;
    // One: the like that is cut off goes through the same connection as the one before.
    config.database.writers = 1;
    let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let host = Actor::Unproven(HOST.to_owned());
    core.broadcasts().announce(host.clone(), Announcement::default()).await.unwrap();
    core.broadcasts().set_on_air(host, true).await.unwrap();
    core.broadcasts().count(HOST, Counted::Like, Step::Up).await.unwrap();
    assert_eq!(likes(&core).await.unwrap(), 1);

    relay.armed.store(true, Ordering::SeqCst);
    let cut_off = core.broadcasts().count(HOST, Counted::Like, Step::Up).await;
    assert!(matches!(cut_off, Err(Error::Unavailable)), "nobody knows whether it is counted: {cut_off:?}");
    assert!(!relay.armed.load(Ordering::SeqCst), "nothing was cut off");
    let started = Instant::now();
    while !matches!(likes(&core).await, Ok(2)) {
        assert!(started.elapsed() < SOON, "{:?}, and there are 2", likes(&core).await);
        tokio::task::yield_now().await;
    }
    core.broadcasts().count(HOST, Counted::Like, Step::Up).await.unwrap();
    assert_eq!(likes(&core).await.unwrap(), 3);
    core.shutdown().await;
}
