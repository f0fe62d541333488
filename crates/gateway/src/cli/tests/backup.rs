//! `relive db backup` and `restore`, beside a server that has the database open: with SQLite, and with PostgreSQL once
//! more where `RELIVE_TEST_POSTGRES` names a server.

use relive_core::{
    Actor, DatabaseConfig, MemberNames, NewAccount, NewShortVideo, Password, Picture,
    database::{self, Scratch},
};
use tempfile::TempDir;

use super::{user::host_lin, *};

/// In the URLs of databases that ask for none.
const PASSWORD: &str = "hunter2";

/// A folder, and a database in it or on the server.
struct HostLocation {
    directory: TempDir,
    settings: Settings,
    _scratch: Option<Scratch>,
    /// Everything any command said.
    said: String,
}

#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn server() -> Option<String> {
    std::env::var("RELIVE_TEST_POSTGRES").ok()
}

impl HostLocation {
    fn empty() -> Self {
        Self::with(|server| Scratch::empty(server).unwrap())
    }

    fn with(make: impl FnOnce(&str) -> Scratch) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let scratch = server().map(|server| make(&server));
        let mut settings = Settings::default();
        settings.database.url = scratch.as_ref().map_or_else(
            || format!("sqlite://{}/relive.db", directory.path().display()),
            // The password is in the URL, as many operators have it; the server for tests takes any.
            |scratch| scratch.url().replacen("://relive@", &format!("://relive:{PASSWORD}@"), 1),
        );
        (settings.accounts.argon2.memory_kib, settings.accounts.argon2.iterations) = (8, 1);
        Self { directory, settings, _scratch: scratch, said: String::new() }
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
        self.said.extend(["$ ", &words.join(" "), "\n", &ran.out, &ran.err]);
        ran.ok
    }

    fn core(&self) -> Core {
        start(&self.settings).unwrap()
    }
}

fn run_on(work: impl Future<Output = ()>) {
    let work = async {
        work.await;
        Ok(())
    };
    block_on(work).unwrap();
}

/// Something in every table.
async fn fill(core: &Core) {
    host_lin(core).await;
    let gone = core.accounts().register(NewAccount::new("gone", Password::plain("pw"))).await.unwrap();
    core.broadcasts().prepare(gone.id).await.unwrap();
    core.accounts().delete("gone").await.unwrap();
    let lin = core.accounts().find("lin").await.unwrap().unwrap();
    let picture = Picture(vec![0, 9, 10, b'\\', 255].into());
    core.accounts().set_head_picture(lin.id, picture).await.unwrap();
    core.accounts().grant_reset("13800000000").await.unwrap();
    let guest = || Actor::Unproven("guest \"one\", \\N\t'2'".to_owned());
    core.short_videos().upload(guest(), short_video("clip")).await.unwrap();
    core.audiences().enter_recording(guest(), "lin", "new", MemberNames::default()).await.unwrap();
    core.accounts().report(guest(), "lin").await.unwrap();
}

fn short_video(file_id: &str) -> NewShortVideo {
    NewShortVideo {
        file_id: file_id.to_owned(),
        title: "夜 ☕".to_owned(),
        play_url: "http://vod/clip".to_owned(),
        ..NewShortVideo::default()
    }
}

/// What comes next gets numbers of its own.
async fn go_on(core: &Core) {
    let lin = core.accounts().find("lin").await.unwrap().unwrap();
    let late = core.accounts().register(NewAccount::new("late", Password::plain("pw"))).await.unwrap();
    assert!(late.id > lin.id);
    assert_eq!(
        core.broadcasts().prepare(late.id).await.unwrap().0,
        10_003,
        "10002 was somebody's who is gone"
    );
    core.accounts().set_head_picture(late.id, Picture(vec![1].into())).await.unwrap();
    let late = || Actor::Unproven("later".to_owned());
    core.short_videos().upload(late(), short_video("another")).await.unwrap();
    core.accounts().report(late(), "lin").await.unwrap();
    core.audiences().enter_group(late(), "lin", "g1", MemberNames::default()).await.unwrap();
}

fn without<'a>(rows: &'a [String], table: &str) -> Vec<&'a String> {
    rows.iter().filter(|row| !row.starts_with(&format!("{table}: "))).collect()
}

#[test]
fn a_backup_holds_everything_and_comes_back_whole() {
    let mut place = HostLocation::empty();
    database::keep_secrets(&place.config(), &[("callback.key", "kept".to_owned())]).unwrap();
    let core = place.core();
    run_on(fill(&core));
    let rows = place.rows();
    for table in database::tables(&place.config()).unwrap() {
        assert!(rows.iter().any(|row| row.starts_with(&format!("{table}: "))), "{table} is empty");
    }

    // While it is open.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let copy = copy.to_str().unwrap();
    assert!(place.db(&["backup", copy]), "{}", place.said);
    assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = fs::read(copy).unwrap();
    assert!(!place.db(&["backup", copy]), "never overwrites");
    assert_eq!(fs::read(copy).unwrap(), bytes);
    // What siblings tell each other is of no use later.
    let expected = without(&rows, "changes");
    assert_eq!(without(&place.rows(), "changes"), expected, "nothing is changed by a backup");

    let mut other = HostLocation::empty();
    assert!(other.db(&["restore", copy]), "{}", other.said);
    assert_eq!(other.rows().iter().collect::<Vec<_>>(), expected);
    let restored = other.core();
    run_on(go_on(&restored));
    run_on(restored.shutdown());

    // It is not empty any more, and stays as it is until told otherwise.
    let changed = other.rows();
    assert_ne!(changed, rows);
    assert!(!other.db(&["restore", copy]) && other.said.contains("--replace"), "{}", other.said);
    let damaged = folder.path().join("damaged");
    for length in [0, 100, bytes.len() / 2, bytes.len() - 100] {
        fs::write(&damaged, &bytes[..length]).unwrap();
        assert!(!other.db(&["restore", "--replace", damaged.to_str().unwrap()]), "{length} bytes");
    }
    fs::write(&damaged, "this is no database, however long it is".repeat(100)).unwrap();
    assert!(!other.db(&["restore", "--replace", damaged.to_str().unwrap()]));
    assert_eq!(other.rows(), changed, "nothing was touched");
    assert!(other.db(&["restore", "--replace", copy]), "{}", other.said);
    assert_eq!(other.rows().iter().collect::<Vec<_>>(), expected);
    assert!(other.db(&["check"]), "{}", other.said);
    for said in [&place.said, &other.said] {
        assert!(!said.contains(PASSWORD), "{said}");
    }
    println!("{}{}", place.said, other.said);
}

#[test]
fn an_archive_that_fails_leaves_no_file() {
    let Some(server) = server() else { return };
    let mut place = HostLocation::empty();
    let copy = place.directory.path().join("copy");
    let copy = copy.to_str().unwrap().to_owned();
    assert!(!place.db(&["backup", &copy]) && place.said.contains("nothing of relive"), "{}", place.said);
    place.settings.database.url =
        format!("{}_not_there", server.replacen("://relive@", &format!("://relive:{PASSWORD}@"), 1));
    assert!(!place.db(&["backup", &copy]) && place.said.contains("_not_there"), "{}", place.said);
    assert!(!Path::new(&copy).exists() && !place.said.contains(PASSWORD), "{}", place.said);
}
