//! How long sessions live, and how many there may be.

use relive_core::{Dialect, Error, NewAccount, Password, Purpose, ResetProof};
use secrecy::ExposeSecret as _;

use crate::support::World;

#[tokio::test]
async fn a_short_refresh_life_does_not_shorten_the_token() {
    let world = World::with(|config| config.sessions.v2_refresh_ttl = 3_600);
    world.user("anna").await;
    let token = world.token(Dialect::MinilvbV2, "anna").await;
    world.clock.advance(3_601);
    world.core.maintain().await.unwrap();
    assert!(world.core.sessions().authenticate(Dialect::MinilvbV2, &token).await.is_ok());
}

#[tokio::test]
async fn a_code_stays_dead_however_often_it_is_tried() {
    let world = World::new();
    let phone = "13800000000";
    let new =
        NewAccount { phone: Some(phone.to_owned()), ..NewAccount::new("anna", Password::plain("anna")) };
    world.core.accounts().register(new).await.unwrap();
    let code = world.core.accounts().issue_code(phone, Purpose::Reset).await.unwrap();
    let try_code = |code: &str| {
        let proof = ResetProof::Of { session: None, code: Some(code.to_owned().into()) };
        let accounts = world.core.accounts();
        async move { accounts.reset_password(phone, &Password::plain("other"), proof).await }
    };
    // As many wrong tries as a 16 bit counter holds, and a few more.
    let mut tries = 0;
    while tries < 32_800 {
        let batch: Vec<_> = (0..400).map(|_| try_code("wrong")).collect();
        tries += batch.len();
        for answer in futures_in_order(batch).await {
            assert!(matches!(answer, Err(Error::WrongCode)), "{answer:?}");
        }
    }
    let answer = try_code(code.expose_secret()).await;
    assert!(matches!(answer, Err(Error::WrongCode)), "{answer:?}");
}

/// Drives all futures at once.
async fn futures_in_order<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in futures.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
