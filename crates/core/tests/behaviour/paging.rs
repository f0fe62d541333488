//! The pages of a list, joined, are the whole list in its order.

use relive_core::{
    FileFormat, Listing, MemberNames, NewRecording, NewShortVideo, OnAirFilter, Page, PageStart,
    RecordingFilter, RecordingOrder, Role, RoomNumber, Seconds, Session, Window,
};

use crate::support::{ALL, START, World, guest, report};

/// Reads a list in pages of every size up to `largest`, and compares the joined pages with the whole list.
async fn check<T: PartialEq + std::fmt::Debug>(
    largest: usize,
    page: impl AsyncFn(Window) -> Page<T>,
) -> Vec<T> {
    let whole = page(ALL).await;
    assert_eq!(whole.total, whole.items.len());
    for limit in 1..=largest {
        let mut joined = Vec::new();
        loop {
            let next = page(Window { offset: joined.len(), limit }).await;
            assert_eq!(next.total, whole.total);
            assert!(next.items.len() == limit.min(whole.total - joined.len()));
            if next.items.is_empty() {
                break;
            }
            joined.extend(next.items);
        }
        assert_eq!(joined, whole.items, "pages of {limit}");
    }
    let beyond = page(Window { offset: usize::MAX, limit: usize::MAX }).await;
    assert_eq!((beyond.total, beyond.items.len()), (whole.total, 0));
    let none = page(Window { offset: 0, limit: 0 }).await;
    assert_eq!((none.total, none.items.len()), (whole.total, 0));
    whole.items
}

#[tokio::test]
async fn the_list_on_air_with_every_filter() {
    let world = World::new();
    for index in 0..20 {
        let id = format!("user{index:02}");
        match index % 4 {
            0 => world.guest_live(&id, "t").await,
            1 => drop(world.qplus_live(world.user(&id).await).await),
            other => {
                let host = world.user(&id).await;
                let room = world.core.broadcasts().prepare(host).await.unwrap();
                let kind = if index % 3 == 0 { "other" } else { "live" };
                let report = relive_core::Report { app: other, kind: kind.to_owned(), ..report(room, "t") };
                world.core.broadcasts().report(host, report).await.unwrap();
            }
        }
        // Pairs start in the same second.
        world.clock.advance(Seconds(index % 2));
    }
    for app in [None, Some(2), Some(3), Some(99)] {
        for live_kind in [false, true] {
            let filter = OnAirFilter { app, live_kind };
            let lives = check(7, async |window| {
                let page = world.core.broadcasts().on_air(filter, window).await.unwrap();
                let items = page.items.iter().map(|live| (live.started_at, live.id, live.app)).collect();
                Page { total: page.total, items }
            })
            .await;
            assert!(lives.is_sorted_by_key(|(start, id, _)| std::cmp::Reverse((*start, *id))));
            assert!(lives.iter().all(|(_, _, own)| app.is_none() || own.is_none() || *own == app));
            let expected = match (app, live_kind) {
                (None, false) => 20,
                (None, true) => 16,
                (Some(2 | 3), false) => 15,
                (Some(2 | 3), true) => 13,
                _ => 10,
            };
            assert_eq!(lives.len(), expected, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn members_and_groups() {
    let world = World::new();
    let host = world.user("host").await;
    let room = world.sxb_live(host, "t").await;
    let mut expected = Vec::new();
    for index in 0..15 {
        let id = format!("user{index:02}");
        if index % 3 == 0 {
            let user = world.user(&id).await;
            world.core.audiences().enter(user, room, Role::Viewer).await.unwrap();
        } else {
            let group = if index % 3 == 1 { room.to_string() } else { "other".to_owned() };
            let names = MemberNames::default();
            world
                .core
                .audiences()
                .enter_group(guest(&id), &"host".into(), &group.as_str().into(), names)
                .await
                .unwrap();
        }
        expected.push(id);
    }
    let members = check(6, async |window| {
        let page = world.core.audiences().members(room, window).await.unwrap();
        Page { total: page.total, items: page.items.iter().map(|one| one.user_id.to_string()).collect() }
    })
    .await;
    assert_eq!(members[0], "host");
    assert_eq!(members[1..], expected);
    // In a group of one name the viewers of a recording follow those of the live, and a page can hold both.
    let recording = NewRecording {
        file_id: room.to_string().as_str().into(),
        format: FileFormat::Mp4,
        url: "http://vod.example/f".to_owned(),
        start_at: Some(START),
        end_at: Some(START + Seconds(90)),
        duration: None,
        size: None,
    };
    let code = world.core.broadcasts().latest(&"host".into()).await.unwrap().unwrap().stream_code.clone();
    world.recorded(&code, recording).await.unwrap();
    for index in 0..4 {
        let names = MemberNames::default();
        let viewer = guest(&format!("watcher{index}"));
        world
            .core
            .audiences()
            .enter_recording(viewer, &"host".into(), &room.to_string().as_str().into(), names)
            .await
            .unwrap();
    }
    for (group, size) in [(room.to_string(), 14), ("other".to_owned(), 5), ("none".to_owned(), 0)] {
        let listed = check(6, async |window| {
            world.core.audiences().group(&"host".into(), &group.as_str().into(), window).await.unwrap()
        })
        .await;
        let ids: Vec<_> = listed.iter().map(|member| &*member.user_id).collect();
        assert_eq!(ids.len(), size);
        assert!(ids.is_sorted(), "{ids:?}");
    }
}

#[tokio::test]
async fn recordings_and_short_videos() {
    let world = World::new();
    world.guest_live("anna", "t").await;
    for index in 0..13 {
        let start_at = START + Seconds((index % 5) * 1_000_000 + index * 100);
        let recording = NewRecording {
            file_id: format!("f{index}").into(),
            format: if index % 4 == 0 { FileFormat::Hls } else { FileFormat::Mp4 },
            url: "http://vod.example/f".to_owned(),
            start_at: Some(start_at),
            end_at: Some(start_at + Seconds(90)),
            duration: None,
            size: None,
        };
        world.recorded("1000_anna", recording).await.unwrap();
        let video = NewShortVideo { file_id: format!("v{}", index % 9).into(), ..NewShortVideo::default() };
        world.core.short_videos().upload(guest("anna"), video).await.unwrap();
        world.clock.advance(Seconds(index % 2));
    }
    for order in [RecordingOrder::Ended { after: None }, RecordingOrder::Stored] {
        for with_play_url in [false, true] {
            let filter = RecordingFilter { with_play_url, ..RecordingFilter::default() };
            let found = check(5, async |window| {
                world.core.recordings().list(filter.clone(), order, window).await.unwrap()
            })
            .await;
            assert_eq!(found.len(), if with_play_url { 9 } else { 13 });
            assert!(match order {
                RecordingOrder::Ended { .. } =>
                    found.is_sorted_by_key(|one| std::cmp::Reverse((one.end_at, one.id))),
                RecordingOrder::Stored => found.is_sorted_by_key(|one| std::cmp::Reverse(one.id)),
            });
        }
    }
    let videos = check(4, async |window| world.core.short_videos().list(None, window).await.unwrap()).await;
    assert_eq!(videos.len(), 9);
    assert_eq!(videos[0].file_id, "v3", "uploaded again last");
    let recent = world.core.short_videos().list(Some(world.core.now()), ALL).await.unwrap();
    assert_eq!(recent.total, 0, "the bound itself is excluded");
}

/// Reads the next page of a session's list: the numbers of the rooms on air and of those off the air.
async fn next(
    world: &World,
    session: &Session,
    listing: Listing,
    from: PageStart,
    count: usize,
) -> (Vec<i64>, Vec<i64>) {
    let list = world.core.rooms().next_page(session, listing, from, count).await.unwrap();
    assert!(list.on_air.iter().all(|room| room.room().number == room.broadcast.room));
    assert!(list.off_air.iter().all(|room| room.on_air.is_none()));
    let on_air = list.on_air.iter().map(|room| room.broadcast.room.0).collect();
    (on_air, list.off_air.iter().map(|room| room.number.0).collect())
}

/// Makes three rooms on air and four off it, all followed by `fan`.
async fn seven_rooms(world: &World) -> Vec<RoomNumber> {
    let fan = world.user("fan").await;
    let mut rooms = Vec::new();
    for index in 0..7 {
        let host = world.user(&format!("host{index}")).await;
        let room = world.core.broadcasts().prepare(host).await.unwrap();
        world.core.rooms().follow(fan, room).await.unwrap();
        if index % 2 == 1 {
            world.core.broadcasts().push(host, room, Seconds(3_600)).await.unwrap();
            world.clock.advance(Seconds(1));
        }
        rooms.push(room);
    }
    rooms
}

#[tokio::test]
async fn the_example_of_the_qplus_contract() {
    let world = World::new();
    seven_rooms(&world).await;
    let session = world.session("fan").await;
    let (mut on_air, mut off_air) = (Vec::new(), Vec::new());
    for (on, off) in [(2, 0), (1, 1), (0, 2), (0, 1), (0, 0), (0, 0)] {
        let page = next(&world, &session, Listing::Followed, PageStart::LastRead, 2).await;
        assert_eq!((page.0.len(), page.1.len()), (on, off));
        on_air.extend(page.0);
        off_air.extend(page.1);
    }
    assert_eq!(on_air, [10_006, 10_004, 10_002], "newest start first");
    assert_eq!(off_air, [10_007, 10_005, 10_003, 10_001], "newest owner first");
}

#[tokio::test]
async fn each_session_has_a_cursor_of_its_own_in_each_list() {
    let world = World::new();
    seven_rooms(&world).await;
    let (a, b) = (world.session("fan").await, world.session("fan").await);
    let all = async |session: &Session, restart, count| {
        next(&world, session, Listing::OnAir, restart, count).await.0
    };
    assert_eq!(all(&a, PageStart::LastRead, 2).await, [10_006, 10_004], "a fresh session starts at the top");
    assert_eq!(all(&b, PageStart::Top, 1).await, [10_006]);
    assert_eq!(next(&world, &a, Listing::Followed, PageStart::LastRead, 1).await.0, [10_006]);
    assert_eq!(all(&a, PageStart::LastRead, 10).await, [10_002]);
    assert_eq!(all(&b, PageStart::LastRead, 1).await, [10_004]);
    assert_eq!(all(&a, PageStart::LastRead, 10).await, [0_i64; 0]);
    assert_eq!(all(&a, PageStart::LastRead, 10).await, [0_i64; 0], "the end of the list stays its end");
    // A room that goes on air meanwhile is missing until the list is restarted; a room that ends drops out.
    let host0 = world.core.accounts().find(&"host0".into()).await.unwrap().unwrap().id;
    world.core.broadcasts().push(host0, RoomNumber(10_001), Seconds(3_600)).await.unwrap();
    let host1 = world.core.accounts().find(&"host1".into()).await.unwrap().unwrap().id;
    world.core.broadcasts().stop_push(host1, RoomNumber(10_002)).await.unwrap();
    assert_eq!(all(&a, PageStart::LastRead, 10).await, [0_i64; 0]);
    assert_eq!(all(&b, PageStart::LastRead, 10).await, [0_i64; 0]);
    assert_eq!(all(&a, PageStart::Top, 2).await, [10_001, 10_006]);
    // Renewing a push does not move a room.
    let host3 = world.core.accounts().find(&"host3".into()).await.unwrap().unwrap().id;
    world.core.broadcasts().push(host3, RoomNumber(10_004), Seconds(3_600)).await.unwrap();
    assert_eq!(all(&a, PageStart::LastRead, 2).await, [10_004]);
}

#[tokio::test]
async fn every_page_size_reads_the_same_rooms() {
    let world = World::new();
    let rooms = seven_rooms(&world).await;
    let session = world.session("fan").await;
    for count in 1..=8 {
        let (mut on_air, mut off_air) = (Vec::new(), Vec::new());
        let mut page = next(&world, &session, Listing::Followed, PageStart::Top, count).await;
        while !page.0.is_empty() || !page.1.is_empty() {
            assert!(on_air.len() + off_air.len() + count <= 7 + count);
            on_air.extend(page.0);
            off_air.extend(page.1);
            page = next(&world, &session, Listing::Followed, PageStart::LastRead, count).await;
        }
        assert_eq!((on_air.len(), off_air.len()), (3, 4), "pages of {count}");
        let mut read: Vec<i64> = on_air.into_iter().chain(off_air).collect();
        read.sort_unstable();
        assert_eq!(read, rooms.iter().map(|room| room.0).collect::<Vec<_>>());
    }
}
