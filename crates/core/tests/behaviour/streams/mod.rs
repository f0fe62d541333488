//! Notices of the media cloud: the owner of a stream, the effect on its broadcast, the stored recordings (contracts
//! minilvb-v1 §6.3, minilvb-v2 §6, sxb §6).

mod merge;
mod on_air;
mod owner;
mod publish;
mod recording;

use relive_core::{
    Broadcast, CallbackSource, Counted, Error, FileFormat, NewRecording, Plan, Recording, RecordingFilter,
    RecordingHint, RecordingOrder, RoomNumber, Seconds, State, Step, StreamEvent, UserInfo,
};

use crate::support::{ALL, START, World, announcement, guest, report};

/// A notice that publishing started.
fn started(sequence: Option<&str>) -> StreamEvent {
    StreamEvent::Started { sequence: sequence.map(str::to_owned) }
}

/// A notice that publishing stopped.
fn stopped(sequence: Option<&str>) -> StreamEvent {
    StreamEvent::Stopped { sequence: sequence.map(str::to_owned) }
}

/// A file from `from` to `to`, in seconds after [`START`], at a URL made of id and format.
fn file(id: &str, format: FileFormat, from: i64, to: i64) -> NewRecording {
    NewRecording {
        file_id: id.into(),
        format,
        url: url(id, format),
        start_at: Some(START + Seconds(from)),
        end_at: Some(START + Seconds(to)),
        duration: None,
        size: None,
    }
}

fn url(id: &str, format: FileFormat) -> String {
    format!("http://vod.example/{id}.{format:?}")
}

/// Delivers the notice of a finished file on sxb's path.
async fn on_sxb(
    world: &World,
    code: &str,
    room: Option<RoomNumber>,
    file: NewRecording,
) -> Result<(), Error> {
    world.core.streams().event(code.into(), CallbackSource::Sxb { room }, StreamEvent::Recorded(file)).await
}

/// All recordings, the latest stored first.
async fn recordings(world: &World) -> Vec<Recording> {
    let every = RecordingFilter::default();
    let page = world.core.recordings().list(every, RecordingOrder::Stored, ALL).await.unwrap();
    page.items.iter().map(|one| Recording::clone(one)).collect()
}

async fn ids(world: &World) -> Vec<String> {
    recordings(world).await.into_iter().map(|recording| recording.file_id.to_string()).collect()
}

async fn latest(world: &World, user: &str) -> Broadcast {
    world.core.broadcasts().latest(&user.into()).await.unwrap().unwrap()
}

/// Announces a live of a guest; its stream code is `1000_<id>`.
async fn announced(world: &World, id: &str) {
    world.core.broadcasts().announce(guest(id), announcement(id)).await.unwrap();
}
