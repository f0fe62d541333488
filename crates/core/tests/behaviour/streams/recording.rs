//! The fields, the lists and the counters of recordings.

use super::*;
use FileFormat::{Hls, Mp4};

#[tokio::test]
async fn a_recording_takes_its_title_from_the_broadcast_it_overlaps_most() {
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
        world.clock.advance(Seconds(100));
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
        let kept = world.core.recordings().find(&"anna".into(), &id.as_str().into()).await.unwrap().unwrap();
        assert_eq!(kept.title, title, "{id}");
        assert_eq!(kept.nickname, format!("nick {title}"));
        assert_eq!((kept.avatar, kept.cover), (format!("head {title}"), format!("cover {title}")));
        assert_eq!(kept.location, format!("at {title}"));
    }
}

#[tokio::test]
async fn without_an_overlap_the_title_is_that_of_the_newer_of_broadcast_and_plan() {
    let world = World::new();
    let host = world.user("host").await;
    let plan =
        |title: &str| Plan { title: title.to_owned(), location: "there".to_owned(), ..Plan::default() };
    world.core.rooms().plan(host, plan("planned")).await.unwrap();
    let title = async |id: &str, from, to| {
        world.recorded("8525_host", file(id, Mp4, from, to)).await.unwrap();
        world.core.recordings().find(&"host".into(), &id.into()).await.unwrap().unwrap().title
    };
    assert_eq!(title("plan alone", -1_000, -900).await, "planned");
    let room = world.core.rooms().number_of(host).await.unwrap().unwrap();
    world.clock.advance(Seconds(1));
    world.core.broadcasts().report(host, report(room, "reported")).await.unwrap();
    assert_eq!(title("newer broadcast", -2_000, -1_900).await, "reported");
    world.clock.advance(Seconds(1));
    world.core.rooms().plan(host, plan("again")).await.unwrap();
    assert_eq!(title("newer plan", -3_000, -2_900).await, "again");
    assert_eq!(
        world.core.recordings().find(&"host".into(), &"newer plan".into()).await.unwrap().unwrap().nickname,
        "host"
    );
}

#[tokio::test]
async fn without_a_broadcast_or_a_plan_a_recording_has_no_title() {
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
        let kept = world.core.recordings().find(&user.into(), &"f".into()).await.unwrap().unwrap();
        assert_eq!((&*kept.title, &*kept.nickname), ("", user));
    }
}

#[tokio::test]
async fn a_hint_fills_missing_fields_only() {
    let world = World::new();
    let (host, other) = (world.user("host").await, world.user("other").await);
    let room = world.core.broadcasts().prepare(host).await.unwrap();
    let hint = async |who, name: &str| {
        let hint = RecordingHint { name: name.to_owned(), cover: format!("cover of {name}") };
        world.core.rooms().hint_recording(who, room, hint).await.unwrap();
    };
    hint(host, "hinted").await;
    hint(other, "by a stranger").await;
    on_sxb(&world, "nonsense", Some(room), file("a", Mp4, 60, 100)).await.unwrap();
    assert!(ids(&world).await == ["a"], "a hint alone makes no recording");
    let a = recordings(&world).await.remove(0);
    assert_eq!((&*a.title, &*a.cover), ("hinted", "cover of hinted"));
    world.core.broadcasts().report(host, report(room, "reported")).await.unwrap();
    world.clock.advance(Seconds(50));
    on_sxb(&world, "nonsense", Some(room), file("b", Mp4, 60, 110)).await.unwrap();
    let b = recordings(&world).await.remove(0);
    assert_eq!((&*b.title, &*b.cover), ("reported", "cover of reported"));
}

#[tokio::test]
async fn lists_are_filtered_and_sorted() {
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
        page.items.into_iter().map(|one| one.file_id.clone()).collect::<Vec<_>>()
    };
    let every = RecordingFilter::default;
    let ended = RecordingOrder::Ended { after: None };
    assert_eq!(
        list(every(), ended).await,
        ["list only", "same end", "late", "early"],
        "equal ends: the later stored first"
    );
    assert_eq!(list(every(), RecordingOrder::Stored).await, ["list only", "same end", "early", "late"]);
    let with_file = RecordingFilter { with_play_url: true, ..every() };
    assert_eq!(list(with_file, ended).await, ["same end", "late", "early"]);
    let recent = RecordingOrder::Ended { after: Some(START + Seconds(1_199)) };
    assert_eq!(list(every(), recent).await.len(), 3);
    let recent = RecordingOrder::Ended { after: Some(START + Seconds(1_200)) };
    assert_eq!(list(every(), recent).await, ["list only"]);
    for (owner, count) in [("anna", 2), ("ANNA", 0), ("ann_", 0), ("nobody", 0)] {
        let of_one = RecordingFilter { owner: Some(owner.into()), ..every() };
        assert_eq!(list(of_one, RecordingOrder::Stored).await.len(), count, "{owner}");
    }
}

#[tokio::test]
async fn a_recording_has_counters_of_its_own() {
    let world = World::new();
    world.guest_live("anna", "t").await;
    world.core.broadcasts().count(&"anna".into(), Counted::Like, Step::Up).await.unwrap();
    world.recorded("1000_anna", file("f", Mp4, 60, 160)).await.unwrap();
    let count = async |counted, step| {
        world.core.recordings().count(&"anna".into(), &"f".into(), counted, step).await.unwrap();
    };
    let counters = async || {
        let one = world.core.recordings().find(&"anna".into(), &"f".into()).await.unwrap().unwrap();
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
    let nothing =
        world.core.recordings().count(&"anna".into(), &"no such".into(), Counted::Like, Step::Up).await;
    assert!(nothing.is_ok());
}

#[tokio::test]
async fn members_of_a_recording_are_viewers_of_it() {
    let world = World::new();
    world.guest_live("anna", "t").await;
    world.recorded("1000_anna", file("f", Mp4, 60, 160)).await.unwrap();
    let names =
        |nickname: &str| relive_core::MemberNames { nickname: nickname.to_owned(), avatar: String::new() };
    let audiences = world.core.audiences();
    for viewer in ["bob", "carl", "bob"] {
        audiences.enter_recording(guest(viewer), &"anna".into(), &"f".into(), names(viewer)).await.unwrap();
    }
    audiences.enter_recording(guest("bob"), &"anna".into(), &"f".into(), names("Robert")).await.unwrap();
    let viewers =
        async || world.core.recordings().find(&"anna".into(), &"f".into()).await.unwrap().unwrap().viewers;
    assert_eq!(viewers().await, 2);
    let group = audiences.group(&"anna".into(), &"f".into(), ALL).await.unwrap();
    let shown: Vec<_> = group.items.iter().map(|one| (&*one.user_id, &*one.nickname)).collect();
    assert_eq!(shown, [("bob", "Robert"), ("carl", "carl")], "new names, same position");
    for viewer in ["bob", "bob", "stranger"] {
        audiences.quit_recording(guest(viewer), &"anna".into(), &"f".into()).await.unwrap();
    }
    assert_eq!(viewers().await, 1);
    assert_eq!(world.on_air().await[0].viewers, 0, "not of the live");
    // A new live empties the group of the live, not that of a recording.
    announced(&world, "anna").await;
    assert_eq!(audiences.group(&"anna".into(), &"f".into(), ALL).await.unwrap().total, 1);
}

#[tokio::test]
async fn nobody_leaves_a_row_behind_at_a_recording_that_does_not_exist() {
    let world = World::new();
    world.guest_live("anna", "t").await;
    let rows = || relive_core::database::rows(&world.core.config().database).unwrap();
    let before = rows();
    let names = relive_core::MemberNames::default;
    let audiences = world.core.audiences();
    for owner in ["anna", "nobody"] {
        let owner = owner.into();
        for viewer in ["anna", "stranger"] {
            audiences.enter_recording(guest(viewer), &owner, &"f".into(), names()).await.unwrap();
            audiences.quit_recording(guest(viewer), &owner, &"f".into()).await.unwrap();
            audiences.quit_group(guest(viewer), &owner, &"f".into()).await.unwrap();
        }
        assert_eq!(audiences.group(&owner, &"f".into(), ALL).await.unwrap().total, 0);
        for counted in [Counted::Like, Counted::AnonymousViewer] {
            world.core.recordings().count(&owner, &"f".into(), counted, Step::Up).await.unwrap();
        }
    }
    assert_eq!(rows(), before);
    // The members of a recording that comes later are those that enter it then.
    world.recorded("1000_anna", file("f", Mp4, 60, 160)).await.unwrap();
    assert_eq!(audiences.group(&"anna".into(), &"f".into(), ALL).await.unwrap().total, 0);
    let registered = world.user("emil").await;
    let unproven = audiences.enter_recording(guest("emil"), &"anna".into(), &"none".into(), names()).await;
    assert!(matches!(unproven, Err(Error::ProofRequired)), "the check of the actor comes first");
    let proven = relive_core::Actor::Proven(registered);
    audiences.enter_recording(proven, &"anna".into(), &"none".into(), names()).await.unwrap();
    assert_eq!(audiences.group(&"anna".into(), &"none".into(), ALL).await.unwrap().total, 0);
}

#[tokio::test]
async fn a_broadcast_that_was_only_prepared_names_no_recording_another_one_overlaps() {
    let world = World::new();
    let host = world.user("host").await;
    let room = world.core.broadcasts().prepare(host).await.unwrap();
    world.clock.advance(Seconds(300));
    world.core.broadcasts().report(host, report(room, "reported")).await.unwrap();
    world.clock.advance(Seconds(100));
    // Over all of both: 300 s prepared, 100 s on air.
    on_sxb(&world, "nonsense", Some(room), file("both", Mp4, 60, 460)).await.unwrap();
    let kept = world.core.recordings().find(&"host".into(), &"both".into()).await.unwrap().unwrap();
    assert_eq!(kept.title, "reported");
}
