//! Opening and closing of broadcasts, their time-outs, and the effect of stream events.

use super::tables::Tables;
use crate::{
    AccountId, Actor, CallbackSource, Dialect, Error, HostLocation, Plan, Report, RoomNumber, Seconds, State,
    StreamEvent,
    domain::{
        audience,
        broadcast::{close, open, stream},
        room,
    },
    model::change::Change,
    table::{
        accounts,
        broadcasts::{self, BroadcastRow},
    },
};

fn latest(tables: &mut Tables, host: AccountId) -> BroadcastRow {
    tables.run(|tx| broadcasts::latest(tx.conn, host)).unwrap().unwrap()
}

fn report(room: RoomNumber, title: &str) -> Report {
    Report {
        room,
        title: title.to_owned(),
        cover: String::new(),
        kind: "live".to_owned(),
        group_id: "g".into(),
        app: 1,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    }
}

/// An sxb live with one viewer.
fn sxb_live(tables: &mut Tables) -> (AccountId, AccountId, RoomNumber) {
    let (host, viewer) = (tables.user("host"), tables.user("viewer"));
    let room = tables.run(|tx| open::prepare(tx, host)).unwrap();
    tables.run(|tx| open::report(tx, host, &report(room, "one"))).unwrap();
    tables.run(|tx| audience::enter(tx, room, viewer, None)).unwrap();
    (host, viewer, room)
}

fn is_member(tables: &mut Tables, host: AccountId, account: AccountId) -> bool {
    tables.run(|tx| crate::table::audience::find(tx, host, account)).unwrap().is_some()
}

#[test]
fn a_report_keeps_the_audience_of_an_sxb_live_and_a_push_does_not() {
    let mut tables = Tables::new();
    let (host, viewer, room) = sxb_live(&mut tables);
    let first = latest(&mut tables, host).id;
    tables.run(|tx| open::report(tx, host, &report(room, "two"))).unwrap();
    assert!(latest(&mut tables, host).id > first && is_member(&mut tables, host, viewer));
    tables.run(|tx| open::push(tx, host, room, Seconds(60))).unwrap();
    assert_eq!(latest(&mut tables, host).driver, Dialect::Qplus);
    assert!(!is_member(&mut tables, host, viewer) && is_member(&mut tables, host, host));
}

#[test]
fn only_the_owner_opens_and_stops_a_broadcast_in_a_room() {
    let mut tables = Tables::new();
    let (host, viewer, room) = sxb_live(&mut tables);
    let refused = [
        tables.run(|tx| open::report(tx, viewer, &report(room, "stolen"))),
        tables.run(|tx| open::push(tx, viewer, room, Seconds(60))),
        tables.run(|tx| close::stop_push(tx, viewer, room)),
    ];
    assert!(refused.iter().all(|result| matches!(result, Err(Error::NotRoomOwner))), "{refused:?}");
    assert!(tables.changes.is_empty());
    assert_eq!(latest(&mut tables, host).state, State::OnAir);
}

#[test]
fn a_second_push_renews_the_lease_of_the_same_broadcast() {
    let mut tables = Tables::new();
    let host = tables.user("host");
    let room = tables.run(|tx| open::prepare(tx, host)).unwrap();
    tables.run(|tx| open::push(tx, host, room, Seconds(60))).unwrap();
    let first = latest(&mut tables, host);
    tables.now += Seconds(30);
    tables.run(|tx| open::push(tx, host, room, Seconds(90))).unwrap();
    assert!(
        matches!(tables.changes[..], [Change::Renewed { lease: Some(Seconds(90)), .. }]),
        "{:?}",
        tables.changes
    );
    let renewed = latest(&mut tables, host);
    assert_eq!((renewed.id, renewed.lease), (first.id, Some(Seconds(90))));
}

#[test]
fn an_announced_live_comes_back_and_every_other_one_ends() {
    let mut tables = Tables::new();
    tables.announce("guest", "t");
    let guest = tables.run(|tx| accounts::by_user_id(tx.conn, "guest")).unwrap().unwrap().id;
    let actor = Actor::Unproven("guest".into());
    assert_eq!(latest(&mut tables, guest).aired_at, None);
    for _ in 0..2 {
        tables.run(|tx| open::put_announced_on_air(tx, &actor)).unwrap();
        assert_eq!(latest(&mut tables, guest).state, State::OnAir);
        tables.run(|tx| close::suspend(tx, &actor)).unwrap();
        assert_eq!(latest(&mut tables, guest).state, State::Prepared);
    }
    assert!(latest(&mut tables, guest).aired_at.is_some());
    let (host, viewer, _) = sxb_live(&mut tables);
    tables.run(|tx| close::exit(tx, host, None)).unwrap();
    assert_eq!(latest(&mut tables, host).state, State::Ended);
    assert!(!is_member(&mut tables, host, viewer), "the audience left with the broadcast");
}

#[test]
fn a_broadcast_ends_past_its_deadline_and_not_before() {
    let mut tables = Tables::new();
    let (host, viewer, _) = sxb_live(&mut tables);
    tables.now += Seconds(90);
    tables.run(|tx| close::expire(tx, host)).unwrap();
    assert!(matches!(tables.changes[..], [Change::Renewed { .. }]), "the last second counts");
    tables.now += Seconds(1);
    tables.run(|tx| close::expire(tx, host)).unwrap();
    assert_eq!(latest(&mut tables, host).state, State::Ended);
    assert!(!is_member(&mut tables, host, viewer));
}

#[test]
fn stream_events_open_and_end_a_planned_broadcast() {
    let mut tables = Tables::new();
    let host = tables.user("host");
    let plan = Plan { title: "planned".to_owned(), ..Plan::default() };
    tables.run(|tx| room::plan(tx, host, &plan)).unwrap();
    let started = StreamEvent::Started { sequence: Some("1".to_owned()) };
    let stopped = |sequence: &str| StreamEvent::Stopped { sequence: Some(sequence.to_owned()) };
    let mut event =
        |event| tables.run(|tx| stream::event(tx, &"1000_host".into(), &CallbackSource::Shared, &event));
    event(started).unwrap();
    event(stopped("0")).unwrap();
    let row = latest(&mut tables, host);
    assert_eq!((row.state, row.driver, &*row.title), (State::OnAir, Dialect::MinilvbV2, "planned"));
    tables.run(|tx| stream::event(tx, &"1000_host".into(), &CallbackSource::Shared, &stopped("1"))).unwrap();
    assert_eq!(latest(&mut tables, host).state, State::Ended);
}
