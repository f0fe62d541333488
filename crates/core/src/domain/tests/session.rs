//! The sessions that a login ends, refresh tokens, and new passwords.

use std::net::Ipv4Addr;

use secrecy::ExposeSecret as _;

use super::tables::Tables;
use crate::{
    Config, Dialect, Error, IssuedSession, RefreshOffer, Seconds,
    domain::{account, login, session},
    model::password::StoredPassword,
    table::{
        accounts,
        sessions::{self, SessionRow},
    },
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

fn offer(issued: &IssuedSession) -> RefreshOffer {
    RefreshOffer {
        user_id: "anna".into(),
        token: issued.refresh_token.clone(),
        client: Ipv4Addr::new(192, 0, 2, 7).into(),
    }
}

#[test]
fn a_refresh_token_is_valid_once_and_until_its_end() {
    let mut tables = Tables::new();
    let anna = tables.user("anna");
    let issued = tables.run(|tx| session::open(tx, anna, &"anna".into(), Dialect::MinilvbV2)).unwrap();
    let renewed = tables.run(|tx| session::refresh(tx, &offer(&issued))).unwrap();
    let again = tables.run(|tx| session::refresh(tx, &offer(&issued)));
    assert!(matches!(again, Err(Error::InvalidSession)), "used up");
    tables.now += Seconds(30 * 86_400);
    let late = tables.run(|tx| session::refresh(tx, &offer(&renewed)));
    assert!(matches!(late, Err(Error::InvalidSession)), "too late");
}

#[test]
fn a_lost_answer_is_repeated_for_a_minute_from_the_same_address_until_the_session_is_used() {
    let mut tables = Tables::new();
    let anna = tables.user("anna");
    let issued = tables.run(|tx| session::open(tx, anna, &"anna".into(), Dialect::MinilvbV2)).unwrap();
    let renewed = tables.run(|tx| session::refresh(tx, &offer(&issued))).unwrap();
    let row = tables.run(|tx| sessions::of_account(tx.conn, anna)).unwrap().pop().unwrap();
    let opened_at = row.opened_at;
    let policy = Config::sqlite("").sessions;
    let repeated = |row: &SessionRow, offer: &RefreshOffer, after: i64| {
        session::repeated(row, "anna".into(), offer, opened_at + Seconds(after), policy)
    };
    for after in [0, 60] {
        let again = repeated(&row, &offer(&issued), after).unwrap();
        assert_eq!(again.token.expose_secret(), renewed.token.expose_secret());
        assert_eq!(again.refresh_token.expose_secret(), renewed.refresh_token.expose_secret());
    }
    let mapped = RefreshOffer { client: "::ffff:192.0.2.7".parse().unwrap(), ..offer(&issued) };
    assert!(repeated(&row, &mapped, 0).is_some(), "the same address in its IPv6 form");
    let elsewhere = RefreshOffer { client: Ipv4Addr::new(192, 0, 2, 8).into(), ..offer(&issued) };
    let used = SessionRow { used_at: opened_at + Seconds(1), ..row.clone() };
    for (refused, why) in [
        (repeated(&row, &offer(&issued), 61), "late"),
        (repeated(&row, &elsewhere, 0), "another address"),
        (repeated(&row, &offer(&renewed), 0), "the new refresh token"),
        (repeated(&used, &offer(&issued), 1), "used"),
    ] {
        assert!(refused.is_none(), "{why}");
    }
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
