//! The search for the account that a stream code belongs to.

use super::*;

async fn owner(world: &World, code: &str, route: CallbackSource) -> Option<String> {
    let id = format!("probe-{code}-{route:?}");
    // At a time of its own: a file that overlaps another recording would be merged into it.
    let from = 2_000 * i64::try_from(recordings(world).await.len()).unwrap();
    let file = StreamEvent::Recorded(file(&id, FileFormat::Mp4, from, from + 1_000));
    match world.core.streams().event(code.into(), route, file).await {
        Ok(()) => recordings(world)
            .await
            .into_iter()
            .find(|one| one.file_id.as_str() == id)
            .map(|one| one.user_id.to_string()),
        Err(Error::RoomNotFound) => None,
        Err(error) => panic!("{error:?}"),
    }
}

fn sxb(room: i64) -> CallbackSource {
    CallbackSource::Sxb { room: Some(RoomNumber(room)) }
}

#[tokio::test]
async fn a_stored_code_comes_first_on_every_path() {
    let world = World::new();
    announced(&world, "a_b").await; // 1000_a_b
    announced(&world, "a.b").await; // would be the same code, so it gets a digest
    let other = world.user("other").await;
    let room = world.core.broadcasts().prepare(other).await.unwrap();
    let code = latest(&world, "a.b").await.stream_code.clone();
    assert_ne!(code, "1000_a_b");
    for route in [CallbackSource::Shared, CallbackSource::Sxb { room: None }, sxb(room.0)] {
        assert_eq!(owner(&world, &code, route).await.as_deref(), Some("a.b"));
    }
    assert_eq!(owner(&world, "1000_a_b", sxb(room.0)).await.as_deref(), Some("a_b"));
    assert_eq!(owner(&world, "1000_A_B", CallbackSource::Shared).await, None, "codes compare exactly");
}

#[tokio::test]
async fn then_a_digest_of_an_sxb_room_after_the_last_underscore() {
    use relive_core::sign::stream::{VideoSource, bypass_digest};
    let world = World::new();
    let host = world.user("host").await;
    let room = world.core.broadcasts().prepare(host).await.unwrap();
    announced(&world, "other").await;
    let others = latest(&world, "other").await.room;
    for source in [VideoSource::Camera, VideoSource::Screen] {
        let digest = bypass_digest(room, &"host".into(), source);
        for code in [format!("1000_{digest}"), format!("8888_{digest}"), format!("x_y_{digest}"), digest] {
            for route in [CallbackSource::Shared, CallbackSource::Sxb { room: None }, sxb(others.0)] {
                assert_eq!(owner(&world, &code, route).await.as_deref(), Some("host"), "{code}");
            }
        }
    }
}

#[tokio::test]
async fn last_the_room_number_on_sxbs_path_or_the_user_id_on_the_shared_paths() {
    let world = World::new();
    let host = world.user("host").await;
    let room = world.core.broadcasts().prepare(host).await.unwrap();
    assert_eq!(owner(&world, "nonsense", sxb(room.0)).await.as_deref(), Some("host"));
    assert_eq!(owner(&world, "nonsense", sxb(room.0 + 1)).await, None);
    assert_eq!(owner(&world, "8888_host", CallbackSource::Sxb { room: None }).await, None);
    assert_eq!(owner(&world, "8888_host", CallbackSource::Shared).await.as_deref(), Some("host"));
    assert_eq!(owner(&world, "8888_host_suffix", CallbackSource::Shared).await.as_deref(), Some("host"));
    assert_eq!(owner(&world, "8888_host_a_b", CallbackSource::Shared).await.as_deref(), Some("host"));
    assert_eq!(owner(&world, "8888_hos", CallbackSource::Shared).await, None);
    assert_eq!(owner(&world, "host", CallbackSource::Shared).await, None, "no business id");
    world.user("roomless").await;
    assert_eq!(owner(&world, "8888_roomless", CallbackSource::Shared).await, None);
    // The longest id that has a room.
    announced(&world, "host_a").await;
    assert_eq!(owner(&world, "8888_host_a_b", CallbackSource::Shared).await.as_deref(), Some("host_a"));
    world.user("host_a_b").await;
    assert_eq!(owner(&world, "8888_host_a_b", CallbackSource::Shared).await.as_deref(), Some("host_a"));
}

#[tokio::test]
async fn a_stream_without_an_owner_is_ignored_and_its_recording_is_refused() {
    let world = World::new();
    for event in [started(None), stopped(None)] {
        world.event("1000_nobody", event).await.unwrap();
    }
    let lost = world.recorded("1000_nobody", file("f", FileFormat::Mp4, 0, 100)).await;
    assert!(matches!(lost, Err(Error::RoomNotFound)));
}
