//! The sessions that a login ends, refresh tokens, and new passwords.

use secrecy::ExposeSecret as _;

use super::tables::Tables;
use crate::{
    Dialect, Error, Seconds,
    domain::{account, login, session},
    model::{password::StoredPassword, session::TokenHash},
    table::{accounts, sessions},
};

fn count(tables: &mut Tables, account: crate::AccountId) -> usize {
    tables.run(|tx| sessions::of_account(tx.conn, account)).unwrap().len()
}

#[test]
fn a_login_ends_only_sessions_beyond_the_limit_of_its_dialect() {
    let mut tables = Tables::new();
    let anna = tables.user("anna");
    let mut open = |dialect| tables.run(|tx| session::open(tx, anna, &"anna".into(), dialect)).unwrap();
    for dialect in [Dialect::Sxb, Dialect::MinilvbV2] {
        open(dialect);
        open(dialect);
    }
    for _ in 0..20 {
        open(Dialect::Qplus);
    }
    assert_eq!(count(&mut tables, anna), 1 + 1 + 16);
}

#[test]
fn a_refresh_token_is_valid_once_and_until_its_end() {
    let mut tables = Tables::new();
    let anna = tables.user("anna");
    let issued = tables.run(|tx| session::open(tx, anna, &"anna".into(), Dialect::MinilvbV2)).unwrap();
    let offered = TokenHash::of(issued.refresh_token.expose_secret());
    let renewed = tables.run(|tx| session::refresh(tx, &"anna".into(), &offered)).unwrap();
    let again = tables.run(|tx| session::refresh(tx, &"anna".into(), &offered));
    assert!(matches!(again, Err(Error::InvalidSession)), "used up");
    let offered = TokenHash::of(renewed.refresh_token.expose_secret());
    tables.now += Seconds(30 * 86_400);
    let late = tables.run(|tx| session::refresh(tx, &"anna".into(), &offered));
    assert!(matches!(late, Err(Error::InvalidSession)), "too late");
}

#[test]
fn a_new_password_ends_every_session_and_every_login_in_progress() {
    let mut tables = Tables::new();
    let anna = tables.user("anna");
    tables.run(|tx| session::open(tx, anna, &"anna".into(), Dialect::Sxb)).unwrap();
    let row = tables.run(|tx| accounts::by_id(tx.conn, anna)).unwrap().unwrap();
    let checked = StoredPassword("stored".to_owned());
    tables.run(|tx| login::open(tx, &row, &checked, Dialect::Qplus)).unwrap();
    tables.run(|tx| account::set_password(tx, &"anna".into(), &StoredPassword("new".to_owned()))).unwrap();
    assert_eq!(count(&mut tables, anna), 0);
    let late = tables.run(|tx| login::open(tx, &row, &checked, Dialect::Qplus));
    assert!(matches!(late, Err(Error::WrongPassword)));
}

#[test]
fn a_sweep_deletes_the_sessions_without_a_valid_token() {
    let mut tables = Tables::new();
    let anna = tables.user("anna");
    for dialect in [Dialect::Sxb, Dialect::MinilvbV2, Dialect::Qplus] {
        tables.run(|tx| session::open(tx, anna, &"anna".into(), dialect)).unwrap();
    }
    for (seconds, left) in [(3_599, 3), (1, 2), (7 * 86_400 - 3_600, 1), (23 * 86_400, 0)] {
        tables.now += Seconds(seconds);
        tables.run(session::close_ended).unwrap();
        assert_eq!(count(&mut tables, anna), left, "after {seconds} s more");
    }
}
