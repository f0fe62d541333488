//! Who may publish a stream, and whose it is: nobody goes on air, or is recorded, under another user's name.

use relive_core::{
    Actor, Core, Dialect, Password, PublishError, StreamCode, UnixSeconds, sign::url::UrlError,
};

use super::*;

const SECOND: Seconds = Seconds(1);
const PUSH_TTL: Seconds = Seconds(10_800);

fn world() -> World {
    World::with(|config| config.media.push_key = "demoPushKey0001".to_owned().into())
}

/// The result of a publish to a push URL.
fn publish(core: &Core, url: &str) -> Result<UnixSeconds, PublishError> {
    let (path, query) = url.split_once('?').unwrap();
    let (_, stream) = path.rsplit_once('/').unwrap();
    core.streams().check_publish(&stream.into(), query)
}

/// The push URL that a guest gets when it announces a live.
async fn push_url_of_guest(world: &World, id: &str) -> String {
    let live = world.core.broadcasts().announce(guest(id), announcement("t")).await.unwrap();
    world.core.streams().push_url(&live.stream_code, world.core.now())
}

/// A push URL that is made now.
fn push_url(world: &World, code: &StreamCode) -> String {
    world.core.streams().push_url(code, world.core.now())
}

#[tokio::test]
async fn only_a_signed_url_in_its_time_may_be_published() {
    let world = world();
    let url = push_url_of_guest(&world, "anna").await;
    let expires = world.core.now() + PUSH_TTL;
    assert_eq!(publish(&world.core, &url), Ok(expires));
    assert_eq!(publish(&world.core, &url.replace("1000_anna", "1000_bob")), Err(UrlError::BadSecret.into()));
    assert_eq!(publish(&world.core, "rtmp://h/live/1000_anna?bizid=1000"), Err(UrlError::Missing.into()));
    world.clock.advance(PUSH_TTL);
    assert_eq!(publish(&world.core, &url), Ok(expires));
    world.clock.advance(SECOND);
    assert_eq!(publish(&world.core, &url), Err(UrlError::Expired.into()));
}

#[tokio::test]
async fn without_a_push_key_nothing_may_be_published() {
    let world = World::with(|config| config.media.push_key = String::new().into());
    let unsigned = push_url_of_guest(&world, "anna").await;
    assert_eq!(publish(&world.core, &unsigned), Err(UrlError::Missing.into()));
    let query = "txSecret=d41d8cd98f00b204e9800998ecf8427e&txTime=65541b30";
    assert_eq!(
        world.core.streams().check_publish(&"1000_anna".into(), query),
        Err(UrlError::BadSecret.into())
    );
}

#[tokio::test]
async fn registration_over_the_name_of_a_guest_revokes_its_push_urls() {
    let world = world();
    let old = push_url_of_guest(&world, "carl").await;
    let old_link_mic = world.core.streams().link_mic(guest("carl")).await.unwrap().code;
    let old_link_mic = push_url(&world, &old_link_mic);
    let variant = push_url_of_guest(&world, "CARL").await;
    let other = push_url_of_guest(&world, "carla").await;
    world.clock.advance(SECOND);
    world.user("carl").await;
    for url in [&old, &old_link_mic, &variant] {
        assert_eq!(publish(&world.core, url), Err(PublishError::Revoked), "{url}");
    }
    assert!(publish(&world.core, &other).is_ok(), "another guest's");
    // The account may push in the very second of its registration.
    assert!(publish(&world.core, &push_url(&world, &"1000_carl".into())).is_ok());
}

#[tokio::test]
async fn a_new_password_a_kick_and_a_deletion_revoke_push_urls() {
    let world = world();
    let carl = world.user("carl").await;
    let actor = || Actor::Proven(carl);
    let code =
        world.core.broadcasts().announce(actor(), announcement("t")).await.unwrap().stream_code.clone();
    for change in ["password", "kick", "deletion"] {
        let (live, link_mic) = (code.clone(), world.core.streams().link_mic(actor()).await.unwrap().code);
        let urls = [push_url(&world, &live), push_url(&world, &link_mic)];
        assert!(urls.iter().all(|url| publish(&world.core, url).is_ok()), "{change}");
        match change {
            "password" => {
                world.core.accounts().set_password(&"carl".into(), &Password::plain("new")).await.unwrap();
            }
            "kick" => drop(world.core.sessions().kick(carl, Dialect::Sxb).await.unwrap()),
            _ => world.core.accounts().delete(&"carl".into()).await.unwrap(),
        }
        for url in urls {
            assert_eq!(publish(&world.core, &url), Err(PublishError::Revoked), "{change}: {url}");
        }
        assert!(publish(&world.core, &push_url(&world, &live)).is_ok(), "{change}");
        world.clock.advance(SECOND);
    }
}

#[tokio::test]
async fn a_revocation_outlives_restarts_and_the_account() {
    let mut world = world();
    let url = push_url_of_guest(&world, "carl").await;
    world.clock.advance(SECOND);
    world.user("carl").await;
    world.core.accounts().delete(&"carl".into()).await.unwrap();
    world.restart(SECOND).await;
    assert_eq!(publish(&world.core, &url), Err(PublishError::Revoked));
    push_url_of_guest(&world, "carl").await;
    world.crash(SECOND);
    assert_eq!(publish(&world.core, &url), Err(PublishError::Revoked));
    world.core.maintain().await.unwrap();
    assert_eq!(publish(&world.core, &url), Err(PublishError::Revoked));
}

#[tokio::test]
async fn a_shorter_push_ttl_revives_no_revoked_url() {
    let mut world = World::with(|config| {
        config.media.push_key = "demoPushKey0001".to_owned().into();
        config.media.push_ttl = Seconds(86_400);
    });
    let url = push_url_of_guest(&world, "carl").await;
    world.clock.advance(SECOND);
    world.user("carl").await;
    world.change_config(|config| config.media.push_ttl = Seconds(60));
    world.restart(SECOND).await;
    world.core.maintain().await.unwrap();
    assert_eq!(publish(&world.core, &url), Err(PublishError::Revoked));
    assert!(publish(&world.core, &push_url(&world, &"1000_carl".into())).is_ok());
    world.clock.advance(Seconds(86_400));
    assert_eq!(publish(&world.core, &url), Err(UrlError::Expired.into()));
}

#[tokio::test]
async fn the_stream_of_a_deleted_account_is_nobody_elses() {
    let world = world();
    let host = world.user("carl").await;
    world.core.rooms().plan(host, Plan::default()).await.unwrap();
    push_url_of_guest(&world, "carl_two").await;
    let link_mic = world.core.streams().link_mic(guest("carl_two")).await.unwrap().code;
    world.core.accounts().delete(&"carl_two".into()).await.unwrap();
    // The push runs on after its URL has ended.
    for later in [Seconds(0), Seconds(6 * 86_400)] {
        world.clock.advance(later);
        world.core.maintain().await.unwrap();
        for code in ["1000_carl_two", link_mic.as_str()] {
            world.event(code, started(None)).await.unwrap();
            assert!(world.on_air().await.is_empty(), "{code}");
            let recorded = world.recorded(code, file("1", FileFormat::Mp4, 0, 100)).await;
            assert!(matches!(recorded, Err(Error::RoomNotFound)), "{code}: {recorded:?}");
        }
    }
}

#[tokio::test]
async fn a_link_mic_push_longer_than_its_code_is_kept_is_nobody_elses() {
    let world = world();
    let host = world.user("carl").await;
    world.core.rooms().plan(host, Plan::default()).await.unwrap();
    push_url_of_guest(&world, "carl_two").await;
    let link_mic = world.core.streams().link_mic(guest("carl_two")).await.unwrap().code;
    world.clock.advance(Seconds(30 * 86_400));
    world.core.maintain().await.unwrap();
    world.recorded(&link_mic, file("1", FileFormat::Mp4, 0, 100)).await.unwrap();
    assert!(recordings(&world).await.is_empty());
    // The id of a user may end like a link-mic code.
    let dated = world.user("carl_20240101").await;
    world.core.rooms().plan(dated, Plan::default()).await.unwrap();
    world.recorded("1000_carl_20240101", file("2", FileFormat::Mp4, 0, 100)).await.unwrap();
    assert_eq!(recordings(&world).await.len(), 1);
}

#[tokio::test]
async fn a_stranger_does_not_go_on_air_as_the_user_its_name_begins_with() {
    let world = world();
    let vera = world.user("vera").await;
    world.core.rooms().plan(vera, Plan::default()).await.unwrap();
    let code = world.core.streams().link_mic(guest("vera_z")).await.unwrap().code;
    world.event(&code, started(Some("1"))).await.unwrap();
    assert!(world.on_air().await.is_empty());
    world.recorded(&code, file("1", FileFormat::Mp4, 0, 100)).await.unwrap();
    assert!(recordings(&world).await.is_empty());
}
