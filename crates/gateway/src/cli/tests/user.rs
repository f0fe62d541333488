//! `relive user show` and `reset-grant` while a server has the database open.

use relive_core::{
    Announcement, CallbackSource, Counted, Dialect, FileFormat, HostLocation, Identifier, NewAccount,
    NewRecording, Password, Plan, ProfileUpdate, Report, ResetProof, Role, RoomText, Seconds, Sex, Step,
    StreamEvent, UserInfo,
};

use super::*;

fn show(directory: &TempDir, toml: &str, id: &str) -> Ran {
    run_reading("", directory, &format!("{CHEAP_HASHES}{toml}"), &["user", "show", id])
}

/// The output with `TIME` in place of every time.
fn timeless(out: &str) -> String {
    let word = |word: &str| match word.trim_end_matches(',') {
        time if time.starts_with("20") && time.ends_with('Z') => word.replace(time, "TIME"),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    out.lines().map(|text| line(text) + "\n").collect()
}

/// Whether a group of lines has one with this name and value.
fn has(out: &str, group: &str, name: &str, value: &str) -> bool {
    let mut lines = out.lines().skip_while(|line| *line != group).skip(1).take_while(|line| !line.is_empty());
    lines.any(|line| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim() == value))
}

async fn log_in(core: &Core, dialect: Dialect, id: &str) {
    let forms = [Password::plain("pw")];
    core.accounts().login(dialect, Identifier::UserId(id.into()), &forms).await.unwrap();
}

/// Stores a host with profile, room, live, audience, sessions and recordings.
pub(super) async fn host_lin(core: &Core) {
    let new = |id: &str| NewAccount::new(id, Password::plain("pw"));
    let phone = Some("13800000000".to_owned());
    let host = core.accounts().register(NewAccount { phone, ..new("lin") }).await.unwrap().id;
    let fan = core.accounts().register(new("fan")).await.unwrap().id;
    let profile = ProfileUpdate {
        nickname: Some("小林\u{1b}[2J".to_owned()),
        avatar: Some("http://pic/a".to_owned()),
        sex: Some(Sex::Female),
        frontcover: Some("http://pic/f".to_owned()),
        address: Some("Bonn".to_owned()),
    };
    core.accounts().update_profile(host, profile).await.unwrap();
    for dialect in [Dialect::MinilvbV2, Dialect::Sxb, Dialect::Qplus, Dialect::Qplus] {
        log_in(core, dialect, "lin").await;
    }
    let text = RoomText { name: "Stage".to_owned(), topic: "jazz".to_owned(), ..RoomText::default() };
    let room = core.rooms().name(host, text, |_| Ok::<(), ()>(())).await.unwrap().unwrap();
    let plan = Plan { title: "next".to_owned(), cover: String::new(), location: "Köln".to_owned() };
    core.rooms().plan(host, plan).await.unwrap();
    let report = Report {
        room,
        title: "Evening".to_owned(),
        cover: "http://pic/c".to_owned(),
        kind: "live".to_owned(),
        group_id: "g1".into(),
        app: 7,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    };
    core.broadcasts().report(host, report).await.unwrap();
    core.audiences().enter(fan, room, Role::Viewer).await.unwrap();
    core.rooms().follow(fan, room).await.unwrap();
    core.broadcasts().count(&"lin".into(), Counted::Like, Step::Up).await.unwrap();
    core.broadcasts().count(&"lin".into(), Counted::AnonymousViewer, Step::Up).await.unwrap();
    let stream = core.broadcasts().latest(&"lin".into()).await.unwrap().unwrap().stream_code.clone();
    let recorded = |file_id: &str, format, age: i64| NewRecording {
        file_id: file_id.into(),
        format,
        url: format!("http://vod/{file_id}"),
        start_at: None,
        end_at: Some(core.now() - Seconds(age)),
        duration: Some(Seconds(90)),
        size: None,
    };
    for recording in [
        recorded("new", FileFormat::Mp4, 1_000),
        recorded("old", FileFormat::Mp4, 700_000),
        recorded("playlist", FileFormat::Hls, 5_000),
    ] {
        let event = StreamEvent::Recorded(recording);
        core.streams().event(stream.clone(), CallbackSource::Shared, event).await.unwrap();
    }
}

#[test]
fn an_account_is_shown_as_every_dialect_sees_it() {
    let directory = tempfile::tempdir().unwrap();
    let core = server_core(&directory);
    block_on(async {
        host_lin(&core).await;
        Ok(())
    })
    .unwrap();
    let before = files(&directory);
    let ran = show(&directory, "", "lin");
    assert!(ran.ok && ran.err.is_empty(), "{}", ran.err);
    assert_eq!(files(&directory), before, "showing an account changed the database");

    assert_eq!(timeless(&ran.out), SHOWN);
}

const SHOWN: &str = r#"account
  user id         "lin"
  kind            registered
  phone           "13800000000"
  e-mail          -
  created         TIME
  recordings      3
  short videos    0

room
  number          10001
  followers       1
  broadcast       on air
  driven by       sxb
  title           "Evening"
  since           TIME
  ends            TIME unless its host renews it
  stream          "1000_0796ae234ffa5b77a3a4bc05cda7c7ee"
  members         2
  viewers         2
  likes           1

minilvb-v1
  acts            with Liteav-Sig of its minilvb-v2 session
  status          "1", in FetchList
  title           "Evening"
  groupid         "g1"
  viewercount     2
  likecount       1
  userinfo
    nickname      "小林\u{1b}[2J"
    headpic       "http://pic/a"
    frontcover    "http://pic/c"
    location      ""
  recordings      1 in FetchList

minilvb-v2
  sessions        1, last used TIME, can be refreshed until TIME
  nickname        "小林\u{1b}[2J"
  avatar          "http://pic/a"
  sex             1
  frontcover      "http://pic/f"
  upload_room     TIME
    title         "next"
    frontcover    "http://pic/f"
    location      "Köln"
  recordings      2 in /get_vod_list

sxb
  sessions        1, last used TIME
  roomnum         10001
  roomlist        listed
    title         "Evening"
    cover         "http://pic/c"
    type          "live"
    groupid       "g1"
    thumbup       1
    memsize       2
  recordings      3 in recordlist

qplus
  sessions        2, last used TIME
  nickName        "小林\u{1b}[2J"
  sex             2
  headPicId       0
  address         "Bonn"
  liveRoomId      10001
  liveRoomName    "Stage"
  liveRoomDesc    ""
  liveRoomTopic   "jazz"
  anchorName      "小林\u{1b}[2J"
  followCount     1
  playerCount     2
  isPlay          1

roomservice
  sessions        0
  get_room_list   listed
    praise        1
    audienceCount 2
"#;

/// Database and log, byte for byte.
fn files(directory: &TempDir) -> Vec<Vec<u8>> {
    ["relive.db", "relive.db-wal"].map(|name| fs::read(directory.path().join(name)).unwrap()).to_vec()
}

#[test]
fn guests_and_the_effect_of_settings_are_shown() {
    let directory = tempfile::tempdir().unwrap();
    let missing = show(&directory, "", "visitor");
    assert!(!missing.ok && missing.err.contains("there is no database"), "{}", missing.err);
    assert!(!directory.path().join("relive.db").exists(), "showing an account created a database");
    let core = server_core(&directory);
    block_on(async {
        let info = UserInfo { nickname: "Vi".to_owned(), location: "Ulm".to_owned(), ..UserInfo::default() };
        let live = Announcement { group_id: "g".into(), title: "walk".to_owned(), user_info: info };
        core.broadcasts().announce(relive_core::Actor::Unproven("visitor".into()), live).await?;
        Ok(())
    })
    .unwrap();
    let ran = show(&directory, "", "visitor");
    for (group, name, value) in [
        ("account", "kind", "guest"),
        ("room", "broadcast", "announced, or off air for now"),
        ("minilvb-v1", "acts", "without proof"),
        ("minilvb-v1", "status", r#""0", in no list"#),
        ("minilvb-v1", "nickname", r#""Vi""#),
        ("minilvb-v1", "location", r#""Ulm""#),
        ("sxb", "sessions", "0"),
        ("sxb", "roomlist", "not listed"),
        ("qplus", "nickName", r#""Vi""#),
        ("qplus", "sex", "1"),
        ("qplus", "playerCount", "0"),
        ("qplus", "isPlay", "0"),
        ("roomservice", "get_room_list", "not listed"),
    ] {
        assert!(has(&ran.out, group, name, value), "{group} {name} {value}\n{}", ran.out);
    }
    let off = show(&directory, "[minilvb_v1]\nguests = false\n[sxb]\nenabled = false\n", "visitor");
    let acts = "without proof, but cannot go on air: minilvb_v1.guests is closed";
    assert!(has(&off.out, "minilvb-v1", "acts", acts), "{}", off.out);
    assert!(has(&off.out, "sxb (disabled)", "roomlist", "not listed"), "{}", off.out);
    let unknown = show(&directory, "", "Visitor");
    assert!(!unknown.ok && unknown.out.is_empty());
    assert!(unknown.err.contains(r#"no account has the id "Visitor""#), "{}", unknown.err);
}

#[test]
fn a_reset_grant_made_beside_a_server_works_once() {
    let directory = tempfile::tempdir().unwrap();
    let core = server_core(&directory);
    let reset = async || {
        let proof = ResetProof::Of { session: None, code: None };
        core.accounts().reset_password("13800000000", &Password::plain("new"), proof).await.is_ok()
    };
    let grant = |toml: &str, phone: &str| {
        run_reading("", &directory, &format!("{CHEAP_HASHES}{toml}"), &["user", "reset-grant", phone])
    };
    block_on(async {
        let phone = Some("13800000000".to_owned());
        core.accounts()
            .register(NewAccount { phone, ..NewAccount::new("lin", Password::plain("pw")) })
            .await?;
        Ok(())
    })
    .unwrap();
    let proof = "[qplus]\npassword_reset = \"proof\"\n";
    assert!(!block_on(async { Ok(reset().await) }).unwrap());
    let ran = grant(proof, "13800000000");
    assert!(ran.ok && ran.err.is_empty(), "{}", ran.err);
    assert_eq!(ran.out, "Within ten minutes 13800000000 may set a new password once.\n");
    assert!(block_on(async { Ok(reset().await) }).unwrap());
    assert!(!block_on(async { Ok(reset().await) }).unwrap());

    assert!(grant("", "13800000000").err.contains("qplus.password_reset is \"proof\""));
    let unknown = grant(proof, "1");
    assert!(!unknown.ok && unknown.err.contains("no such account"), "{}", unknown.err);
}

#[test]
fn the_command_that_creates_the_database_makes_it_private() {
    for arguments in [&["user", "add", "bob", "--password-stdin"][..], &["db", "migrate"]] {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let url = format!("database.url=sqlite://{}/relive.db", data.display());
        let arguments: Vec<_> = ["--set", &url].iter().chain(arguments).copied().collect();
        assert!(run_reading("secret\n", &directory, "", &arguments).ok);
        let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("relive.db")), (0o700, 0o600));
        for file in ["relive.db-wal", "relive.db-shm"].into_iter().filter(|name| data.join(name).exists()) {
            assert_eq!(mode(file), 0o600, "{file}");
        }
    }
}

#[test]
fn commands_for_an_existing_database_do_not_create_one() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    // A file that is not a copy of a database.
    let toml = directory.path().join("relive.toml");
    let add = &["user", "add", "bob", "--password-stdin"][..];
    let commands: &[&[&str]] = &[
        &["user", "list"],
        &["user", "show", "bob"],
        &["user", "passwd", "bob", "--password-stdin"],
        &["user", "reset-grant", "13800000000"],
        &["user", "delete", "bob", "--yes"],
        &["db", "backup", "copy.db"],
        &["db", "check"],
        &["db", "restore", toml.to_str().unwrap()],
    ];
    let url = format!("database.url=sqlite://{}/relive.db", data.display());
    let run = |command: &[&str]| {
        let arguments: Vec<_> = ["--set", &url].iter().chain(command).copied().collect();
        run_reading("secret\n", &directory, "", &arguments)
    };
    for command in commands {
        let ran = run(command);
        let reason = if command.contains(&"restore") { "is not a copy" } else { "there is no database" };
        assert!(!ran.ok && ran.err.contains(reason), "{command:?}: {}", ran.err);
        assert!(!data.join("relive.db").exists(), "{command:?}");
    }
    let ran = run(add);
    assert!(ran.ok && ran.err.contains("there is no database"), "{}", ran.err);
    let ran = run(add);
    assert!(!ran.ok && !ran.err.contains("there is no database"), "{}", ran.err);
}
