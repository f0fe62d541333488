//! Copies a SQLite database into PostgreSQL. Run by `cargo xtask test`, which provides the server.

#![expect(clippy::unwrap_used, reason = "a test that meets something else has failed")]

use std::sync::Arc;

use relive_core::{
    Actor, Announcement, CallbackSource, Config, Core, Counted, DatabaseConfig, FileFormat, MemberNames,
    NewAccount, NewRecording, OnAirFilter, Password, RecordingFilter, RecordingOrder, StartError, Step,
    StreamEvent, TestClock, TestRandom, UnixSeconds, Window,
    database::{self, Beside, Scratch},
};

const ALL: Window = Window { offset: 0, limit: 1_000 };

#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn server() -> Option<String> {
    std::env::var("RELIVE_TEST_POSTGRES").ok()
}

fn start(database: &DatabaseConfig) -> Core {
    let mut config = Config::sqlite("");
    config.database = database.clone();
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_iterations = 1;
    config.background = false;
    Core::start(config, Arc::new(TestClock::at(UnixSeconds(1_700_000_000))), Arc::new(TestRandom::seeded(1)))
        .unwrap()
}

/// Everything that lists show of a database, as text.
async fn listed(core: &Core) -> Vec<String> {
    let accounts = core.accounts().list(None, 1_000).await.unwrap();
    let on_air = core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap();
    let recordings =
        core.recordings().list(RecordingFilter::default(), RecordingOrder::Stored, ALL).await.unwrap();
    let group = core.audiences().group(&"host".into(), &"g".into(), ALL).await.unwrap();
    accounts
        .iter()
        .map(|account| format!("{account:?}"))
        .chain(on_air.items.iter().map(|live| format!("{live:?}")))
        .chain(recordings.items.iter().map(|recording| format!("{recording:?}")))
        .chain(group.items.iter().map(|member| format!("{member:?}")))
        .collect()
}

async fn fill(core: &Core) {
    for id in ["Anna", "anton", "Änne", "berta", "gone"] {
        let imported = id == "anton";
        let new = NewAccount { imported, ..NewAccount::new(id, Password::plain("secret")) };
        core.accounts().register(new).await.unwrap();
    }
    let host = Actor::Unproven("host".into());
    let announcement =
        Announcement { group_id: "g".into(), title: "t".to_owned(), ..Announcement::default() };
    let live = core.broadcasts().announce(host.clone(), announcement).await.unwrap();
    core.broadcasts().put_on_air(host).await.unwrap();
    for viewer in 0..1_234 {
        let viewer = Actor::Unproven(format!("viewer{viewer}").into());
        core.audiences()
            .enter_group(viewer, &"host".into(), &"g".into(), MemberNames::default())
            .await
            .unwrap();
    }
    core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
    let gone = core.accounts().find(&"gone".into()).await.unwrap().unwrap();
    assert_eq!(core.broadcasts().prepare(gone.id).await.unwrap().0, 10_002);
    core.accounts().delete(&"gone".into()).await.unwrap();
    let recorded = StreamEvent::Recorded(NewRecording {
        file_id: "f".into(),
        format: FileFormat::Mp4,
        url: "http://vod.example/1.mp4".to_owned(),
        start_at: Some(UnixSeconds(1_699_999_000)),
        end_at: Some(UnixSeconds(1_699_999_900)),
        duration: None,
        size: Some(7),
    });
    for event in [recorded, StreamEvent::Started { sequence: Some("7".to_owned()) }] {
        core.streams().event(live.stream_code.clone(), CallbackSource::Shared, event).await.unwrap();
    }
}

#[tokio::test]
async fn a_copy_is_complete_and_continues_the_numbers() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let from = Config::sqlite(folder.path().join("relive.db")).database;
    let core = start(&from);
    fill(&core).await;
    let before = listed(&core).await;
    core.shutdown().await;

    let target = Scratch::create(&server).unwrap();
    let to = DatabaseConfig { url: target.url().to_owned(), ..from.clone() };
    let databases = database::Transfer { from: &from, to: &to };
    let mut last = None;
    let rows =
        database::copy(databases, &[("callback.key", "kept".to_owned())], Beside::Nobody, |progress| {
            last = Some(progress);
        })
        .unwrap();
    let last = last.unwrap();
    assert_eq!((last.done, last.total), (rows, rows));
    assert!(matches!(
        database::copy(databases, &[], Beside::Nobody, |_| {}),
        Err(StartError::NotACopy("the target is not empty"))
    ));
    let backwards = database::Transfer { from: &to, to: &from };
    assert!(matches!(database::copy(backwards, &[], Beside::Nobody, |_| {}), Err(StartError::NotACopy(_))));
    assert!(database::damage(&to).unwrap().is_empty());
    let kept = database::keep_secrets(&to, &[("callback.key", "another".to_owned())]).unwrap();
    assert_eq!(kept, [("callback.key", "kept".to_owned())]);

    let core = start(&to);
    assert_eq!(listed(&core).await, before);
    let berta = core.accounts().find(&"berta".into()).await.unwrap().unwrap();
    assert_eq!(core.broadcasts().prepare(berta.id).await.unwrap().0, 10_003, "no room number is given twice");
    let late = Actor::Unproven("late".into());
    core.audiences().enter_group(late, &"host".into(), &"g".into(), MemberNames::default()).await.unwrap();
    let group = core.audiences().group(&"host".into(), &"g".into(), ALL).await.unwrap();
    assert_eq!((group.total, group.items.last().unwrap().user_id.as_str()), (1_235, "viewer999"));
    let end = Window { offset: 1_234, limit: 1 };
    assert_eq!(
        core.audiences().group(&"host".into(), &"g".into(), end).await.unwrap().items[0].user_id,
        "late"
    );
    core.shutdown().await;
}
