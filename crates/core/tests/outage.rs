//! PostgreSQL goes away and comes back. Run by `cargo xtask test`, which gives this test a server of its own to stop.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else has failed"
)]

use std::{
    fs::File,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use relive_core::{
    Actor, Announcement, Config, Core, Counted, Error, MemberNames, OnAirFilter, Step, SystemClock,
    SystemRandom, Window, database::Scratch, sign::digest::md5_hex,
};

const ALL: Window = Window { offset: 0, limit: 100_000 };
/// No request takes longer, whatever happens to the database.
const LONGEST: Duration = Duration::from_secs(5);
/// Writes work again this soon after PostgreSQL accepts connections.
const BACK: Duration = Duration::from_secs(2);
const RESTARTS: usize = 5;
const WRITERS: usize = 16;

/// A server of one's own: its URL, and the words that call `pg_ctl` on it.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn server() -> Option<(String, Vec<String>)> {
    let url = std::env::var("RELIVE_TEST_POSTGRES_OWN").ok()?;
    let control = std::env::var("RELIVE_TEST_POSTGRES_CONTROL").ok()?;
    Some((url, control.split(' ').map(str::to_owned).collect()))
}

fn control(words: &[String], action: &[&str]) {
    let mut command = Command::new(&words[0]);
    let status = command.args(&words[1..]).args(action).arg("--wait").arg("--silent").status().unwrap();
    assert!(status.success(), "pg_ctl {action:?}");
}

/// What the writers have been told.
#[derive(Default)]
struct Told {
    members: Mutex<Vec<String>>,
    likes: AtomicI64,
    attempts: AtomicI64,
    longest: Mutex<Duration>,
    stop: AtomicBool,
}

async fn write(core: Core, told: Arc<Told>, writer: usize) {
    for count in 0_u32.. {
        if told.stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("guest-{writer}-{count}");
        let started = Instant::now();
        let who = Actor::Unproven(name.clone());
        if core.audiences().enter_group(who, "host", "g", MemberNames::default()).await.is_ok() {
            told.members.lock().unwrap().push(name);
        }
        told.attempts.fetch_add(1, Ordering::Relaxed);
        if core.broadcasts().count("host", Counted::Like, Step::Up).await.is_ok() {
            told.likes.fetch_add(1, Ordering::Relaxed);
        }
        let mut longest = told.longest.lock().unwrap();
        *longest = longest.max(started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_survives_and_the_service_is_back_at_once() {
    let Some((url, words)) = server() else { return };
    // The other test that stops this server runs at another time.
    let turn = File::create(std::env::temp_dir().join(format!("relive-{}.lock", md5_hex(&url)))).unwrap();
    turn.lock().unwrap();
    let database = Scratch::create(&url).unwrap();
    let mut config = Config::sqlite("");
    database.url().clone_into(&mut config.database.url);
    let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let host = Actor::Unproven("host".to_owned());
    let announcement = Announcement { group_id: "g".to_owned(), ..Announcement::default() };
    core.broadcasts().announce(host.clone(), announcement).await.unwrap();
    core.broadcasts().set_on_air(host, true).await.unwrap();

    let told = Arc::new(Told::default());
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(write(core.clone(), Arc::clone(&told), writer))).collect();
    for _ in 0..RESTARTS {
        let before = told.likes.load(Ordering::Relaxed);
        while told.likes.load(Ordering::Relaxed) < before + 100 {
            core.probe().await.unwrap();
        }
        let words = words.clone();
        tokio::task::spawn_blocking(move || control(&words, &["restart", "--mode=immediate"])).await.unwrap();
        let accepts = Instant::now();
        while core.probe().await.is_err() {
            assert!(accepts.elapsed() < BACK, "the service is not back");
        }
    }
    told.stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(*told.longest.lock().unwrap() < LONGEST * 2, "two requests: {:?}", told.longest.lock().unwrap());
    core.maintain().await.unwrap();
    let live = core.broadcasts().latest("host").await.unwrap().unwrap();
    let (likes, attempts) = (told.likes.load(Ordering::Relaxed), told.attempts.load(Ordering::Relaxed));
    assert!((likes..=attempts).contains(&live.likes), "{likes} <= {} <= {attempts}", live.likes);
    let group = core.audiences().group("host", "g", ALL).await.unwrap();
    let there: std::collections::HashSet<_> =
        group.items.iter().map(|member| member.user_id.as_str()).collect();
    let members = told.members.lock().unwrap().clone();
    assert!(members.len() > 100 && members.iter().all(|member| there.contains(member.as_str())));
    assert_eq!(usize::try_from(live.viewers).unwrap(), group.total, "memory is what the tables are");

    // Stopped: refused promptly, by what writes, by what reads, and by what is served from memory. Back: all of it.
    control(&words, &["stop", "--mode=fast"]);
    let refused = async |what: &str, error: Option<Error>| {
        assert!(matches!(error, Some(Error::Unavailable | Error::Storage(_))), "{what}: {error:?}");
    };
    let stopped = Instant::now();
    refused("a write", core.probe().await.err()).await;
    while core.broadcasts().on_air(OnAirFilter::default(), ALL).await.is_ok() {
        assert!(stopped.elapsed() < Duration::from_secs(1), "memory is shown though it may be old");
        tokio::task::yield_now().await;
    }
    refused("a read", core.accounts().find("host").await.err()).await;
    refused("a like", core.broadcasts().count("host", Counted::Like, Step::Up).await.err()).await;
    assert!(stopped.elapsed() < LONGEST);
    control(&words, &["start"]);
    let accepts = Instant::now();
    while core.probe().await.is_err() || core.broadcasts().on_air(OnAirFilter::default(), ALL).await.is_err()
    {
        assert!(accepts.elapsed() < BACK, "the service is not back");
    }
    assert_eq!(core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap().total, 1);
}
