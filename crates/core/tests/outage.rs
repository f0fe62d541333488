//! PostgreSQL stops and starts again. Run by `cargo xtask test`, which provides a server for this test alone.

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
/// Longest time of a request, whatever happens to the database.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// Time within which writes work again after PostgreSQL accepts connections.
const RECOVERY_LIMIT: Duration = Duration::from_secs(2);
const RESTARTS: usize = 5;
const WRITERS: usize = 16;

/// The server of this test: its URL, and the words that call `pg_ctl` on it.
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

/// The answers that the writers have received.
#[derive(Default)]
struct Answers {
    members: Mutex<Vec<String>>,
    likes: AtomicI64,
    attempts: AtomicI64,
    longest: Mutex<Duration>,
    stop: AtomicBool,
}

async fn write(core: Core, answers: Arc<Answers>, writer: usize) {
    for count in 0_u32.. {
        if answers.stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("guest-{writer}-{count}");
        let started = Instant::now();
        let guest = Actor::Unproven(name.clone().into());
        if core
            .audiences()
            .enter_group(guest, &"host".into(), &"g".into(), MemberNames::default())
            .await
            .is_ok()
        {
            answers.members.lock().unwrap().push(name);
        }
        answers.attempts.fetch_add(1, Ordering::Relaxed);
        if core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.is_ok() {
            answers.likes.fetch_add(1, Ordering::Relaxed);
        }
        let mut longest = answers.longest.lock().unwrap();
        *longest = longest.max(started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acknowledged_writes_survive_and_the_service_recovers_within_two_seconds() {
    let Some((url, words)) = server() else { return };
    // Waits until the other test that stops this server is done.
    let turn = File::create(std::env::temp_dir().join(format!("relive-{}.lock", md5_hex(&url)))).unwrap();
    turn.lock().unwrap();
    let database = Scratch::create(&url).unwrap();
    let mut config = Config::sqlite("");
    database.url().clone_into(&mut config.database.url);
    let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let host = Actor::Unproven("host".into());
    let announcement = Announcement { group_id: "g".into(), ..Announcement::default() };
    core.broadcasts().announce(host.clone(), announcement).await.unwrap();
    core.broadcasts().set_on_air(host, true).await.unwrap();

    let answers = Arc::new(Answers::default());
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(write(core.clone(), Arc::clone(&answers), writer))).collect();
    for _ in 0..RESTARTS {
        let before = answers.likes.load(Ordering::Relaxed);
        while answers.likes.load(Ordering::Relaxed) < before + 100 {
            core.probe().await.unwrap();
        }
        let words = words.clone();
        tokio::task::spawn_blocking(move || control(&words, &["restart", "--mode=immediate"])).await.unwrap();
        let accepts = Instant::now();
        while core.probe().await.is_err() {
            assert!(accepts.elapsed() < RECOVERY_LIMIT, "the service is not back");
        }
    }
    answers.stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(
        *answers.longest.lock().unwrap() < REQUEST_LIMIT * 2,
        "two requests: {:?}",
        answers.longest.lock().unwrap()
    );
    core.maintain().await.unwrap();
    let live = core.broadcasts().latest(&"host".into()).await.unwrap().unwrap();
    let (likes, attempts) = (answers.likes.load(Ordering::Relaxed), answers.attempts.load(Ordering::Relaxed));
    assert!((likes..=attempts).contains(&live.likes), "{likes} <= {} <= {attempts}", live.likes);
    let group = core.audiences().group(&"host".into(), &"g".into(), ALL).await.unwrap();
    let listed: std::collections::HashSet<_> =
        group.items.iter().map(|member| member.user_id.as_str()).collect();
    let members = answers.members.lock().unwrap().clone();
    assert!(members.len() > 100 && members.iter().all(|member| listed.contains(member.as_str())));
    assert_eq!(usize::try_from(live.viewers).unwrap(), group.total, "the read model agrees with the tables");

    // While PostgreSQL is stopped, writes, reads and answers from memory fail promptly. After its start all of them work.
    control(&words, &["stop", "--mode=fast"]);
    let refused = async |what: &str, error: Option<Error>| {
        assert!(matches!(error, Some(Error::Unavailable | Error::Storage(_))), "{what}: {error:?}");
    };
    let stopped = Instant::now();
    refused("a write", core.probe().await.err()).await;
    while core.broadcasts().on_air(OnAirFilter::default(), ALL).await.is_ok() {
        assert!(
            stopped.elapsed() < Duration::from_secs(1),
            "the read model is served although it may be stale"
        );
        tokio::task::yield_now().await;
    }
    refused("a read", core.accounts().find(&"host".into()).await.err()).await;
    refused("a like", core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.err()).await;
    assert!(stopped.elapsed() < REQUEST_LIMIT);
    control(&words, &["start"]);
    let accepts = Instant::now();
    while core.probe().await.is_err() || core.broadcasts().on_air(OnAirFilter::default(), ALL).await.is_err()
    {
        assert!(accepts.elapsed() < RECOVERY_LIMIT, "the service is not back");
    }
    assert_eq!(core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap().total, 1);
}
