//! What the media cloud's notices do: whose stream it is, what moves, what is kept of recordings (design §2 rule 6,
//! contracts minilvb-v1 §6.3, minilvb-v2 §6, sxb §6).

use relive_core::{
    Broadcast, Counted, Error, FileFormat, NewRecording, Plan, Recording, RecordingFilter, RecordingOrder,
    RoomNumber, Route, State, Step, StreamEvent, UserInfo,
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
        file_id: id.to_owned(),
        format,
        url: url(id, format),
        start_at: Some(START + from),
        end_at: Some(START + to),
        duration: None,
        size: None,
    }
}

fn url(id: &str, format: FileFormat) -> String {
    format!("http://vod.example/{id}.{format:?}")
}

/// A file on sxb's path.
async fn on_sxb(
    world: &World,
    code: &str,
    room: Option<RoomNumber>,
    file: NewRecording,
) -> Result<(), Error> {
    world.core.streams().event(code.to_owned(), Route::Sxb { room }, StreamEvent::Recorded(file)).await
}

/// All recordings there are, the later stored first.
async fn kept(world: &World) -> Vec<Recording> {
    let every = RecordingFilter::default();
    world.core.recordings().list(every, RecordingOrder::Stored, ALL).await.unwrap().items
}

async fn ids(world: &World) -> Vec<String> {
    kept(world).await.into_iter().map(|recording| recording.file_id).collect()
}

async fn latest(world: &World, user: &str) -> Broadcast {
    world.core.broadcasts().latest(user).await.unwrap().unwrap()
}

/// A guest that has announced a live: the code of its stream is `1000_<id>`.
async fn announced(world: &World, id: &str) {
    world.core.broadcasts().announce(guest(id), announcement(id)).await.unwrap();
}

mod whose {
    use super::*;

    async fn owner(world: &World, code: &str, route: Route) -> Option<String> {
        let id = format!("probe-{code}-{route:?}");
        // Apart from all others, or it would be joined.
        let from = 2_000 * i64::try_from(kept(world).await.len()).unwrap();
        let file = StreamEvent::Recorded(file(&id, FileFormat::Mp4, from, from + 1_000));
        match world.core.streams().event(code.to_owned(), route, file).await {
            Ok(()) => {
                kept(world).await.into_iter().find(|one| one.file_id == id).map(|one| one.user_id.to_string())
            }
            Err(Error::RoomNotFound) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    fn sxb(room: i64) -> Route {
        Route::Sxb { room: Some(RoomNumber(room)) }
    }

    #[tokio::test]
    async fn a_stored_code_comes_first_on_every_path() {
        let world = World::new();
        announced(&world, "a_b").await; // 1000_a_b
        announced(&world, "a.b").await; // the same, hence with a digest
        let other = world.user("other").await;
        let room = world.core.broadcasts().prepare(other).await.unwrap();
        let code = latest(&world, "a.b").await.stream_code.clone();
        assert_ne!(code, "1000_a_b");
        for route in [Route::Shared, Route::Sxb { room: None }, sxb(room.0)] {
            assert_eq!(owner(&world, &code, route).await.as_deref(), Some("a.b"));
        }
        assert_eq!(owner(&world, "1000_a_b", sxb(room.0)).await.as_deref(), Some("a_b"));
        assert_eq!(owner(&world, "1000_A_B", Route::Shared).await, None, "codes compare exactly");
    }

    #[tokio::test]
    async fn then_both_digests_of_an_sxb_room_behind_the_last_underscore() {
        use relive_core::sign::stream::{Picture, bypass_digest};
        let world = World::new();
        let host = world.user("host").await;
        let room = world.core.broadcasts().prepare(host).await.unwrap();
        announced(&world, "other").await;
        let others = latest(&world, "other").await.room;
        for picture in [Picture::Camera, Picture::Screen] {
            let digest = bypass_digest(room.0, "host", picture);
            for code in [format!("1000_{digest}"), format!("8888_{digest}"), format!("x_y_{digest}"), digest]
            {
                for route in [Route::Shared, Route::Sxb { room: None }, sxb(others.0)] {
                    assert_eq!(owner(&world, &code, route).await.as_deref(), Some("host"), "{code}");
                }
            }
        }
    }

    #[tokio::test]
    async fn last_the_room_number_on_sxbs_path_and_the_user_id_on_the_shared_ones() {
        let world = World::new();
        let host = world.user("host").await;
        let room = world.core.broadcasts().prepare(host).await.unwrap();
        assert_eq!(owner(&world, "nonsense", sxb(room.0)).await.as_deref(), Some("host"));
        assert_eq!(owner(&world, "nonsense", sxb(room.0 + 1)).await, None);
        assert_eq!(owner(&world, "8888_host", Route::Sxb { room: None }).await, None);
        assert_eq!(owner(&world, "8888_host", Route::Shared).await.as_deref(), Some("host"));
        assert_eq!(owner(&world, "8888_host_suffix", Route::Shared).await.as_deref(), Some("host"));
        assert_eq!(owner(&world, "8888_host_a_b", Route::Shared).await.as_deref(), Some("host"));
        assert_eq!(owner(&world, "8888_hos", Route::Shared).await, None);
        assert_eq!(owner(&world, "host", Route::Shared).await, None, "no business id");
        world.user("roomless").await;
        assert_eq!(owner(&world, "8888_roomless", Route::Shared).await, None);
        // The longest id that has a room.
        announced(&world, "host_a").await;
        assert_eq!(owner(&world, "8888_host_a_b", Route::Shared).await.as_deref(), Some("host_a"));
        world.user("host_a_b").await;
        assert_eq!(owner(&world, "8888_host_a_b", Route::Shared).await.as_deref(), Some("host_a"));
    }

    #[tokio::test]
    async fn a_stream_of_nobody() {
        let world = World::new();
        for event in [started(None), stopped(None)] {
            world.event("1000_nobody", event).await.unwrap();
        }
        let lost = world.recorded("1000_nobody", file("f", FileFormat::Mp4, 0, 100)).await;
        assert!(matches!(lost, Err(Error::RoomNotFound)));
    }
}

mod moves {
    use super::*;

    #[tokio::test]
    async fn an_announced_live_goes_on_and_off_and_on() {
        let world = World::new();
        announced(&world, "anna").await;
        let id = latest(&world, "anna").await.id;
        for _ in 0..2 {
            world.event("1000_anna", started(None)).await.unwrap();
            world.event("1000_anna", started(None)).await.unwrap();
            assert_eq!(world.on_air().await.iter().map(|live| live.id).collect::<Vec<_>>(), [id]);
            world.event("1000_anna", stopped(None)).await.unwrap();
            world.event("1000_anna", stopped(None)).await.unwrap();
            assert!(world.on_air().await.is_empty());
        }
        let live = latest(&world, "anna").await;
        assert_eq!((live.id, live.state), (id, State::Prepared));
    }

    #[tokio::test]
    async fn a_planned_live_opens_and_ends() {
        let world = World::new();
        let host = world.user("host").await;
        let plan = Plan {
            title: "Harbour".to_owned(),
            cover: "http://img.example/c.jpg".to_owned(),
            location: "Xiamen".to_owned(),
        };
        world.core.rooms().plan(host, plan).await.unwrap();
        world.event("8525_host", started(Some("1"))).await.unwrap();
        let live = world.on_air().await.remove(0);
        assert_eq!((&*live.title, &*live.location), ("Harbour", "Xiamen"));
        assert_eq!(live.cover, "http://img.example/c.jpg");
        assert_eq!((&*live.stream_code, live.members), ("8525_host", 1));
        // upload_room while on air retitles.
        let plan = Plan { title: "Dusk".to_owned(), ..Plan::default() };
        world.core.rooms().plan(host, plan).await.unwrap();
        assert_eq!(world.on_air().await[0].title, "Dusk");
        assert_eq!(world.on_air().await[0].id, live.id);
        world.event("8525_host", stopped(Some("1"))).await.unwrap();
        assert_eq!(latest(&world, "host").await.state, State::Ended);
        world.event("8525_host", started(Some("2"))).await.unwrap();
        assert_ne!(world.on_air().await[0].id, live.id, "the next one");
    }

    #[tokio::test]
    async fn a_host_that_has_said_nothing_stays_off_the_air() {
        let world = World::new();
        let host = world.user("host").await;
        world.core.broadcasts().prepare(host).await.unwrap();
        world.event("8525_host", started(None)).await.unwrap();
        assert!(world.on_air().await.is_empty());
    }

    #[tokio::test]
    async fn what_the_host_said_last_counts() {
        let world = World::new();
        let host = world.user("host").await;
        let actor = || relive_core::Actor::Proven(host);
        let plan = async || {
            let plan = Plan { title: "planned".to_owned(), ..Plan::default() };
            world.core.rooms().plan(host, plan).await.unwrap();
        };
        plan().await;
        world.clock.advance(1);
        world.core.broadcasts().announce(actor(), announcement("announced")).await.unwrap();
        world.event("1000_host", started(None)).await.unwrap();
        assert_eq!(world.on_air().await[0].title, "announced");
        world.event("1000_host", stopped(None)).await.unwrap();
        world.clock.advance(1);
        plan().await;
        world.event("1000_host", started(None)).await.unwrap();
        assert_eq!(world.on_air().await[0].title, "planned");
    }

    #[tokio::test]
    async fn the_end_of_another_push_ends_nothing() {
        let world = World::new();
        announced(&world, "anna").await;
        let on_air = async || !world.on_air().await.is_empty();
        let tell = async |event| world.event("1000_anna", event).await.unwrap();
        tell(started(Some("1"))).await;
        tell(stopped(Some("2"))).await;
        assert!(on_air().await);
        tell(started(Some("2"))).await; // reconnected
        tell(stopped(Some("1"))).await; // the late end of the first
        assert!(on_air().await);
        tell(stopped(Some("2"))).await;
        assert!(!on_air().await);
        tell(started(Some("3"))).await;
        tell(stopped(None)).await;
        assert!(!on_air().await, "without a sequence any end counts");
        // The host says so itself: no push is known.
        announced(&world, "anna").await;
        world.core.broadcasts().set_on_air(guest("anna"), true).await.unwrap();
        tell(stopped(Some("9"))).await;
        assert!(!on_air().await);
    }

    #[tokio::test]
    async fn an_sxb_code_moves_nothing_anywhere() {
        let world = World::new();
        let host = world.user("host").await;
        world.core.broadcasts().prepare(host).await.unwrap();
        let code = latest(&world, "host").await.stream_code.clone();
        let plan = Plan { title: "planned".to_owned(), ..Plan::default() };
        world.core.rooms().plan(host, plan).await.unwrap();
        let tail = code.rsplit_once('_').unwrap().1;
        for code in [code.clone(), format!("8888_{tail}")] {
            world.event(&code, started(None)).await.unwrap();
            assert!(world.on_air().await.is_empty());
        }
        let actor = relive_core::Actor::Proven(host);
        world.clock.advance(1);
        world.core.broadcasts().announce(actor.clone(), announcement("t")).await.unwrap();
        world.event(&code, started(None)).await.unwrap();
        assert!(world.on_air().await.is_empty());
        world.core.broadcasts().set_on_air(actor, true).await.unwrap();
        world.event(&code, stopped(None)).await.unwrap();
        assert_eq!(world.on_air().await.len(), 1);
    }

    #[tokio::test]
    async fn nothing_moves_on_sxbs_path() {
        let world = World::new();
        announced(&world, "anna").await;
        let host = world.user("host").await;
        world.core.rooms().plan(host, Plan::default()).await.unwrap();
        let room = world.core.rooms().number_of(host).await.unwrap();
        for code in ["1000_anna", "8888_host"] {
            let route = Route::Sxb { room };
            world.core.streams().event(code.to_owned(), route, started(None)).await.unwrap();
        }
        assert!(world.on_air().await.is_empty());
        world.core.broadcasts().set_on_air(guest("anna"), true).await.unwrap();
        let route = Route::Sxb { room: None };
        world.core.streams().event("1000_anna".to_owned(), route, stopped(None)).await.unwrap();
        assert_eq!(world.on_air().await.len(), 1);
    }
}

mod joins {
    use super::*;
    use FileFormat::{Flv, Hls, Mp4, Other};

    #[tokio::test]
    async fn a_minute_is_the_shortest_on_the_shared_paths() {
        let world = World::new();
        announced(&world, "anna").await;
        world.recorded("1000_anna", file("60", Mp4, 0, 60)).await.unwrap();
        world.recorded("1000_anna", file("back", Mp4, 100, 0)).await.unwrap();
        assert!(kept(&world).await.is_empty());
        world.recorded("1000_anna", file("61", Mp4, 0, 61)).await.unwrap();
        on_sxb(&world, "1000_anna", None, file("1", Mp4, 0, 1)).await.unwrap();
        on_sxb(&world, "1000_anna", None, file("0", Mp4, 5, 5)).await.unwrap();
        assert_eq!(ids(&world).await, ["0", "1", "61"]);
    }

    #[tokio::test]
    async fn the_same_again_changes_nothing() {
        let world = World::new();
        announced(&world, "anna").await;
        for _ in 0..3 {
            world.recorded("1000_anna", file("f", Mp4, 0, 100)).await.unwrap();
        }
        for _ in 0..3 {
            on_sxb(&world, "1000_anna", None, file("f", Mp4, 0, 100)).await.unwrap();
        }
        let [one] = kept(&world).await.try_into().unwrap();
        assert_eq!((one.likes, one.viewers, one.stored_at), (0, 0, START + 60));
        // Another owner's file of that name is another one.
        announced(&world, "bob").await;
        world.recorded("1000_bob", file("f", Mp4, 0, 100)).await.unwrap();
        assert_eq!(kept(&world).await.len(), 2);
    }

    #[tokio::test]
    async fn a_known_file_only_gets_its_url() {
        let world = World::new();
        announced(&world, "anna").await;
        world.recorded("1000_anna", file("f", Mp4, 0, 100)).await.unwrap();
        let again = NewRecording { url: "http://new".to_owned(), size: Some(9), ..file("f", Mp4, 500, 900) };
        world.recorded("1000_anna", again).await.unwrap();
        let [one] = kept(&world).await.try_into().unwrap();
        assert_eq!(
            (&*one.play_url, one.start_at, one.end_at, one.size),
            ("http://new", START, START + 100, 0)
        );
    }

    #[tokio::test]
    async fn what_overlaps_exactly_one_is_another_file_of_it() {
        let world = World::new();
        announced(&world, "anna").await;
        let tell = async |recording| world.recorded("1000_anna", recording).await.unwrap();
        tell(file("a", Flv, 0, 100)).await;
        tell(file("a2", Hls, 0, 100)).await; // equal
        tell(file("a3", Hls, 1, 99)).await; // inside
        assert_eq!(ids(&world).await, ["a"]);
        tell(file("b", Flv, 100, 200)).await; // touches
        assert_eq!(ids(&world).await, ["b", "a"]);
        tell(file("c", Mp4, 99, 161)).await; // overlaps two
        assert_eq!(ids(&world).await, ["c", "b", "a"]);
        tell(file("d", Mp4, 199, 300)).await; // overlaps b by a second
        assert_eq!(ids(&world).await, ["c", "b", "a"]);
        let b = world.core.recordings().find("anna", "b").await.unwrap().unwrap();
        assert_eq!(b.play_url, url("d", Mp4));
        // Overlap counts among the owner's own only.
        announced(&world, "bob").await;
        world.recorded("1000_bob", file("x", Mp4, 0, 100)).await.unwrap();
        assert_eq!(kept(&world).await.len(), 4);
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
                let [one] = kept(&world).await.try_into().unwrap();
                let won = one.play_url == "http://next";
                assert_eq!((won, &*one.hls_url), (wins, ""), "{then:?} after {first:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_playlist_stands_beside_the_file() {
        for files in [[Hls, Flv, Mp4], [Flv, Hls, Mp4], [Mp4, Flv, Hls], [Mp4, Hls, Flv]] {
            let world = World::new();
            announced(&world, "anna").await;
            for (index, format) in files.into_iter().enumerate() {
                let file = file(&format!("{index}"), format, 0, 100);
                world.recorded("1000_anna", NewRecording { url: url("f", format), ..file }).await.unwrap();
            }
            let [one] = kept(&world).await.try_into().unwrap();
            assert_eq!(
                (one.file_id, one.play_url, one.hls_url),
                ("0".to_owned(), url("f", Mp4), url("f", Hls))
            );
        }
        assert_eq!(["hls", "M3U8", "Flv", "MP4", "aac"].map(FileFormat::named), [Hls, Hls, Flv, Mp4, Other]);
    }

    #[tokio::test]
    async fn on_sxbs_path_each_file_stands_alone() {
        let world = World::new();
        let host = world.user("host").await;
        let room = world.sxb_live(host, "Evening").await;
        let code = world.of_room(room).await.unwrap().stream_code.clone();
        on_sxb(&world, &code, None, file("a", Flv, 0, 100)).await.unwrap();
        on_sxb(&world, &code, None, file("b", Hls, 0, 100)).await.unwrap();
        assert_eq!(ids(&world).await, ["b", "a"]);
        let b = kept(&world).await.remove(0);
        assert_eq!((&*b.play_url, b.hls_url), ("", url("b", Hls)));
        assert_eq!((&*b.title, b.file_name), ("Evening", code.clone()));
        // A file both ways: the shared paths see that it is known, and else join by time.
        world.recorded(&code, file("a", Mp4, 0, 100)).await.unwrap();
        assert_eq!(kept(&world).await.len(), 2);
    }

    #[tokio::test]
    async fn on_sxbs_path_missing_times_are_made_up() {
        let world = World::new();
        let host = world.user("host").await;
        let room = world.core.broadcasts().prepare(host).await.unwrap();
        let now = world.core.now();
        let plain = NewRecording { start_at: None, end_at: None, ..file("f", Mp4, 0, 0) };
        for (id, start_at, end_at, duration, expected) in [
            ("nothing", None, None, None, (now, now, 0)),
            ("duration", None, None, Some(30), (now - 30, now, 30)),
            ("end", None, Some(now - 100), Some(30), (now - 130, now - 100, 30)),
            ("start", Some(now - 50), None, None, (now - 50, now, 0)),
            ("negative", None, Some(now), Some(-30), (now, now, 0)),
            ("huge", None, Some(now), Some(i64::MAX), (now - i64::MAX, now, i64::MAX)),
        ] {
            let file = NewRecording { file_id: id.to_owned(), start_at, end_at, duration, ..plain.clone() };
            on_sxb(&world, "nonsense", Some(room), file).await.unwrap();
            let kept = world.core.recordings().find("host", id).await.unwrap().unwrap();
            assert_eq!((kept.start_at, kept.end_at, kept.duration), expected, "{id}");
            assert_eq!(kept.size, 0);
        }
    }
}

mod keeps {
    use super::*;
    use FileFormat::{Hls, Mp4};

    #[tokio::test]
    async fn a_recording_is_called_like_the_broadcast_it_overlaps_most() {
        let world = World::new();
        // Now is START + 60. Three lives of 100 s each.
        for title in ["one", "two", "three"] {
            let info = UserInfo {
                nickname: format!("nick {title}"),
                avatar: format!("head {title}"),
                cover: format!("cover {title}"),
                location: format!("at {title}"),
            };
            let announcement = relive_core::Announcement { user_info: info, ..announcement(title) };
            world.core.broadcasts().announce(guest("anna"), announcement).await.unwrap();
            world.clock.advance(100);
        }
        for (from, to, title) in [
            (60, 160, "one"),
            (150, 260, "two"),
            (100, 220, "two"), // 60 s of each: the newer one
            (100, 215, "one"),
            (60, 360, "three"),      // all of all three
            (1_000, 1_100, "three"), // open-ended
            (-500, -400, "three"),   // none: the newest
        ] {
            let id = format!("{from}-{to}");
            on_sxb(&world, "1000_anna", None, file(&id, Mp4, from, to)).await.unwrap();
            let kept = world.core.recordings().find("anna", &id).await.unwrap().unwrap();
            assert_eq!(kept.title, title, "{id}");
            assert_eq!(kept.nickname, format!("nick {title}"));
            assert_eq!((kept.avatar, kept.cover), (format!("head {title}"), format!("cover {title}")));
            assert_eq!(kept.location, format!("at {title}"));
        }
    }

    #[tokio::test]
    async fn without_an_overlap_the_newer_of_broadcast_and_plan_names_it() {
        let world = World::new();
        let host = world.user("host").await;
        let plan =
            |title: &str| Plan { title: title.to_owned(), location: "there".to_owned(), ..Plan::default() };
        world.core.rooms().plan(host, plan("planned")).await.unwrap();
        let title = async |id: &str, from, to| {
            world.recorded("8525_host", file(id, Mp4, from, to)).await.unwrap();
            world.core.recordings().find("host", id).await.unwrap().unwrap().title
        };
        assert_eq!(title("plan alone", -1_000, -900).await, "planned");
        let room = world.core.rooms().number_of(host).await.unwrap().unwrap();
        world.clock.advance(1);
        world.core.broadcasts().report(host, report(room, "reported")).await.unwrap();
        assert_eq!(title("newer broadcast", -2_000, -1_900).await, "reported");
        world.clock.advance(1);
        world.core.rooms().plan(host, plan("again")).await.unwrap();
        assert_eq!(title("newer plan", -3_000, -2_900).await, "again");
        assert_eq!(
            world.core.recordings().find("host", "newer plan").await.unwrap().unwrap().nickname,
            "host"
        );
    }

    #[tokio::test]
    async fn whoever_has_a_room_keeps_recordings_untitled_if_need_be() {
        let world = World::new();
        let (pusher, preparer, planner) =
            (world.user("pusher").await, world.user("preparer").await, world.user("planner").await);
        let text = relive_core::RoomText { name: "Room".to_owned(), ..Default::default() };
        let named = world.core.rooms().name(pusher, text, |_| Ok::<(), ()>(())).await.unwrap();
        assert!(named.is_ok());
        world.core.broadcasts().prepare(preparer).await.unwrap();
        world.core.rooms().plan(planner, Plan::default()).await.unwrap();
        for user in ["pusher", "preparer", "planner"] {
            world.recorded(&format!("8525_{user}"), file("f", Mp4, -500, -400)).await.unwrap();
            let kept = world.core.recordings().find(user, "f").await.unwrap().unwrap();
            assert_eq!((&*kept.title, &*kept.nickname), ("", user));
        }
    }

    #[tokio::test]
    async fn what_a_host_said_fills_gaps_only() {
        let world = World::new();
        let (host, other) = (world.user("host").await, world.user("other").await);
        let room = world.core.broadcasts().prepare(host).await.unwrap();
        let hint = async |who, name: &str| {
            let cover = format!("cover of {name}");
            world.core.rooms().hint_recording(who, room, name.to_owned(), cover).await.unwrap();
        };
        hint(host, "hinted").await;
        hint(other, "by a stranger").await;
        on_sxb(&world, "nonsense", Some(room), file("a", Mp4, 60, 100)).await.unwrap();
        assert!(ids(&world).await == ["a"], "it makes no entry by itself");
        let a = kept(&world).await.remove(0);
        assert_eq!((&*a.title, &*a.cover), ("hinted", "cover of hinted"));
        world.core.broadcasts().report(host, report(room, "reported")).await.unwrap();
        world.clock.advance(50);
        on_sxb(&world, "nonsense", Some(room), file("b", Mp4, 60, 110)).await.unwrap();
        let b = kept(&world).await.remove(0);
        assert_eq!((&*b.title, &*b.cover), ("reported", "cover of reported"));
    }

    #[tokio::test]
    async fn lists_show_what_they_are_asked_for() {
        let world = World::new();
        for user in ["anna", "bob"] {
            announced(&world, user).await;
        }
        world.recorded("1000_anna", file("late", Mp4, 1_000, 1_200)).await.unwrap();
        world.recorded("1000_anna", file("early", Mp4, 0, 100)).await.unwrap();
        world.recorded("1000_bob", file("same end", Mp4, 0, 1_200)).await.unwrap();
        world.recorded("1000_bob", file("list only", Hls, 2_000, 2_100)).await.unwrap();
        let list = async |filter: RecordingFilter, order| {
            let page = world.core.recordings().list(filter, order, ALL).await.unwrap();
            assert_eq!(page.total, page.items.len());
            page.items.into_iter().map(|one| one.file_id).collect::<Vec<_>>()
        };
        let every = RecordingFilter::default;
        assert_eq!(
            list(every(), RecordingOrder::Ended).await,
            ["list only", "same end", "late", "early"],
            "equal ends: the later stored first"
        );
        assert_eq!(list(every(), RecordingOrder::Stored).await, ["list only", "same end", "early", "late"]);
        let with_file = RecordingFilter { with_play_url: true, ..every() };
        assert_eq!(list(with_file, RecordingOrder::Ended).await, ["same end", "late", "early"]);
        let recent = RecordingFilter { ended_after: Some(START + 1_199), ..every() };
        assert_eq!(list(recent, RecordingOrder::Ended).await.len(), 3);
        let recent = RecordingFilter { ended_after: Some(START + 1_200), ..every() };
        assert_eq!(list(recent, RecordingOrder::Ended).await, ["list only"]);
        for (owner, count) in [("anna", 2), ("ANNA", 0), ("ann_", 0), ("nobody", 0)] {
            let of_one = RecordingFilter { owner: Some(owner.to_owned()), ..every() };
            assert_eq!(list(of_one, RecordingOrder::Stored).await.len(), count, "{owner}");
        }
        for (prefix, count) in
            [("1000_b", 2), ("1000_B", 0), ("1000%", 0), ("____", 0), ("", 4), ("1000_bobby", 0)]
        {
            let named = RecordingFilter { file_name_prefix: Some(prefix.to_owned()), ..every() };
            assert_eq!(list(named, RecordingOrder::Stored).await.len(), count, "{prefix}");
        }
    }

    #[tokio::test]
    async fn a_recording_counts_for_itself() {
        let world = World::new();
        world.guest_live("anna", "t").await;
        world.core.broadcasts().count("anna", Counted::Like, Step::Up).await.unwrap();
        world.recorded("1000_anna", file("f", Mp4, 60, 160)).await.unwrap();
        let count =
            async |counted, step| world.core.recordings().count("anna", "f", counted, step).await.unwrap();
        let counters = async || {
            let one = world.core.recordings().find("anna", "f").await.unwrap().unwrap();
            (one.likes, one.viewers)
        };
        assert_eq!(counters().await, (0, 0));
        count(Counted::Like, Step::Down).await;
        count(Counted::AnonymousViewer, Step::Down).await;
        assert_eq!(counters().await, (0, 0));
        for _ in 0..3 {
            count(Counted::Like, Step::Up).await;
        }
        count(Counted::AnonymousViewer, Step::Up).await;
        count(Counted::Like, Step::Down).await;
        assert_eq!(counters().await, (2, 1));
        assert_eq!(world.on_air().await[0].likes, 1);
        let nothing = world.core.recordings().count("anna", "no such", Counted::Like, Step::Up).await;
        assert!(nothing.is_ok());
    }

    #[tokio::test]
    async fn members_of_a_recording_are_viewers_of_it() {
        let world = World::new();
        world.guest_live("anna", "t").await;
        world.recorded("1000_anna", file("f", Mp4, 60, 160)).await.unwrap();
        let names = |nickname: &str| relive_core::MemberNames {
            nickname: nickname.to_owned(),
            avatar: String::new(),
        };
        let audiences = world.core.audiences();
        for viewer in ["bob", "carl", "bob"] {
            audiences.enter_recording(guest(viewer), "anna", "f", names(viewer)).await.unwrap();
        }
        audiences.enter_recording(guest("bob"), "anna", "f", names("Robert")).await.unwrap();
        let viewers = async || world.core.recordings().find("anna", "f").await.unwrap().unwrap().viewers;
        assert_eq!(viewers().await, 2);
        let group = audiences.group("anna", "f", ALL).await.unwrap();
        let shown: Vec<_> = group.items.iter().map(|one| (&*one.user_id, &*one.nickname)).collect();
        assert_eq!(shown, [("bob", "Robert"), ("carl", "carl")], "names anew, place kept");
        for viewer in ["bob", "bob", "stranger"] {
            audiences.quit_recording(guest(viewer), "anna", "f").await.unwrap();
        }
        assert_eq!(viewers().await, 1);
        assert_eq!(world.on_air().await[0].viewers, 0, "not of the live");
        // A new live empties the lists of lives, not those of recordings.
        announced(&world, "anna").await;
        assert_eq!(audiences.group("anna", "f", ALL).await.unwrap().total, 1);
        // Entering what is not there is fine and counts nothing.
        audiences.enter_recording(guest("bob"), "anna", "none", names("bob")).await.unwrap();
        assert_eq!(audiences.group("anna", "none", ALL).await.unwrap().total, 1);
    }
}
