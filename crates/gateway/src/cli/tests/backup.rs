//! `relive db backup` and `restore` while a server has the database open. On PostgreSQL if `RELIVE_TEST_POSTGRES` names
//! a server, else on SQLite.

use relive_core::{
    Actor, CallbackSource, DatabaseConfig, MemberNames, NewAccount, NewShortVideo, Password, Picture,
    StreamEvent,
    database::{self, Scratch},
};

use super::{user::host_lin, *};

/// Password in the URLs of the databases. Their server accepts every password.
const PASSWORD: &str = "hunter2";

/// A folder, and a database in the folder or on the PostgreSQL server.
struct TestDatabase {
    directory: TempDir,
    settings: Settings,
    _scratch: Option<Scratch>,
    /// Output and errors of all commands.
    printed: String,
}

#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn server() -> Option<String> {
    std::env::var("RELIVE_TEST_POSTGRES").ok()
}

impl TestDatabase {
    fn empty() -> Self {
        Self::with(|server| Scratch::empty(server).unwrap())
    }

    fn with(make: impl FnOnce(&str) -> Scratch) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let scratch = server().map(|server| make(&server));
        let mut settings = Settings::default();
        settings.database.url = scratch.as_ref().map_or_else(
            || format!("sqlite://{}/relive.db", directory.path().display()),
            // Many operators have the password in the URL.
            |scratch| scratch.url().replacen("://relive@", &format!("://relive:{PASSWORD}@"), 1),
        );
        (settings.accounts.argon2.memory_kib, settings.accounts.argon2.iterations) = (8, 1);
        Self { directory, settings, _scratch: scratch, printed: String::new() }
    }

    fn config(&self) -> DatabaseConfig {
        self.settings.database()
    }

    fn rows(&self) -> Vec<String> {
        database::rows(&self.config()).unwrap()
    }

    /// Whether `relive db WORDS` succeeds.
    fn db(&mut self, words: &[&str]) -> bool {
        let url = format!("database.url={}", self.settings.database.url);
        let arguments: Vec<_> = ["db"].iter().chain(words).chain(&["--set", &url]).copied().collect();
        let ran = run_reading("", &self.directory, "", &arguments);
        self.printed.extend(["$ ", &words.join(" "), "\n", &ran.out, &ran.err]);
        ran.ok
    }

    fn core(&self) -> Core {
        start_core(&self.settings).unwrap()
    }
}

fn run_on(work: impl Future<Output = ()>) {
    let work = async {
        work.await;
        Ok(())
    };
    block_on(work).unwrap();
}

/// Stores at least one row in every table.
async fn fill(core: &Core) {
    host_lin(core).await;
    let gone = core.accounts().register(NewAccount::new("gone", Password::plain("pw"))).await.unwrap();
    core.broadcasts().prepare(gone.id).await.unwrap();
    core.accounts().delete(&"gone".into()).await.unwrap();
    let lin = core.accounts().find(&"lin".into()).await.unwrap().unwrap();
    let picture = Picture(vec![0, 9, 10, b'\\', 255].into());
    core.accounts().set_head_picture(lin.id, picture).await.unwrap();
    core.accounts().grant_reset("13800000000").await.unwrap();
    let guest = || Actor::Unproven("guest \"one\", \\N\t'2'".into());
    core.short_videos().upload(guest(), short_video("clip")).await.unwrap();
    core.audiences()
        .enter_recording(guest(), &"lin".into(), &"new".into(), MemberNames::default())
        .await
        .unwrap();
    core.accounts().report(guest(), &"lin".into()).await.unwrap();
    let push = StreamEvent::Started { sequence: Some("7".to_owned()) };
    core.streams().event("1000_lin".into(), CallbackSource::Shared, push).await.unwrap();
}

fn short_video(file_id: &str) -> NewShortVideo {
    NewShortVideo {
        file_id: file_id.into(),
        title: "夜 ☕".to_owned(),
        play_url: "http://vod/clip".to_owned(),
        ..NewShortVideo::default()
    }
}

/// Adds rows after a restore: they must get new ids and numbers.
async fn add_rows(core: &Core) {
    let lin = core.accounts().find(&"lin".into()).await.unwrap().unwrap();
    let late = core.accounts().register(NewAccount::new("late", Password::plain("pw"))).await.unwrap();
    assert!(late.id > lin.id);
    assert_eq!(
        core.broadcasts().prepare(late.id).await.unwrap().0,
        10_003,
        "10002 belonged to a deleted account"
    );
    core.accounts().set_head_picture(late.id, Picture(vec![1].into())).await.unwrap();
    let late = || Actor::Unproven("later".into());
    core.short_videos().upload(late(), short_video("another")).await.unwrap();
    core.accounts().report(late(), &"lin".into()).await.unwrap();
    core.audiences().enter_group(late(), &"lin".into(), &"g1".into(), MemberNames::default()).await.unwrap();
}

fn without<'a>(rows: &'a [String], table: &str) -> Vec<&'a String> {
    rows.iter().filter(|row| !row.starts_with(&format!("{table}: "))).collect()
}

#[test]
fn a_backup_restores_every_table_and_a_failed_restore_changes_nothing() {
    let mut source = TestDatabase::empty();
    database::keep_secrets(&source.config(), &[("callback.key", "kept".to_owned())]).unwrap();
    let core = source.core();
    run_on(fill(&core));
    let rows = source.rows();
    for table in database::tables(&source.config()).unwrap() {
        assert!(rows.iter().any(|row| row.starts_with(&format!("{table}: "))), "{table} is empty");
    }

    // The core still has the database open.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let copy = copy.to_str().unwrap();
    assert!(source.db(&["backup", copy]), "{}", source.printed);
    assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = fs::read(copy).unwrap();
    assert!(!source.db(&["backup", copy]), "backup must not overwrite a file");
    assert_eq!(fs::read(copy).unwrap(), bytes);
    // A backup leaves out the messages between running gateways.
    let expected = without(&rows, "changes");
    assert_eq!(without(&source.rows(), "changes"), expected, "a backup changed the database");

    let mut target = TestDatabase::empty();
    assert!(target.db(&["restore", copy]), "{}", target.printed);
    assert_eq!(target.rows().iter().collect::<Vec<_>>(), expected);
    let restored = target.core();
    run_on(add_rows(&restored));
    run_on(restored.shutdown());
    // Its connections hold the lock that a restore needs.
    drop(restored);

    // The target is not empty any more: only --replace may change it.
    let changed = target.rows();
    assert_ne!(changed, rows);
    assert!(!target.db(&["restore", copy]) && target.printed.contains("--replace"), "{}", target.printed);
    let damaged = folder.path().join("damaged");
    for length in [0, 100, bytes.len() / 2, bytes.len() - 100] {
        fs::write(&damaged, &bytes[..length]).unwrap();
        assert!(!target.db(&["restore", "--replace", damaged.to_str().unwrap()]), "{length} bytes");
    }
    fs::write(&damaged, "this is no database, however long it is".repeat(100)).unwrap();
    assert!(!target.db(&["restore", "--replace", damaged.to_str().unwrap()]));
    assert_eq!(target.rows(), changed, "a failed restore changed the database");
    assert!(target.db(&["restore", "--replace", copy]), "{}", target.printed);
    assert_eq!(target.rows().iter().collect::<Vec<_>>(), expected);
    assert!(target.db(&["check"]), "{}", target.printed);
    for printed in [&source.printed, &target.printed] {
        assert!(!printed.contains(PASSWORD), "{printed}");
    }
    println!("{}{}", source.printed, target.printed);
}

#[test]
fn a_failed_backup_leaves_no_file() {
    let Some(server) = server() else { return };
    let mut source = TestDatabase::empty();
    let copy = source.directory.path().join("copy");
    let copy = copy.to_str().unwrap().to_owned();
    let failed = !source.db(&["backup", &copy]);
    assert!(failed && source.printed.contains("no tables of relive"), "{}", source.printed);
    source.settings.database.url =
        format!("{}_not_there", server.replacen("://relive@", &format!("://relive:{PASSWORD}@"), 1));
    assert!(!source.db(&["backup", &copy]) && source.printed.contains("_not_there"), "{}", source.printed);
    assert!(!Path::new(&copy).exists() && !source.printed.contains(PASSWORD), "{}", source.printed);
}
