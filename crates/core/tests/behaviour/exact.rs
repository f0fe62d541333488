//! Concurrent calls are counted exactly, and exactly one of concurrent rivals wins.

use std::{collections::HashSet, sync::Arc};

use relive_core::{
    AccountId, Core, Counted, Dialect, Error, Identifier, MemberNames, NewAccount, Password, Result, Role,
    RoomNumber, Seconds, Step,
};
use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;

use crate::support::{ALL, World, guest, offer};

/// Tasks at the same time.
const TASKS: usize = 64;

/// Runs one task per index, all at once, and returns their results in the order of the indexes.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    tasks: usize,
    core: &Core,
    make: impl Fn(Core, usize) -> F,
) -> Vec<T> {
    let start = Arc::new(tokio::sync::Barrier::new(tasks));
    let mut set = JoinSet::new();
    for index in 0..tasks {
        let (task, start) = (make(core.clone(), index), Arc::clone(&start));
        set.spawn(async move {
            start.wait().await;
            (index, task.await)
        });
    }
    let mut done = set.join_all().await;
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// A core with a live of `host` on the air, and as many registered users as there are tasks.
async fn crowd() -> (World, RoomNumber, Vec<AccountId>) {
    let world = World::new();
    let host = world.user("host").await;
    let room = world.sxb_live(host, "t").await;
    let mut users = Vec::new();
    for index in 0..TASKS {
        users.push(world.user(&format!("user{index}")).await);
    }
    (world, room, users)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_counts_exactly_once() {
    let (world, room, users) = crowd().await;
    let results: Vec<Result<()>> = at_once(TASKS, &world.core, |core, index| {
        let user = users[index];
        async move {
            let name = format!("guest{index}");
            let (broadcasts, audiences) = (core.broadcasts(), core.audiences());
            for round in 0..8 {
                // Three likes up, one down; two anonymous viewers in, one out.
                for step in [Step::Up, Step::Up, Step::Down, Step::Up] {
                    broadcasts.count(&"host".into(), Counted::Like, step).await?;
                }
                for step in [Step::Up, Step::Down, Step::Up] {
                    broadcasts.count(&"host".into(), Counted::AnonymousViewer, step).await?;
                }
                audiences.enter(user, room, Role::Viewer).await?;
                audiences.beat(user, if round % 2 == 0 { Role::OnMic } else { Role::Viewer }, None).await?;
                let names = MemberNames::default();
                audiences.enter_group(guest(&name), &"host".into(), &"10001".into(), names).await?;
                if round % 2 == 0 {
                    audiences.quit_group(guest(&name), &"host".into(), &"10001".into()).await?;
                    audiences.leave(user, room).await?;
                }
            }
            // All tasks try to register the same name first.
            let new = |id: String| NewAccount::new(id, Password::plain("secret"));
            let first = core.accounts().register(new("newcomer".to_owned())).await;
            assert!(matches!(first, Ok(_) | Err(Error::AccountExists)), "{first:?}");
            core.accounts().register(new(format!("newcomer{index}"))).await?;
            // The members of even tasks leave for good.
            if index % 2 == 0 {
                audiences.quit_group(guest(&name), &"host".into(), &"10001".into()).await?;
                audiences.leave(user, room).await?;
            }
            Ok(())
        }
    })
    .await;
    for result in results {
        result.unwrap();
    }

    let live = world.of_room(room).await.unwrap();
    let tasks = i64::try_from(TASKS).unwrap();
    assert_eq!(live.likes, tasks * 8 * 2);
    assert_eq!(live.members, 1 + tasks, "the host, and a user and a guest of every odd task");
    assert_eq!(live.viewers, tasks + tasks * 8);
    let members = world.core.audiences().members(room, ALL).await.unwrap();
    assert_eq!((members.total, members.items.len()), (TASKS + 1, TASKS + 1));
    assert!(members.items[1..].iter().all(|member| member.role == Role::Viewer));
    assert_eq!(
        world.core.audiences().group(&"host".into(), &"10001".into(), ALL).await.unwrap().total,
        TASKS
    );
    assert_eq!(world.core.stats().members, TASKS + 1);
    let accounts = world.core.accounts().list(None, 1_000).await.unwrap();
    let registered = accounts.iter().filter(|account| account.registered).count();
    assert_eq!(
        registered,
        1 + TASKS + TASKS + 1,
        "the host, the users, a newcomer of every task, and the newcomer with the shared name"
    );
    assert_eq!(accounts.len() - registered, TASKS, "a guest of every task");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_stop_at_zero_and_grow_again() {
    let (world, room, _) = crowd().await;
    at_once(TASKS, &world.core, |core, _| async move {
        for _ in 0..4 {
            core.broadcasts().count(&"host".into(), Counted::Like, Step::Down).await.unwrap();
            core.broadcasts().count(&"host".into(), Counted::AnonymousViewer, Step::Down).await.unwrap();
        }
    })
    .await;
    let live = world.of_room(room).await.unwrap();
    assert_eq!((live.likes, live.viewers), (0, 0));
    // Single steps do not change the likes that the host has reported.
    let host = live.host;
    world.core.audiences().beat(host, Role::Host, Some(5)).await.unwrap();
    world.core.broadcasts().count(&"host".into(), Counted::Like, Step::Down).await.unwrap();
    world.core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
    assert_eq!(world.of_room(room).await.unwrap().likes, 6);
    world.core.audiences().beat(host, Role::Host, Some(i64::MAX)).await.unwrap();
    assert_eq!(world.of_room(room).await.unwrap().likes, i64::from(i32::MAX));
    world.core.audiences().beat(host, Role::Host, Some(-1)).await.unwrap();
    assert_eq!(world.of_room(room).await.unwrap().likes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_concurrent_registrations_wins() {
    let world = World::new();
    world.guest_live("anna", "t").await;
    let forms = ["anna", "Anna", "ANNA", "aNNa"];
    let results = at_once(32, &world.core, |core, index| async move {
        let new = NewAccount::new(forms[index % 4], Password::plain(format!("password {index}")));
        core.accounts().register(new).await
    })
    .await;
    let winners: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    let [winner] = winners[..] else { panic!("{} winners", winners.len()) };
    assert!(results.iter().filter(|result| matches!(result, Err(Error::AccountExists))).count() == 31);
    assert!(world.on_air().await.is_empty());
    // The stored password is the winner's.
    let index = results.iter().position(Result::is_ok).unwrap();
    let id = Identifier::UserId(winner.user_id.clone());
    let mine = Password::plain(format!("password {index}"));
    assert!(world.core.accounts().verify(id, &[mine]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_number_and_an_email_address_belong_to_one_account() {
    let world = World::new();
    let results = at_once(32, &world.core, |core, index| async move {
        let new = NewAccount {
            phone: Some("13800000000".to_owned()),
            email: Some("one@example.com".to_owned()),
            ..NewAccount::new(format!("user{index}"), Password::plain("secret"))
        };
        core.accounts().register(new).await
    })
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| matches!(result, Err(Error::PhoneExists))).count(), 31);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_refreshes_open_one_session() {
    let world = World::new();
    world.user("anna").await;
    let anna = Identifier::UserId("anna".into());
    let password = [Password::plain("anna")];
    let (_, issued) = world.core.accounts().login(Dialect::MinilvbV2, anna, &password).await.unwrap();
    let offer = offer(&issued);
    let results = at_once(32, &world.core, |core, _| {
        let offer = offer.clone();
        async move { core.sessions().refresh(&offer).await }
    })
    .await;
    let answers: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    for answer in &answers {
        assert_eq!(answer.token.expose_secret(), answers[0].token.expose_secret());
        assert_eq!(answer.refresh_token.expose_secret(), answers[0].refresh_token.expose_secret());
    }
    let sessions = world.core.sessions();
    let old = sessions.authenticate(Dialect::MinilvbV2, issued.token.expose_secret()).await;
    assert!(matches!(old, Err(Error::InvalidSession)));
    assert!(sessions.authenticate(Dialect::MinilvbV2, answers[0].token.expose_secret()).await.is_ok());
    let signed = sessions.signed("anna").await.unwrap().unwrap();
    assert_eq!(signed.expose_token(), answers[0].token.expose_secret());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_at_most_sixteen_sessions() {
    let world = World::new();
    world.user("anna").await;
    let tokens = at_once(40, &world.core, |core, _| async move {
        let anna = Identifier::UserId("anna".into());
        let (_, issued) = core.accounts().login(Dialect::Qplus, anna, &[Password::plain("anna")]).await?;
        Ok::<_, Error>(issued.token.expose_secret().to_owned())
    })
    .await;
    let mut alive = 0;
    for token in tokens {
        alive +=
            usize::from(world.core.sessions().authenticate(Dialect::Qplus, &token.unwrap()).await.is_ok());
    }
    assert_eq!(alive, 16);
}

#[tokio::test]
async fn the_least_recently_used_session_is_closed_first() {
    let world = World::new();
    world.user("anna").await;
    let mut tokens = Vec::new();
    for _ in 0..16 {
        tokens.push(world.token(Dialect::Qplus, "anna").await);
        world.clock.advance(Seconds(1));
    }
    let alive = async |token: &str| world.core.sessions().authenticate(Dialect::Qplus, token).await.is_ok();
    assert!(alive(&tokens[0]).await, "used again");
    world.core.maintain().await.unwrap();
    let sxb = world.token(Dialect::Sxb, "anna").await;
    tokens.push(world.token(Dialect::Qplus, "anna").await);
    let mut closed = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if !alive(token).await {
            closed.push(index);
        }
    }
    assert_eq!(closed, [1]);
    assert!(
        world.core.sessions().authenticate(Dialect::Sxb, &sxb).await.is_ok(),
        "a session of another dialect stays"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_room_has_one_number_for_ever() {
    let (mut world, first, users) = crowd().await;
    let numbers = async |world: &World| {
        // Each user through two dialects at once.
        at_once(TASKS * 2, &world.core, |core, index| {
            let user = users[index % TASKS];
            async move {
                if index < TASKS {
                    core.broadcasts().prepare(user).await.unwrap()
                } else {
                    core.rooms().plan(user, relive_core::Plan::default()).await.unwrap();
                    core.rooms().number_of(user).await.unwrap().unwrap()
                }
            }
        })
        .await
    };
    let given = numbers(&world).await;
    assert_eq!(given[..TASKS], given[TASKS..]);
    let different: HashSet<RoomNumber> = given.iter().copied().chain([first]).collect();
    assert_eq!(different.len(), TASKS + 1);
    assert!(different.iter().all(|number| (1..=i64::from(i32::MAX)).contains(&number.0)));
    world.restart(Seconds(10)).await;
    assert_eq!(numbers(&world).await, given);
    // A number is not given out again, not even the last one.
    let last = given[..TASKS].iter().max().copied().unwrap();
    let owner = given.iter().position(|number| *number == last).unwrap();
    world.core.accounts().delete(&format!("user{owner}").into()).await.unwrap();
    world.restart(Seconds(10)).await;
    let again = world.user(&format!("user{owner}")).await;
    assert!(world.core.broadcasts().prepare(again).await.unwrap() > last);
}
