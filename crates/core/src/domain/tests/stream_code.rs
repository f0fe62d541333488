//! No stream code is issued to two accounts, whatever user ids attackers choose.

use proptest::prelude::*;

use super::tables::Tables;
use crate::{
    AccountId, Actor, Announcement, Error, RoomNumber, Seconds, StreamCode,
    domain::{actor, broadcast::open, room, stream_code},
    sign::stream::{VideoSource, bypass_digest},
    table::{
        accounts, revoked_codes,
        stream_codes::{self, WHOLE},
    },
};

/// The account that a whole code belongs to.
fn owner(tables: &mut Tables, code: &str) -> Option<AccountId> {
    tables.run(|tx| stream_codes::owner(tx.conn, WHOLE, code)).unwrap().map(|owner| owner.account)
}

/// Makes a room, and returns the number of the room that is made next.
fn next_room(tables: &mut Tables) -> RoomNumber {
    let probe = tables.user("probe");
    RoomNumber(tables.run(|tx| open::prepare(tx, probe)).unwrap().0 + 1)
}

/// The stream code that a guest gets when it announces a live.
fn code_of_guest(tables: &mut Tables, name: &str) -> Result<StreamCode, Error> {
    let actor = Actor::Unproven(name.into());
    tables.run(|tx| {
        let announced = open::announce(tx, &actor, &Announcement::default())?;
        Ok(announced.stream_code.clone())
    })
}

#[test]
fn a_guest_with_the_digest_of_a_future_sxb_stream_as_user_id_gets_another_code() {
    let mut tables = Tables::new();
    // The guest's own room takes the next number, the victim's room the one after.
    let victims_room = RoomNumber(next_room(&mut tables).0 + 1);
    let name = bypass_digest(victims_room, &"emil".into(), VideoSource::Camera);
    let code = code_of_guest(&mut tables, &name).unwrap();
    let emil = tables.user("emil");
    assert_eq!(tables.run(|tx| open::prepare(tx, emil)).unwrap(), victims_room);
    assert_ne!(code.as_str(), format!("1000_{name}"));
    assert_eq!(
        owner(&mut tables, &format!("1000_{name}")),
        Some(emil),
        "replays of the code are the victim's"
    );
}

#[test]
fn an_sxb_room_gets_its_code_back_from_another_account() {
    let mut tables = Tables::new();
    let victims_room = RoomNumber(next_room(&mut tables).0 + 1);
    let name = bypass_digest(victims_room, &"emil".into(), VideoSource::Camera);
    let code = format!("1000_{name}");
    let attacker = tables.run(|tx| {
        let attacker = actor::ensure(tx, &name.as_str().into())?;
        room::ensure(tx, &attacker)?;
        stream_codes::keep(tx, WHOLE, &code, attacker.id)?;
        Ok(attacker)
    });
    let attacker = attacker.unwrap();
    let emil = tables.user("emil");
    tables.run(|tx| open::prepare(tx, emil)).unwrap();
    assert_eq!(owner(&mut tables, &code), Some(emil));
    let revoked: Vec<_> = tables.run(|tx| revoked_codes::all(tx.conn)).unwrap();
    assert_eq!(revoked.len(), 1, "the attacker's push URL of the code: {revoked:?}");
    assert_ne!(tables.run(|tx| stream_code::code_of_host(tx, &attacker)).unwrap().as_str(), code);
}

#[test]
fn a_code_that_was_issued_before_stays() {
    let mut tables = Tables::new();
    let name = "x_6b0917f7";
    let host = tables.run(|tx| {
        let host = actor::ensure(tx, &name.into())?;
        stream_codes::keep(tx, WHOLE, "1000_x_6b0917f7", host.id)?;
        Ok(host)
    });
    let code = tables.run(|tx| stream_code::code_of_host(tx, &host.unwrap())).unwrap();
    assert_eq!(code, "1000_x_6b0917f7");
}

#[test]
fn a_link_mic_code_that_somebody_else_has_is_not_handed_out() {
    let mut tables = Tables::new();
    let taken = "1000_anna_65541b30";
    tables
        .run(|tx| {
            let other = actor::ensure(tx, &"other".into())?;
            stream_codes::keep(tx, WHOLE, taken, other.id)
        })
        .unwrap();
    let anna = Actor::Unproven("anna".into());
    for expected in ["1000_anna_65541b31", "1000_anna_65541b31"] {
        assert_eq!(tables.run(|tx| stream_code::link_mic(tx, &anna)).unwrap().code, expected);
    }
}

#[test]
fn a_link_mic_code_is_pruned_a_week_after_its_time() {
    let mut tables = Tables::new();
    let start = tables.now;
    let anna = Actor::Unproven("anna".into());
    let code = tables.run(|tx| stream_code::link_mic(tx, &anna)).unwrap().code;
    let week = start + Seconds(10_800 + 7 * 24 * 3_600);
    for (now, kept) in [(week - Seconds(1), true), (week, false)] {
        tables.now = now;
        tables.run(stream_codes::delete_ended).unwrap();
        assert_eq!(owner(&mut tables, &code).is_some(), kept, "{now}");
        assert!(owner(&mut tables, "1000_anna").is_some(), "a code of a live stays");
    }
}

/// User ids that are likely to give the same code: short, of few characters, with the endings of other kinds of streams.
fn hostile_id() -> impl Strategy<Value = String> {
    let ending = prop_oneof![
        Just(String::new()),
        Just("_r".to_owned()),
        "_[0-9a-f]{8}_r",
        "_[0-9a-f]{8}",
        // Ids whose codes look like link-mic codes of the first second, and of the next one.
        Just("_65541b30".to_owned()),
        Just("_65541b31".to_owned()),
        "[0-9a-f]{32}",
        (2..13_i64, "[ab.]{1,2}").prop_map(|(room, host)| bypass_digest(
            RoomNumber(9_999 + room),
            &host.as_str().into(),
            VideoSource::Camera
        )),
    ];
    ("[ab._#]{0,2}", ending)
        .prop_map(|(start, ending)| format!("{start}{ending}"))
        .prop_filter("a name has a character", |name| !name.is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_code_belongs_to_one_account(
        steps in proptest::collection::vec((hostile_id(), 0..4), 1..12),
    ) {
        let mut tables = Tables::new();
        let mut given: Vec<(StreamCode, String)> = Vec::new();
        for (name, maker) in steps {
            let codes = match maker {
                0 => tables.run(|tx| {
                    let host = actor::ensure(tx, &name.as_str().into())?;
                    let room = room::ensure(tx, &host)?;
                    let camera = stream_code::code_of_room(tx, &room, &host, VideoSource::Camera)?;
                    Ok(vec![camera, stream_code::code_of_room(tx, &room, &host, VideoSource::Screen)?])
                }).unwrap(),
                1 => match code_of_guest(&mut tables, &name) {
                    Ok(code) => vec![code],
                    Err(error) => panic!("{name}: {error}"),
                },
                2 => {
                    let actor = Actor::Unproven(name.as_str().into());
                    vec![tables.run(|tx| stream_code::link_mic(tx, &actor)).unwrap().code]
                }
                _ => vec![tables.run(|tx| {
                    let user = actor::ensure(tx, &name.as_str().into())?;
                    stream_code::code_in_room_service(tx, &user)
                }).unwrap()],
            };
            for code in codes {
                let other = given.iter().find(|(known, of)| *known == code && *of != name);
                prop_assert!(other.is_none(), "{name} got the code of {other:?}");
                let owner = owner(&mut tables, &code);
                let account = tables.run(|tx| accounts::by_user_id(tx.conn, &name)).unwrap().unwrap().id;
                prop_assert_eq!(owner, Some(account));
                given.push((code, name.clone()));
            }
        }
    }
}

#[test]
fn nobody_gets_the_code_that_names_another_user() {
    let mut tables = Tables::new();
    let code = |tables: &mut Tables, id: AccountId| {
        tables.run(|tx| {
            let host = accounts::by_id(tx.conn, id)?.unwrap();
            stream_code::code_of_host(tx, &host)
        })
    };
    // The user of minilvb-v2 has never asked for a code.
    let owner = tables.user("mi_a0");
    let other = tables.user("mi.a0");
    assert!(code(&mut tables, other).unwrap().starts_with("1000_mi_a0_"));
    assert_eq!(code(&mut tables, owner).unwrap().as_str(), "1000_mi_a0");
    // Without such a user the code stays as it always was.
    let alone = tables.user("an.na");
    assert_eq!(code(&mut tables, alone).unwrap().as_str(), "1000_an_na");
    let late = tables.user("an_na");
    assert!(code(&mut tables, late).unwrap().starts_with("1000_an_na_"), "a stored code stays");
}

#[test]
fn nobody_gets_the_code_of_room_service_that_names_another_user() {
    let mut tables = Tables::new();
    let code = |tables: &mut Tables, id: AccountId| {
        tables.run(|tx| {
            let user = accounts::by_id(tx.conn, id)?.unwrap();
            stream_code::code_in_room_service(tx, &user)
        })
    };
    let bob = tables.user("bob");
    let known = code(&mut tables, bob).unwrap();
    assert_eq!(known, "1000_bob_r");
    // The user of minilvb-v2 pushes under a code that relive has not made.
    tables.user("eve_r");
    let eve = tables.user("eve");
    let marked = code(&mut tables, eve).unwrap();
    assert!(marked.starts_with("1000_eve_") && marked.ends_with("_r") && marked != "1000_eve_r", "{marked}");
    tables.user("bob_r");
    assert_eq!(code(&mut tables, bob).unwrap(), known, "a stored code stays");
}
