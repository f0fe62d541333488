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
async fn a_file_of_another_format_is_merged_into_the_recording_of_the_same_time() {
    let world = World::new();
    announced(&world, "anna").await;
    let store = async |recording| world.recorded("1000_anna", recording).await.unwrap();
    store(file("a", Flv, 0, 100)).await;
    store(file("a2", Hls, 0, 100)).await; // equal
    store(file("a3", Mp4, 1, 99)).await; // inside
    assert_eq!(ids(&world).await, ["a"]);
    store(file("b", Flv, 100, 200)).await; // touches
    store(file("c", Mp4, 50, 150)).await; // half of b, whose other half has no picture
    assert_eq!(ids(&world).await, ["c", "b", "a"]);
    store(file("d", Mp4, 140, 300)).await; // 60 of the 100 seconds of b
    assert_eq!(ids(&world).await, ["c", "b", "a"]);
    let b = world.core.recordings().find(&"anna".into(), &"b".into()).await.unwrap().unwrap();
    assert_eq!(b.play_url, url("d", Mp4));
    // Only recordings of the same owner are compared.
    announced(&world, "bob").await;
    world.recorded("1000_bob", file("x", Mp4, 0, 100)).await.unwrap();
    assert_eq!(recordings(&world).await.len(), 4);
}

#[tokio::test]
async fn overlapping_files_of_one_format_are_recordings_of_their_own() {
    for format in [Other, Flv, Mp4, Hls] {
        let world = World::new();
        announced(&world, "anna").await;
        // The encoder lost its connection and pushed again before the cloud had closed the first file.
        for (id, from, to) in [("first", 0, 100), ("second", 99, 200), ("same", 0, 100)] {
            world.recorded("1000_anna", file(id, format, from, to)).await.unwrap();
        }
        let shown: Vec<String> = recordings(&world)
            .await
            .into_iter()
            .map(|it| if format == Hls { it.hls_url } else { it.play_url })
            .collect();
        assert_eq!(shown, ["same", "second", "first"].map(|id| url(id, format)));
    }
}

#[tokio::test]
async fn a_file_id_in_two_formats_has_both() {
    let world = World::new();
    announced(&world, "anna").await;
    let store = async |recording| world.recorded("1000_anna", recording).await.unwrap();
    store(file("part1", Flv, 0, 100)).await;
    store(file("part1", Mp4, 0, 100)).await;
    store(file("part2", Mp4, 30, 100)).await; // Within the first, which has an mp4.
    assert_eq!(ids(&world).await, ["part2", "part1"]);
    let first = world.core.recordings().find(&"anna".into(), &"part1".into()).await.unwrap().unwrap();
    assert_eq!(first.play_url, url("part1", Mp4));
}

#[tokio::test]
async fn each_format_of_a_reconnected_stream_is_merged_into_its_own_recording() {
    let files = |format| [file("first", format, 0, 100), file("second", format, 99, 200)];
    let id = |format, new: &NewRecording| format!("{}{format:?}", new.file_id).into();
    // However the notices are ordered, and however often each arrives.
    for order in [[Flv, Mp4, Hls], [Hls, Flv, Mp4], [Mp4, Hls, Flv]] {
        for reversed in [false, true] {
            let world = World::new();
            announced(&world, "anna").await;
            for format in order.into_iter().chain(order) {
                let mut files = files(format);
                if reversed {
                    files.reverse();
                }
                for new in files {
                    let file_id = id(format, &new);
                    let new = NewRecording { url: url(&new.file_id, format), file_id, ..new };
                    world.recorded("1000_anna", new).await.unwrap();
                }
            }
            let mut shown: Vec<_> =
                recordings(&world).await.into_iter().map(|it| (it.play_url, it.hls_url)).collect();
            shown.sort();
            assert_eq!(shown, ["first", "second"].map(|id| (url(id, Mp4), url(id, Hls))));
        }
    }
}

#[tokio::test]
async fn of_several_recordings_of_the_same_time_the_one_with_nearly_the_same_ends_is_taken() {
    let world = World::new();
    announced(&world, "anna").await;
    let store = async |recording| world.recorded("1000_anna", recording).await.unwrap();
    for (id, from, to) in [("long", 0, 1000), ("short", 100, 300)] {
        store(file(id, Flv, from, to)).await;
    }
    store(file("mp4", Mp4, 130, 270)).await; // 30 seconds off at both ends
    let short = world.core.recordings().find(&"anna".into(), &"short".into()).await.unwrap().unwrap();
    assert_eq!(short.play_url, url("mp4", Mp4));
    store(file("other", Hls, 131, 300)).await; // 31 seconds off
    assert_eq!(ids(&world).await, ["other", "short", "long"]);
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
