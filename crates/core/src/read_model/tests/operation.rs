//! The operations of the property test: all that change the content of a list.

use proptest::prelude::*;

use super::live_rooms::{RoomOperation, room_operations};
use crate::{Counted, Dialect, OnAirFilter, Role, Step};

/// Users, by index. Two of them differ in ASCII case only, and two have the same stream code before it gets a suffix.
pub(super) const USERS: [&str; 6] = ["anna", "ANNA", "bob_c", "bob.c", "dora", "emil"];
/// Groups that a v1 viewer may name.
pub(super) const GROUPS: [&str; 3] = ["g-0", "g-1", "10001"];

/// The filters of the live list that are compared.
pub(super) fn filters() -> impl Iterator<Item = OnAirFilter> {
    [None, Some(1), Some(2), Some(99)]
        .into_iter()
        .flat_map(|app| [false, true].map(|live_kind| OnAirFilter { app, live_kind }))
}

/// An operation. The first number is the acting user, a second one the host concerned.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Announce(usize, usize),
    SetOnAir(usize, bool),
    EnterGroup(usize, usize, usize),
    QuitGroup(usize, usize, usize),
    Count(usize, Counted, Step),
    Prepare(usize),
    Report {
        host: usize,
        app: i64,
        live: bool,
        screen: bool,
    },
    Exit(usize, Option<usize>),
    Enter(usize, usize, Role),
    Leave(usize, usize),
    RequestMic(usize, usize),
    SetMic(usize, usize, bool),
    Beat(usize, Role, Option<i64>),
    Push(usize, i64),
    StopPush(usize),
    Watch(usize, usize),
    Unwatch(usize, usize),
    NextPage(usize, bool),
    ModifyRoom(usize, &'static str),
    Follow(usize, usize, bool),
    Plan(usize),
    Started(usize, Code, Option<u8>),
    Stopped(usize, Code, Option<u8>),
    /// A file of a host: its number, whether it is a playlist, and its end.
    Recorded(usize, u8, bool, i64),
    CountRecording(usize, u8, Counted, Step),
    /// Uploads a short video: its number.
    Upload(usize, u8),
    EnterRecording(usize, usize, u8),
    QuitRecording(usize, usize, u8),
    Register(usize),
    Login(usize, Dialect),
    Use(usize),
    Close(usize),
    SetPassword(usize),
    Rename(usize, &'static str),
    Delete(usize),
    Maintain,
    Wait(i64),
    /// Stops and starts the core; `true`: with a shutdown, so that no clock is lost.
    Restart(bool, i64),
    /// An operation of RoomService.
    InRoom(RoomOperation),
    /// Another process performs an operation, and the core runs its upkeep.
    Foreign(Foreign, usize),
}

/// The stream code in a notice.
#[derive(Debug, Clone, Copy)]
pub(super) enum Code {
    /// The code of the user's last broadcast.
    Last,
    /// A code with the user id in it.
    Inside,
}

/// An operation of another process.
#[derive(Debug, Clone, Copy)]
pub(super) enum Foreign {
    SetPassword,
    Delete,
    Rename,
    Open,
    Stop,
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![3 => Just(Role::Viewer), 1 => Just(Role::Host), 2 => Just(Role::OnMic)]
}

fn dialect() -> impl Strategy<Value = Dialect> {
    prop_oneof![
        2 => Just(Dialect::Qplus),
        2 => Just(Dialect::RoomService),
        1 => Just(Dialect::Sxb),
        1 => Just(Dialect::MinilvbV2),
    ]
}

fn code() -> impl Strategy<Value = Code> {
    prop_oneof![Just(Code::Last), Just(Code::Inside)]
}

fn foreign() -> impl Strategy<Value = Foreign> {
    use Foreign::{Delete, Open, Rename, SetPassword, Stop};
    prop_oneof![Just(SetPassword), Just(Delete), Just(Rename), Just(Open), Just(Stop)]
}

/// Any operation; those that open something are more frequent than those that end something.
pub(super) fn operations() -> impl Strategy<Value = Operation> {
    let user = || 0..USERS.len();
    let text = || prop_oneof![Just(""), Just("x"), Just("y")];
    let sequence = || proptest::option::of(0..3_u8);
    let count = || prop_oneof![Just(Counted::Like), Just(Counted::AnonymousViewer)];
    let step = || prop_oneof![2 => Just(Step::Up), 1 => Just(Step::Down)];
    let v1 = prop_oneof![
        3 => (user(), 0..3_usize).prop_map(|(host, group)| Operation::Announce(host, group)),
        4 => (user(), proptest::bool::weighted(0.7)).prop_map(|(host, on)| Operation::SetOnAir(host, on)),
        4 => (user(), user(), 0..3_usize).prop_map(|(user, host, group)| Operation::EnterGroup(user, host, group)),
        2 => (user(), user(), 0..3_usize).prop_map(|(user, host, group)| Operation::QuitGroup(user, host, group)),
        3 => (user(), count(), step()).prop_map(|(host, counted, step)| Operation::Count(host, counted, step)),
    ];
    let reported = (user(), 1..3_i64, proptest::bool::weighted(0.7), any::<bool>());
    let sxb = prop_oneof![
        2 => user().prop_map(Operation::Prepare),
        4 => reported.prop_map(|(host, app, live, screen)| Operation::Report { host, app, live, screen }),
        2 => (user(), proptest::option::of(user())).prop_map(|(user, host)| Operation::Exit(user, host)),
        6 => (user(), user(), role()).prop_map(|(user, host, role)| Operation::Enter(user, host, role)),
        2 => (user(), user()).prop_map(|(user, host)| Operation::Leave(user, host)),
        2 => (user(), user()).prop_map(|(user, host)| Operation::RequestMic(user, host)),
        2 => (user(), user(), any::<bool>()).prop_map(|(user, host, on)| Operation::SetMic(user, host, on)),
        8 => (user(), role(), proptest::option::of(-1..4_i64))
            .prop_map(|(user, role, likes)| Operation::Beat(user, role, likes)),
    ];
    let qplus = prop_oneof![
        5 => (user(), prop_oneof![Just(3_i64), Just(75), Just(600)])
            .prop_map(|(host, lease)| Operation::Push(host, lease)),
        1 => user().prop_map(Operation::StopPush),
        5 => (any::<prop::sample::Index>(), user())
            .prop_map(|(session, host)| Operation::Watch(session.index(1_000), host)),
        1 => (any::<prop::sample::Index>(), user())
            .prop_map(|(session, host)| Operation::Unwatch(session.index(1_000), host)),
        1 => (any::<prop::sample::Index>(), any::<bool>())
            .prop_map(|(session, restart)| Operation::NextPage(session.index(1_000), restart)),
        1 => (user(), text()).prop_map(|(host, text)| Operation::ModifyRoom(host, text)),
        3 => (user(), user(), any::<bool>()).prop_map(|(user, host, follow)| Operation::Follow(user, host, follow)),
    ];
    let streams = prop_oneof![
        2 => user().prop_map(Operation::Plan),
        4 => (user(), code(), sequence()).prop_map(|(host, code, seq)| Operation::Started(host, code, seq)),
        2 => (user(), code(), sequence()).prop_map(|(host, code, seq)| Operation::Stopped(host, code, seq)),
        4 => (user(), 0..3_u8, any::<bool>(), 0..4_i64)
            .prop_map(|(host, file, hls, end)| Operation::Recorded(host, file, hls, end)),
        2 => (user(), 0..3_u8, count(), step())
            .prop_map(|(host, file, counted, step)| Operation::CountRecording(host, file, counted, step)),
        4 => (user(), user(), 0..3_u8).prop_map(|(user, host, file)| Operation::EnterRecording(user, host, file)),
        1 => (user(), user(), 0..3_u8).prop_map(|(user, host, file)| Operation::QuitRecording(user, host, file)),
        3 => (user(), 0..3_u8).prop_map(|(user, file)| Operation::Upload(user, file)),
    ];
    let accounts = prop_oneof![
        4 => user().prop_map(Operation::Register),
        5 => (user(), dialect()).prop_map(|(user, dialect)| Operation::Login(user, dialect)),
        3 => any::<prop::sample::Index>().prop_map(|token| Operation::Use(token.index(1_000))),
        1 => any::<prop::sample::Index>().prop_map(|token| Operation::Close(token.index(1_000))),
        1 => user().prop_map(Operation::SetPassword),
        2 => (user(), text()).prop_map(|(user, name)| Operation::Rename(user, name)),
        1 => user().prop_map(Operation::Delete),
    ];
    let world = prop_oneof![
        3 => Just(Operation::Maintain),
        6 => prop_oneof![0..5_i64, 0..40_i64, 0..200_i64].prop_map(Operation::Wait),
        1 => (any::<bool>(), 0..200_i64).prop_map(|(orderly, wait)| Operation::Restart(orderly, wait)),
        1 => (foreign(), user()).prop_map(|(what, user)| Operation::Foreign(what, user)),
    ];
    let live_rooms = room_operations().prop_map(Operation::InRoom);
    prop_oneof![5 => v1, 6 => sxb, 4 => qplus, 6 => live_rooms, 5 => streams, 4 => accounts, 4 => world]
}
