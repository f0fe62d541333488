//! One step of a random walk: any operation that touches what lists show.

use proptest::prelude::*;

use crate::{Counted, Dialect, OnAirFilter, Role, Seconds, Step as By};

/// Users of a walk, by index. Two of them differ in ASCII case only; the stream code of one is the other's.
pub(super) const USERS: [&str; 6] = ["anna", "ANNA", "bob_c", "bob.c", "dora", "emil"];
/// Groups a v1 viewer may name.
pub(super) const GROUPS: [&str; 3] = ["g-0", "g-1", "10001"];

/// The filters all lists are compared for.
pub(super) fn filters() -> impl Iterator<Item = OnAirFilter> {
    [None, Some(1), Some(2), Some(99)]
        .into_iter()
        .flat_map(|app| [false, true].map(|live_kind| OnAirFilter { app, live_kind }))
}

/// An operation. The first number is who acts, a second one whom it concerns.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Announce(usize, usize),
    SetOnAir(usize, bool),
    EnterGroup(usize, usize, usize),
    QuitGroup(usize, usize, usize),
    Count(usize, Counted, By),
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
    Push(usize, Seconds),
    StopPush(usize),
    Watch(usize, usize),
    Unwatch(usize, usize),
    NextPage(usize, bool),
    ModifyRoom(usize, &'static str),
    Follow(usize, usize, bool),
    Plan(usize),
    Started(usize, Code, Option<u8>),
    Stopped(usize, Code, Option<u8>),
    /// A file of a host: which one, whether it is a playlist, when it ended.
    Recorded(usize, u8, bool, i64),
    CountRecording(usize, u8, Counted, By),
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
    Wait(Seconds),
    /// Stops and starts; `true`: in good order, so that no clock is lost.
    Restart(bool, Seconds),
    /// Another process does it, and this one looks.
    Foreign(Foreign, usize),
}

/// Which stream an event names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Code {
    /// The one of the user's last broadcast.
    Last,
    /// One with the user id in it.
    Inside,
}

/// What another process does.
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
    prop_oneof![2 => Just(Dialect::Qplus), 1 => Just(Dialect::Sxb), 1 => Just(Dialect::MinilvbV2)]
}

fn code() -> impl Strategy<Value = Code> {
    prop_oneof![Just(Code::Last), Just(Code::Inside)]
}

fn foreign() -> impl Strategy<Value = Foreign> {
    use Foreign::{Delete, Open, Rename, SetPassword, Stop};
    prop_oneof![Just(SetPassword), Just(Delete), Just(Rename), Just(Open), Just(Stop)]
}

/// Any step; those that open something come more often than those that end it.
pub(super) fn steps() -> impl Strategy<Value = Step> {
    let user = || 0..USERS.len();
    let text = || prop_oneof![Just(""), Just("x"), Just("y")];
    let sequence = || proptest::option::of(0..3_u8);
    let count = || prop_oneof![Just(Counted::Like), Just(Counted::AnonymousViewer)];
    let step = || prop_oneof![2 => Just(By::Up), 1 => Just(By::Down)];
    let v1 = prop_oneof![
        3 => (user(), 0..3_usize).prop_map(|(host, group)| Step::Announce(host, group)),
        4 => (user(), proptest::bool::weighted(0.7)).prop_map(|(host, on)| Step::SetOnAir(host, on)),
        4 => (user(), user(), 0..3_usize).prop_map(|(who, host, group)| Step::EnterGroup(who, host, group)),
        2 => (user(), user(), 0..3_usize).prop_map(|(who, host, group)| Step::QuitGroup(who, host, group)),
        3 => (user(), count(), step()).prop_map(|(host, counted, by)| Step::Count(host, counted, by)),
    ];
    let reported = (user(), 1..3_i64, proptest::bool::weighted(0.7), any::<bool>());
    let sxb = prop_oneof![
        2 => user().prop_map(Step::Prepare),
        4 => reported.prop_map(|(host, app, live, screen)| Step::Report { host, app, live, screen }),
        2 => (user(), proptest::option::of(user())).prop_map(|(who, host)| Step::Exit(who, host)),
        6 => (user(), user(), role()).prop_map(|(who, host, role)| Step::Enter(who, host, role)),
        2 => (user(), user()).prop_map(|(who, host)| Step::Leave(who, host)),
        2 => (user(), user()).prop_map(|(who, host)| Step::RequestMic(who, host)),
        2 => (user(), user(), any::<bool>()).prop_map(|(who, host, on)| Step::SetMic(who, host, on)),
        8 => (user(), role(), proptest::option::of(-1..4_i64))
            .prop_map(|(who, role, likes)| Step::Beat(who, role, likes)),
    ];
    let qplus = prop_oneof![
        5 => (user(), prop_oneof![Just(3_i64), Just(75), Just(600)])
            .prop_map(|(host, lease)| Step::Push(host, Seconds(lease))),
        1 => user().prop_map(Step::StopPush),
        5 => (any::<prop::sample::Index>(), user())
            .prop_map(|(session, host)| Step::Watch(session.index(1_000), host)),
        1 => (any::<prop::sample::Index>(), user())
            .prop_map(|(session, host)| Step::Unwatch(session.index(1_000), host)),
        1 => (any::<prop::sample::Index>(), any::<bool>())
            .prop_map(|(session, restart)| Step::NextPage(session.index(1_000), restart)),
        1 => (user(), text()).prop_map(|(host, text)| Step::ModifyRoom(host, text)),
        3 => (user(), user(), any::<bool>()).prop_map(|(who, host, follow)| Step::Follow(who, host, follow)),
    ];
    let streams = prop_oneof![
        2 => user().prop_map(Step::Plan),
        4 => (user(), code(), sequence()).prop_map(|(host, code, seq)| Step::Started(host, code, seq)),
        2 => (user(), code(), sequence()).prop_map(|(host, code, seq)| Step::Stopped(host, code, seq)),
        4 => (user(), 0..3_u8, any::<bool>(), 0..4_i64)
            .prop_map(|(host, file, hls, end)| Step::Recorded(host, file, hls, end)),
        2 => (user(), 0..3_u8, count(), step())
            .prop_map(|(host, file, counted, by)| Step::CountRecording(host, file, counted, by)),
        2 => (user(), user(), 0..3_u8).prop_map(|(who, host, file)| Step::EnterRecording(who, host, file)),
        1 => (user(), user(), 0..3_u8).prop_map(|(who, host, file)| Step::QuitRecording(who, host, file)),
    ];
    let accounts = prop_oneof![
        4 => user().prop_map(Step::Register),
        5 => (user(), dialect()).prop_map(|(who, dialect)| Step::Login(who, dialect)),
        3 => any::<prop::sample::Index>().prop_map(|token| Step::Use(token.index(1_000))),
        1 => any::<prop::sample::Index>().prop_map(|token| Step::Close(token.index(1_000))),
        1 => user().prop_map(Step::SetPassword),
        2 => (user(), text()).prop_map(|(who, name)| Step::Rename(who, name)),
        1 => user().prop_map(Step::Delete),
    ];
    let world = prop_oneof![
        3 => Just(Step::Maintain),
        6 => prop_oneof![0..5_i64, 0..40_i64, 0..200_i64]
            .prop_map(|wait| Step::Wait(Seconds(wait))),
        1 => (any::<bool>(), 0..200_i64).prop_map(|(orderly, wait)| Step::Restart(orderly, Seconds(wait))),
        1 => (foreign(), user()).prop_map(|(what, whom)| Step::Foreign(what, whom)),
    ];
    prop_oneof![5 => v1, 6 => sxb, 4 => qplus, 3 => streams, 4 => accounts, 4 => world]
}
