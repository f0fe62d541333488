//! Roles, one sxb room per account, time-outs and groups.

use super::tables::Tables;
use crate::{
    AccountId, Actor, Error, GroupId, HostLocation, MemberNames, Report, Role, RoomNumber, Seconds,
    domain::{audience, broadcast::open, group},
    table::audience::{self as members, MemberRow},
};

fn live(tables: &mut Tables, id: &str) -> (AccountId, RoomNumber) {
    let host = tables.user(id);
    let room = tables.run(|tx| open::prepare(tx, host)).unwrap();
    let report = Report {
        room,
        title: String::new(),
        cover: String::new(),
        kind: "live".to_owned(),
        group_id: GroupId::default(),
        app: 1,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    };
    tables.run(|tx| open::report(tx, host, &report)).unwrap();
    (host, room)
}

fn member(tables: &mut Tables, host: AccountId, account: AccountId) -> Option<MemberRow> {
    tables.run(|tx| members::find(tx, host, account)).unwrap()
}

#[test]
fn a_host_stays_host_and_no_viewer_becomes_one() {
    let mut tables = Tables::new();
    let (host, room) = live(&mut tables, "host");
    let viewer = tables.user("viewer");
    for role in [Role::Viewer, Role::OnMic, Role::Host] {
        tables.run(|tx| audience::enter(tx, room, host, Some(role))).unwrap();
        assert_eq!(member(&mut tables, host, host).unwrap().role, Role::Host);
        tables.run(|tx| audience::enter(tx, room, viewer, Some(role))).unwrap();
        let expected = if role == Role::Host { Role::Viewer } else { role };
        assert_eq!(member(&mut tables, host, viewer).unwrap().role, expected);
    }
    tables.run(|tx| audience::set_role_in_room(tx, room, host, Role::Viewer)).unwrap();
    assert_eq!(member(&mut tables, host, host).unwrap().role, Role::Host);
}

#[test]
fn entering_a_room_leaves_the_room_entered_before() {
    let mut tables = Tables::new();
    let (one, first) = live(&mut tables, "one");
    let (two, second) = live(&mut tables, "two");
    let viewer = tables.user("viewer");
    tables.run(|tx| audience::enter(tx, first, viewer, None)).unwrap();
    tables.run(|tx| audience::enter(tx, second, viewer, None)).unwrap();
    assert!(member(&mut tables, one, viewer).is_none() && member(&mut tables, two, viewer).is_some());
    let nowhere = tables.run(|tx| audience::enter(tx, RoomNumber(77), viewer, None));
    assert!(matches!(nowhere, Err(Error::NotOnAir)));
}

#[test]
fn a_silent_viewer_leaves_after_its_own_time_out_and_a_minilvb_member_never() {
    let mut tables = Tables::new();
    let (host, room) = live(&mut tables, "host");
    let viewer = tables.user("viewer");
    tables.run(|tx| audience::enter(tx, room, viewer, None)).unwrap();
    let guest = Actor::Unproven("guest".into());
    tables.run(|tx| group::enter(tx, &guest, &"host".into(), &"g".into(), &MemberNames::default())).unwrap();
    let guest = tables.run(|tx| crate::table::accounts::by_user_id(tx.conn, "guest")).unwrap().unwrap().id;
    tables.now += Seconds(30);
    tables.run(|tx| audience::expire(tx, host, viewer)).unwrap();
    assert!(member(&mut tables, host, viewer).is_some(), "the last second counts");
    tables.now += Seconds(1);
    tables.run(|tx| audience::expire(tx, host, viewer)).unwrap();
    tables.run(|tx| audience::expire(tx, host, guest)).unwrap();
    assert!(member(&mut tables, host, viewer).is_none() && member(&mut tables, host, guest).is_some());
}

#[test]
fn a_group_is_left_under_its_own_name_only() {
    let mut tables = Tables::new();
    let (host, _) = live(&mut tables, "host");
    let guest = Actor::Unproven("guest".into());
    tables.run(|tx| group::enter(tx, &guest, &"host".into(), &"g".into(), &MemberNames::default())).unwrap();
    let account = tables.run(|tx| crate::table::accounts::by_user_id(tx.conn, "guest")).unwrap().unwrap().id;
    tables.run(|tx| group::quit(tx, &guest, &"host".into(), &"other".into())).unwrap();
    assert!(member(&mut tables, host, account).is_some());
    tables.run(|tx| group::quit(tx, &guest, &"host".into(), &"g".into())).unwrap();
    assert!(member(&mut tables, host, account).is_none());
}
