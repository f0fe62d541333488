//! Files of one recording: which files are merged, and which of them is shown.

use super::*;
use FileFormat::{Flv, Hls, Mp4, Other};

#[tokio::test]
async fn the_shared_paths_store_only_files_longer_than_a_minute() {
    let world = World::new();
    announced(&world, "anna").await;
    world.recorded("1000_anna", file("60", Mp4, 0, 60)).await.unwrap();
    world.recorded("1000_anna", file("back", Mp4, 100, 0)).await.unwrap();
    assert!(recordings(&world).await.is_empty());
    world.recorded("1000_anna", file("61", Mp4, 0, 61)).await.unwrap();
    on_sxb(&world, "1000_anna", None, file("1", Mp4, 0, 1)).await.unwrap();
    on_sxb(&world, "1000_anna", None, file("0", Mp4, 5, 5)).await.unwrap();
    assert_eq!(ids(&world).await, ["0", "1", "61"]);
}

#[tokio::test]
async fn the_shortest_recording_is_configurable() {
    let world = World::with(|config| config.media.shortest_recording = Seconds(10));
    announced(&world, "anna").await;
    world.recorded("1000_anna", file("10", Mp4, 0, 10)).await.unwrap();
    world.recorded("1000_anna", file("11", Mp4, 20, 31)).await.unwrap();
    assert_eq!(ids(&world).await, ["11"]);
    let world = World::with(|config| config.media.shortest_recording = Seconds(0));
    announced(&world, "anna").await;
    world.recorded("1000_anna", file("0", Mp4, 5, 5)).await.unwrap();
    world.recorded("1000_anna", file("1", Mp4, 20, 21)).await.unwrap();
    assert_eq!(ids(&world).await, ["1", "0"]);
}

#[tokio::test]
async fn a_repeated_notice_changes_nothing() {
    let world = World::new();
    announced(&world, "anna").await;
    for _ in 0..3 {
        world.recorded("1000_anna", file("f", Mp4, 0, 100)).await.unwrap();
    }
    for _ in 0..3 {
        on_sxb(&world, "1000_anna", None, file("f", Mp4, 0, 100)).await.unwrap();
    }
    let [one] = recordings(&world).await.try_into().unwrap();
    assert_eq!((one.likes, one.viewers, one.stored_at), (0, 0, START + Seconds(60)));
    // A file with this id of another owner is another recording.
    announced(&world, "bob").await;
    world.recorded("1000_bob", file("f", Mp4, 0, 100)).await.unwrap();
    assert_eq!(recordings(&world).await.len(), 2);
}

#[tokio::test]
async fn a_notice_of_a_known_file_changes_only_its_url() {
    let world = World::new();
    announced(&world, "anna").await;
    world.recorded("1000_anna", file("f", Mp4, 0, 100)).await.unwrap();
    let again = NewRecording { url: "http://new".to_owned(), size: Some(9), ..file("f", Mp4, 500, 900) };
    world.recorded("1000_anna", again).await.unwrap();
    let [one] = recordings(&world).await.try_into().unwrap();
    assert_eq!(
        (&*one.play_url, one.start_at, one.end_at, one.size),
        ("http://new", START, START + Seconds(100), 0)
    );
}

#[tokio::test]
async fn a_file_that_overlaps_exactly_one_recording_is_merged_into_it() {
    let world = World::new();
    announced(&world, "anna").await;
    let store = async |recording| world.recorded("1000_anna", recording).await.unwrap();
    store(file("a", Flv, 0, 100)).await;
    store(file("a2", Hls, 0, 100)).await; // equal
    store(file("a3", Hls, 1, 99)).await; // inside
    assert_eq!(ids(&world).await, ["a"]);
    store(file("b", Flv, 100, 200)).await; // touches
    assert_eq!(ids(&world).await, ["b", "a"]);
    store(file("c", Mp4, 99, 161)).await; // overlaps two
    assert_eq!(ids(&world).await, ["c", "b", "a"]);
    store(file("d", Mp4, 199, 300)).await; // overlaps b by a second
    assert_eq!(ids(&world).await, ["c", "b", "a"]);
    let b = world.core.recordings().find(&"anna".into(), &"b".into()).await.unwrap().unwrap();
    assert_eq!(b.play_url, url("d", Mp4));
    // Only recordings of the same owner are compared.
    announced(&world, "bob").await;
    world.recorded("1000_bob", file("x", Mp4, 0, 100)).await.unwrap();
    assert_eq!(recordings(&world).await.len(), 4);
}

#[tokio::test]
async fn a_better_file_is_never_replaced_by_a_worse_one() {
    for (first, then, wins) in [
        (Mp4, Flv, false),
        (Mp4, Other, false),
        (Flv, Other, false),
        (Other, Flv, true),
        (Other, Mp4, true),
        (Flv, Mp4, true),
        (Mp4, Mp4, true),
        (Flv, Flv, true),
        (Other, Other, true),
    ] {
        for shared in [true, false] {
            let world = World::new();
            announced(&world, "anna").await;
            world.recorded("1000_anna", file("f", first, 0, 100)).await.unwrap();
            let next = NewRecording { url: "http://next".to_owned(), ..file("f", then, 0, 100) };
            if shared {
                world.recorded("1000_anna", next).await.unwrap();
            } else {
                on_sxb(&world, "1000_anna", None, next).await.unwrap();
            }
            let [one] = recordings(&world).await.try_into().unwrap();
            let won = one.play_url == "http://next";
            assert_eq!((won, &*one.hls_url), (wins, ""), "{then:?} after {first:?}");
        }
    }
}

#[tokio::test]
async fn a_playlist_is_kept_beside_the_file() {
    for files in [[Hls, Flv, Mp4], [Flv, Hls, Mp4], [Mp4, Flv, Hls], [Mp4, Hls, Flv]] {
        let world = World::new();
        announced(&world, "anna").await;
        for (index, format) in files.into_iter().enumerate() {
            let file = file(&format!("{index}"), format, 0, 100);
            world.recorded("1000_anna", NewRecording { url: url("f", format), ..file }).await.unwrap();
        }
        let [one] = recordings(&world).await.try_into().unwrap();
        assert_eq!((one.file_id, one.play_url, one.hls_url), ("0".into(), url("f", Mp4), url("f", Hls)));
    }
    assert_eq!(["hls", "M3U8", "Flv", "MP4", "aac"].map(FileFormat::named), [Hls, Hls, Flv, Mp4, Other]);
}

#[tokio::test]
async fn on_sxbs_path_each_file_is_a_recording_of_its_own() {
    let world = World::new();
    let host = world.user("host").await;
    let room = world.sxb_live(host, "Evening").await;
    let code = world.of_room(room).await.unwrap().stream_code.clone();
    on_sxb(&world, &code, None, file("a", Flv, 0, 100)).await.unwrap();
    on_sxb(&world, &code, None, file("b", Hls, 0, 100)).await.unwrap();
    assert_eq!(ids(&world).await, ["b", "a"]);
    let b = recordings(&world).await.remove(0);
    assert_eq!((&*b.play_url, b.hls_url), ("", url("b", Hls)));
    assert_eq!((&*b.title, b.file_name), ("Evening", code.to_string()));
    // The shared paths recognize a file that came on sxb's path.
    world.recorded(&code, file("a", Mp4, 0, 100)).await.unwrap();
    assert_eq!(recordings(&world).await.len(), 2);
}

#[tokio::test]
async fn on_sxbs_path_missing_times_are_derived() {
    let world = World::new();
    let host = world.user("host").await;
    let room = world.core.broadcasts().prepare(host).await.unwrap();
    let now = world.core.now();
    let plain = NewRecording { start_at: None, end_at: None, ..file("f", Mp4, 0, 0) };
    let (end, half, huge) = (now - Seconds(100), Seconds(30), Seconds(i64::MAX));
    for (id, start_at, end_at, duration, expected) in [
        ("nothing", None, None, None, (now, now, Seconds(0))),
        ("duration", None, None, Some(half), (now - half, now, half)),
        ("end", None, Some(end), Some(half), (end - half, end, half)),
        ("start", Some(now - half), None, None, (now - half, now, Seconds(0))),
        ("negative", None, Some(now), Some(Seconds(-30)), (now, now, Seconds(0))),
        ("huge", None, Some(now), Some(huge), (now - huge, now, huge)),
    ] {
        let file = NewRecording { file_id: id.into(), start_at, end_at, duration, ..plain.clone() };
        on_sxb(&world, "nonsense", Some(room), file).await.unwrap();
        let kept = world.core.recordings().find(&"host".into(), &id.into()).await.unwrap().unwrap();
        assert_eq!((kept.start_at, kept.end_at, kept.duration), expected, "{id}");
        assert_eq!(kept.size, 0);
    }
}
