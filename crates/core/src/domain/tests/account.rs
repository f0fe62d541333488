//! Registration, guests, codes sent to phones, deletion.

use secrecy::ExposeSecret as _;

use super::tables::Tables;
use crate::{
    Actor, Error, NewAccount, Password, Purpose, Seconds, State,
    domain::{account, actor, registration, verification},
    model::password::StoredPassword,
    table::{accounts, broadcasts, rooms},
};

fn stored() -> StoredPassword {
    StoredPassword("stored".to_owned())
}

#[test]
fn a_registration_turns_a_guest_into_an_account_and_ends_its_live() {
    let mut tables = Tables::new();
    tables.announce("anna", "by the guest");
    let guest = tables.run(|tx| accounts::by_user_id(tx.conn, "anna")).unwrap().unwrap();
    let room = tables.run(|tx| rooms::of_account(tx.conn, guest.id)).unwrap().unwrap().number;
    let anna = tables.user("anna");
    assert_eq!(anna, guest.id, "the account keeps the id and the room of the guest");
    assert_eq!(tables.run(|tx| rooms::of_account(tx.conn, anna)).unwrap().unwrap().number, room);
    let row = tables.run(|tx| broadcasts::latest(tx.conn, anna)).unwrap().unwrap();
    assert_eq!(row.state, State::Ended);
}

#[test]
fn an_id_a_phone_and_an_email_identify_one_account() {
    let mut tables = Tables::new();
    let with = |id: &str, phone: &str, email: &str| NewAccount {
        phone: Some(phone.to_owned()),
        email: Some(email.to_owned()),
        ..NewAccount::new(id, Password::plain("secret"))
    };
    tables.run(|tx| registration::register(tx, &with("anna", "1", "a@x"), &stored())).unwrap();
    let mut refusal = |new| tables.run(|tx| registration::register(tx, &new, &stored())).unwrap_err();
    assert!(matches!(refusal(with("ANNA", "2", "b@x")), Error::AccountExists), "another case");
    assert!(matches!(refusal(with("1", "2", "b@x")), Error::AccountExists), "the phone of another account");
    assert!(matches!(refusal(with("bob", "anna", "b@x")), Error::PhoneExists));
    assert!(matches!(refusal(with("bob", "2", "a@x")), Error::EmailExists));
}

#[test]
fn a_registered_user_id_in_any_case_acts_only_with_proof() {
    let mut tables = Tables::new();
    let anna = tables.user("anna");
    for name in ["anna", "Anna"] {
        let refused = tables.run(|tx| actor::acting(tx, &Actor::Unproven(name.into())).map(|row| row.id));
        assert!(matches!(refused, Err(Error::ProofRequired)), "{name}");
    }
    assert_eq!(tables.run(|tx| actor::acting(tx, &Actor::Proven(anna))).unwrap().user_id, "anna");
    tables.run(|tx| account::delete(tx, &"anna".into())).unwrap();
    let deleted = tables.run(|tx| actor::acting(tx, &Actor::Proven(anna)).map(|row| row.id));
    assert!(matches!(deleted, Err(Error::InvalidSession)));
}

#[test]
fn a_code_is_valid_once_for_five_tries_and_for_ten_minutes() {
    let mut tables = Tables::new();
    let issue = |tables: &mut Tables, phone: &str| {
        tables.run(|tx| verification::issue_code(tx, phone, Purpose::Register)).unwrap()
    };
    let code = issue(&mut tables, "1");
    let soon = tables.run(|tx| verification::issue_code(tx, "1", Purpose::Register));
    assert!(matches!(soon, Err(Error::RateLimited)));
    let wrong = if code.expose_secret() == "000000" { "000001" } else { "000000" };
    for _ in 0..4 {
        assert!(!tables.run(|tx| verification::use_registration_code(tx, "1", &wrong.into())).unwrap());
    }
    assert!(tables.run(|tx| verification::use_registration_code(tx, "1", &code)).unwrap());
    assert!(!tables.run(|tx| verification::use_registration_code(tx, "1", &code)).unwrap(), "used up");
    let code = issue(&mut tables, "2");
    for _ in 0..5 {
        assert!(!tables.run(|tx| verification::use_registration_code(tx, "2", &"x".into())).unwrap());
    }
    assert!(!tables.run(|tx| verification::use_registration_code(tx, "2", &code)).unwrap(), "five tries");
    let code = issue(&mut tables, "3");
    tables.now += Seconds(600);
    assert!(!tables.run(|tx| verification::use_registration_code(tx, "3", &code)).unwrap(), "too late");
}
