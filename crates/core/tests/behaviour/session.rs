//! Lifetimes of tokens, and the tries of a verification code.

use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};
use relive_core::{Dialect, Error, NewAccount, Password, Purpose, ResetProof, Seconds};
use secrecy::ExposeSecret as _;

use crate::support::World;

#[tokio::test]
async fn a_short_lifetime_of_the_refresh_token_does_not_shorten_that_of_the_token() {
    let world = World::with(|config| config.sessions.v2_refresh_ttl = Seconds(3_600));
    world.user("anna").await;
    let token = world.token(Dialect::MinilvbV2, "anna").await;
    world.clock.advance(Seconds(3_601));
    world.core.maintain().await.unwrap();
    assert!(world.core.sessions().authenticate(Dialect::MinilvbV2, &token).await.is_ok());
}

#[tokio::test]
async fn a_used_up_code_stays_invalid_after_any_number_of_tries() {
    let world = World::on_file();
    let phone = "13800000000";
    let new =
        NewAccount { phone: Some(phone.to_owned()), ..NewAccount::new("anna", Password::plain("anna")) };
    world.core.accounts().register(new).await.unwrap();
    let code = world.core.accounts().issue_code(phone, Purpose::Reset).await.unwrap();
    let try_code = async |code: &str| {
        let proof = ResetProof::Of { session: None, code: Some(code.to_owned().into()) };
        world.core.accounts().reset_password(phone, &Password::plain("other"), proof).await
    };
    // The largest number of tries that the column of 16 bits holds.
    let mut conn = SqliteConnection::establish(world.file().to_str().unwrap()).unwrap();
    diesel::sql_query("UPDATE verifications SET tries = 32767").execute(&mut conn).unwrap();
    for code in ["wrong", code.expose_secret()] {
        let answer = try_code(code).await;
        assert!(matches!(answer, Err(Error::WrongCode)), "{answer:?}");
    }
}
