//! The effect of event 1 (started) and event 0 (stopped) on the broadcast of a host.

use super::*;

#[tokio::test]
async fn notices_put_an_announced_live_on_and_off_the_air() {
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
async fn notices_open_and_end_a_planned_live() {
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
    // A plan that arrives while on air changes the title.
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
async fn a_host_without_a_plan_or_an_announcement_stays_off_the_air() {
    let world = World::new();
    let host = world.user("host").await;
    world.core.broadcasts().prepare(host).await.unwrap();
    world.event("8525_host", started(None)).await.unwrap();
    assert!(world.on_air().await.is_empty());
}

#[tokio::test]
async fn the_later_of_plan_and_announcement_goes_on_air() {
    let world = World::new();
    let host = world.user("host").await;
    let actor = || relive_core::Actor::Proven(host);
    let plan = async || {
        let plan = Plan { title: "planned".to_owned(), ..Plan::default() };
        world.core.rooms().plan(host, plan).await.unwrap();
    };
    plan().await;
    world.clock.advance(Seconds(1));
    world.core.broadcasts().announce(actor(), announcement("announced")).await.unwrap();
    world.event("1000_host", started(None)).await.unwrap();
    assert_eq!(world.on_air().await[0].title, "announced");
    world.event("1000_host", stopped(None)).await.unwrap();
    world.clock.advance(Seconds(1));
    plan().await;
    world.event("1000_host", started(None)).await.unwrap();
    assert_eq!(world.on_air().await[0].title, "planned");
}

#[tokio::test]
async fn the_end_of_another_push_ends_nothing() {
    let world = World::new();
    announced(&world, "anna").await;
    let on_air = async || !world.on_air().await.is_empty();
    let send = async |event| world.event("1000_anna", event).await.unwrap();
    send(started(Some("1"))).await;
    send(stopped(Some("2"))).await;
    assert!(on_air().await);
    send(started(Some("2"))).await; // reconnected
    send(stopped(Some("1"))).await; // the late end of the first
    assert!(on_air().await);
    send(stopped(Some("2"))).await;
    assert!(!on_air().await);
    send(started(Some("3"))).await;
    send(stopped(None)).await;
    assert!(!on_air().await, "without a sequence any end counts");
    // The host put this live on the air, so the sequence of its push is unknown.
    announced(&world, "anna").await;
    world.core.broadcasts().put_on_air(guest("anna")).await.unwrap();
    send(stopped(Some("9"))).await;
    assert!(!on_air().await);
}

#[tokio::test]
async fn a_notice_of_an_sxb_stream_changes_no_broadcast() {
    let world = World::new();
    let host = world.user("host").await;
    world.core.broadcasts().prepare(host).await.unwrap();
    let code = latest(&world, "host").await.stream_code.clone();
    let plan = Plan { title: "planned".to_owned(), ..Plan::default() };
    world.core.rooms().plan(host, plan).await.unwrap();
    let tail = code.rsplit_once('_').unwrap().1;
    for code in [code.clone(), format!("8888_{tail}").into()] {
        world.event(&code, started(None)).await.unwrap();
        assert!(world.on_air().await.is_empty());
    }
    let actor = relive_core::Actor::Proven(host);
    world.clock.advance(Seconds(1));
    world.core.broadcasts().announce(actor.clone(), announcement("t")).await.unwrap();
    world.event(&code, started(None)).await.unwrap();
    assert!(world.on_air().await.is_empty());
    world.core.broadcasts().put_on_air(actor).await.unwrap();
    world.event(&code, stopped(None)).await.unwrap();
    assert_eq!(world.on_air().await.len(), 1);
}

#[tokio::test]
async fn a_notice_on_sxbs_path_changes_no_broadcast() {
    let world = World::new();
    announced(&world, "anna").await;
    let host = world.user("host").await;
    world.core.rooms().plan(host, Plan::default()).await.unwrap();
    let room = world.core.rooms().number_of(host).await.unwrap();
    for code in ["1000_anna", "8888_host"] {
        let route = CallbackSource::Sxb { room };
        world.core.streams().event(code.into(), route, started(None)).await.unwrap();
    }
    assert!(world.on_air().await.is_empty());
    world.core.broadcasts().put_on_air(guest("anna")).await.unwrap();
    let route = CallbackSource::Sxb { room: None };
    world.core.streams().event("1000_anna".into(), route, stopped(None)).await.unwrap();
    assert_eq!(world.on_air().await.len(), 1);
}

#[tokio::test]
async fn a_stream_into_the_live_of_another_host_does_not_change_the_users_own_live() {
    let world = World::new();
    announced(&world, "anna").await;
    let joint = world.core.streams().link_mic(guest("anna")).await.unwrap().code;
    for (code, event, on_air) in [
        (&*joint, started(None), 0),
        ("1000_anna", started(None), 1),
        (&*joint, stopped(None), 1),
        ("1000_anna", stopped(None), 0),
    ] {
        world.event(code, event).await.unwrap();
        assert_eq!(world.on_air().await.len(), on_air, "{code}");
    }
}
