//! A service that embeds the core, without the gateway: a host registers, goes live, is watched and liked, and leaves a
//! replay. Prints each step.
//!
//! ```sh
//! cargo run --example embed -p relive-core
//! ```

use std::{error::Error, io::Write, sync::Arc};

use relive_core::{
    CallbackSource, Config, Core, Counted, Dialect, FileFormat, HostLocation, Identifier, NewAccount,
    NewRecording, OnAirFilter, Password, RecordingFilter, RecordingOrder, Report, Role, Step, StreamEvent,
    SystemClock, SystemRandom, Window,
};

/// The first page of a list.
const FIRST: Window = Window { offset: 0, limit: 20 };

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

/// Runs the program on a temporary database.
pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = Config::sqlite(folder.path().join("relive.db"));
    let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom))?;
    // Every executor works: the core starts its own threads and needs no runtime.
    tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
        evening(&core, out).await?;
        core.shutdown().await;
        Ok(())
    })
}

async fn evening(core: &Core, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for id in ["anna", "bob"] {
        let account = core.accounts().register(NewAccount::new(id, Password::plain("secret"))).await?;
        writeln!(out, "registered {}", account.user_id)?;
    }
    let identifier = Identifier::UserId("anna".into());
    let (anna, _token) =
        core.accounts().login(Dialect::Sxb, identifier, &[Password::plain("secret")]).await?;
    let bob = core.accounts().find(&"bob".into()).await?.ok_or("bob is registered")?;

    let room = core.broadcasts().prepare(anna.id).await?;
    let report = Report {
        room,
        title: "Harbour at dusk".to_owned(),
        cover: String::new(),
        kind: "live".to_owned(),
        group_id: room.to_string().into(),
        app: 1,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    };
    core.broadcasts().report(anna.id, report).await?;
    writeln!(out, "{} is on air in room {room}", anna.user_id)?;

    core.audiences().enter(bob.id, room, Role::Viewer).await?;
    core.broadcasts().count(&"anna".into(), Counted::Like, Step::Up).await?;

    let lives = core.broadcasts().on_air(OnAirFilter::default(), FIRST).await?;
    for live in &lives.items {
        let (title, host) = (&live.title, &live.nickname);
        writeln!(out, "on air: {title} by {host}, {} viewers, {} likes", live.viewers, live.likes)?;
        let urls = core.config().media.play_urls(&live.stream_code, core.now());
        writeln!(out, "  watch it at {}", urls.flv)?;
    }
    for member in core.audiences().members(room, FIRST).await?.items {
        writeln!(out, "  in the room: {} ({:?})", member.user_id, member.role)?;
    }

    let live = core.broadcasts().require_on_air(room).await?;
    core.broadcasts().exit(anna.id, None).await?;
    writeln!(out, "{} is off the air", anna.user_id)?;

    // Minutes later the media server reports a file of the live.
    let file = NewRecording {
        file_id: "evening-1".into(),
        format: FileFormat::Mp4,
        url: "https://vod.example/evening-1.mp4".to_owned(),
        start_at: Some(live.started_at),
        end_at: None,
        duration: None,
        size: None,
    };
    let route = CallbackSource::Sxb { room: None };
    core.streams().event(live.stream_code.clone(), route, StreamEvent::Recorded(file)).await?;
    let replays = core
        .recordings()
        .list(RecordingFilter::default(), RecordingOrder::Ended { after: None }, FIRST)
        .await?;
    for replay in &replays.items {
        writeln!(out, "replay: {} by {} at {}", replay.title, replay.nickname, replay.play_url)?;
    }
    Ok(())
}
