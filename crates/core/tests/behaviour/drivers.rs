//! One broadcast per room: the effect of every dialect's opening, renewing and closing calls on the broadcast of every
//! driver.

use std::sync::Arc;

use relive_core::{
    AccountId, Actor, Broadcast, Counted, Dialect, MemberNames, Plan, Role, RoomNumber, RoomTexts, Seconds,
    Session, State, Step, StreamEvent,
};

use crate::support::{World, announcement, guest, report};

use Action::{
    AddAnchor, AnchorBeat, Create, CreateRoom, DeleteAnchor, Event0, Event1, Exit, Heartbeat, Offline,
    Online, Push, Report, RequestUrl, StopPush,
};
use Dialect::{MinilvbV1 as V1, MinilvbV2 as V2, Qplus, RoomService, Sxb};
use Outcome::{Announced, Created, Ended, Nothing, Opened, Prepared, Reopened, Suspended};

/// A call of the host, or a notice of the media cloud.
#[derive(Debug, Clone, Copy)]
enum Action {
    /// minilvb-v1 `RequestLVBAddr`.
    RequestUrl,
    /// minilvb-v1 `ChangeStatus` 0.
    Online,
    /// minilvb-v1 `ChangeStatus` 1.
    Offline,
    /// Stream event 1 under `/callback/`, of the stream on air or else of the host's own.
    Event1,
    /// Stream event 0 under `/callback/`, of the same stream.
    Event0,
    /// sxb `create`.
    Create,
    /// sxb `reportroom`.
    Report,
    /// sxb `heartbeat` of the host.
    Heartbeat,
    /// sxb `exitroom`.
    Exit,
    /// qplus `PushLiveStream` 1.
    Push,
    /// qplus `PushLiveStream` 0.
    StopPush,
    /// RoomService `create_room`, under the id of the room on air.
    CreateRoom,
    /// RoomService `add_anchor` of the creator.
    AddAnchor,
    /// RoomService `anchor_heartbeat` of the creator.
    AnchorBeat,
    /// RoomService `delete_anchor` of the creator.
    DeleteAnchor,
}

/// The effect of an action on the broadcast on air.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// The action succeeds and changes nothing visible.
    Nothing,
    /// Another broadcast, of this dialect, is on air, with the host as only member.
    Opened(Dialect),
    /// Another broadcast of the same dialect is on air, with the same audience.
    Reopened,
    /// The broadcast has ended; a minilvb-v1 live is announced, with the host as only member.
    Announced,
    /// The broadcast has ended; an sxb room is prepared, with the host as only member.
    Prepared,
    /// The broadcast has ended; a room of RoomService is created, with the host as only member.
    Created,
    /// The broadcast is off the air with all its data, and may come back.
    Suspended,
    /// The broadcast has ended, and its audience is empty.
    Ended,
}

const ACTIONS: [Action; 15] = [
    RequestUrl,
    Online,
    Offline,
    Event1,
    Event0,
    Create,
    Report,
    Heartbeat,
    Exit,
    Push,
    StopPush,
    CreateRoom,
    AddAnchor,
    AnchorBeat,
    DeleteAnchor,
];

/// The outcome of each action on a broadcast of each driver, in the order of [`ACTIONS`].
const TABLE: [(Dialect, [Outcome; 15]); 5] = [
    (
        V1,
        [
            Announced,
            Nothing,
            Suspended,
            Nothing,
            Suspended,
            Prepared,
            Opened(Sxb),
            Nothing,
            Ended,
            Opened(Qplus),
            Ended,
            Created,
            Opened(RoomService),
            Nothing,
            Nothing,
        ],
    ),
    (
        V2,
        [
            Announced,
            Nothing,
            Ended,
            Nothing,
            Ended,
            Prepared,
            Opened(Sxb),
            Nothing,
            Ended,
            Opened(Qplus),
            Ended,
            Created,
            Opened(RoomService),
            Nothing,
            Nothing,
        ],
    ),
    (
        Sxb,
        [
            Announced,
            Nothing,
            Ended,
            Nothing,
            Nothing,
            Prepared,
            Reopened,
            Nothing,
            Ended,
            Opened(Qplus),
            Ended,
            Created,
            Opened(RoomService),
            Nothing,
            Nothing,
        ],
    ),
    (
        Qplus,
        [
            Announced,
            Nothing,
            Ended,
            Nothing,
            Nothing,
            Prepared,
            Opened(Sxb),
            Nothing,
            Ended,
            Nothing,
            Ended,
            Created,
            Opened(RoomService),
            Nothing,
            Nothing,
        ],
    ),
    (
        RoomService,
        [
            Announced,
            Nothing,
            Ended,
            Nothing,
            Nothing,
            Prepared,
            Opened(Sxb),
            Nothing,
            Ended,
            Opened(Qplus),
            Ended,
            Created,
            Nothing,
            Nothing,
            Ended,
        ],
    ),
];

/// A host with a v2 plan and a room, and a viewer.
struct Stage {
    world: World,
    host: AccountId,
    room: RoomNumber,
    viewer: AccountId,
    session: Arc<Session>,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new();
        let (host, viewer) = (world.user("host").await, world.user("viewer").await);
        let plan = Plan { title: "planned".to_owned(), ..Plan::default() };
        world.core.rooms().plan(host, plan).await.unwrap();
        world.clock.advance(Seconds(1));
        let room = world.core.rooms().number_of(host).await.unwrap().unwrap();
        let session = world.session_of(RoomService, "host").await;
        Self { world, host, room, viewer, session }
    }

    fn actor(&self) -> Actor {
        Actor::Proven(self.host)
    }

    async fn perform(&self, action: Action, code: &str) {
        let broadcasts = self.world.core.broadcasts();
        match action {
            RequestUrl => drop(broadcasts.announce(self.actor(), announcement("t")).await.unwrap()),
            Online => broadcasts.put_on_air(self.actor()).await.unwrap(),
            Offline => broadcasts.take_off_air(self.actor()).await.unwrap(),
            Event1 => self.world.event(code, StreamEvent::Started { sequence: None }).await.unwrap(),
            Event0 => self.world.event(code, StreamEvent::Stopped { sequence: None }).await.unwrap(),
            Create => assert_eq!(broadcasts.prepare(self.host).await.unwrap(), self.room),
            Report => broadcasts.report(self.host, report(self.room, "t")).await.unwrap(),
            Heartbeat => self.world.core.audiences().beat(self.host, Role::Host, None).await.unwrap(),
            Exit => broadcasts.exit(self.host, Some(self.room)).await.unwrap(),
            Push => broadcasts.push(self.host, self.room, Seconds(60)).await.unwrap(),
            StopPush => broadcasts.stop_push(self.host, self.room).await.unwrap(),
            CreateRoom => {
                let rooms = self.world.core.live_rooms();
                let id = rooms.create(self.host, Some("mine".into()), RoomTexts::default()).await;
                assert_eq!(id.unwrap(), "mine");
            }
            AddAnchor => self.world.enter(&self.session, "mine").await.unwrap(),
            AnchorBeat => {
                let beaten = self.world.core.live_rooms().beat(self.host, &"mine".into()).await;
                let driven = self.on_air().await.is_some_and(|live| live.driver == RoomService);
                assert_eq!(beaten.is_ok(), driven);
            }
            DeleteAnchor => {
                let driven = self.on_air().await.is_some_and(|live| live.driver == RoomService);
                let left = self.world.core.live_rooms().leave(self.host, "mine".into()).await;
                assert_eq!(left.is_ok(), driven);
            }
        }
    }

    /// Puts a broadcast of a driver on the air, with a member of each kind.
    async fn open(&self, driver: Dialect) -> Broadcast {
        let code = "1000_host";
        match driver {
            V1 => {
                self.perform(RequestUrl, code).await;
                self.perform(Online, code).await;
            }
            V2 => self.perform(Event1, code).await,
            Sxb => {
                self.perform(Create, code).await;
                self.perform(Report, code).await;
            }
            Qplus => self.perform(Push, code).await,
            RoomService => self.perform(AddAnchor, code).await,
        }
        let audiences = self.world.core.audiences();
        audiences.enter(self.viewer, self.room, Role::Viewer).await.unwrap();
        audiences
            .enter_group(guest("carl"), &"host".into(), &"any".into(), MemberNames::default())
            .await
            .unwrap();
        let broadcasts = self.world.core.broadcasts();
        for counted in [Counted::Like, Counted::AnonymousViewer] {
            broadcasts.count(&"host".into(), counted, Step::Up).await.unwrap();
        }
        let on_air = self.on_air().await.unwrap();
        assert_eq!((on_air.driver, on_air.likes, on_air.viewers, on_air.members), (driver, 1, 3, 3));
        on_air
    }

    async fn on_air(&self) -> Option<Broadcast> {
        self.world.of_room(self.room).await
    }

    async fn latest(&self) -> Broadcast {
        self.world.core.broadcasts().latest(&"host".into()).await.unwrap().unwrap()
    }

    async fn check(&self, before: &Broadcast, outcome: Outcome) {
        let (on_air, latest) = (self.on_air().await, self.latest().await);
        let listed = self.world.on_air().await;
        assert_eq!(listed.first().map(|live| live.id), on_air.as_ref().map(|live| live.id));
        let shown = (latest.state, latest.driver, latest.likes, latest.viewers, latest.members);
        match outcome {
            Nothing => {
                assert_eq!(latest.id, before.id);
                assert_eq!(shown, (State::OnAir, before.driver, 1, 3, 3));
            }
            Opened(driver) => {
                assert_ne!(latest.id, before.id);
                assert_eq!(shown, (State::OnAir, driver, 0, 0, 1));
            }
            Reopened => {
                assert_ne!(latest.id, before.id);
                assert_eq!(shown, (State::OnAir, before.driver, 0, 2, 3), "counters anew, members stay");
            }
            Announced => {
                assert_ne!(latest.id, before.id);
                assert_eq!(shown, (State::Prepared, V1, 0, 0, 1));
                assert!(on_air.is_none());
            }
            Prepared => {
                assert_ne!(latest.id, before.id);
                assert_eq!(shown, (State::Prepared, Sxb, 0, 0, 1));
                assert!(on_air.is_none());
                self.perform(Report, "").await;
                assert_eq!(self.on_air().await.unwrap().members, 1);
            }
            Created => {
                assert_ne!(latest.id, before.id);
                assert_eq!(shown, (State::Prepared, RoomService, 0, 0, 1));
                assert!(on_air.is_none());
                self.perform(AddAnchor, "").await;
                assert_eq!(self.on_air().await.unwrap().members, 1);
            }
            Suspended => {
                assert_eq!((latest.id, on_air.is_none()), (before.id, true));
                assert_eq!(shown, (State::Prepared, before.driver, 1, 3, 3));
                self.perform(Online, "").await;
                assert_eq!(self.on_air().await.map(|live| live.id), Some(before.id));
                assert_eq!(self.latest().await.started_at, before.started_at);
            }
            Ended => {
                assert_eq!((latest.id, on_air.is_none()), (before.id, true));
                assert_eq!(
                    shown,
                    (State::Ended, before.driver, 1, 1, 0),
                    "only the anonymous viewer remains counted"
                );
                self.perform(Online, "").await;
                assert!(self.on_air().await.is_none(), "an ended broadcast does not come back");
            }
        }
    }
}

#[tokio::test]
async fn every_action_on_every_broadcast() {
    for (driver, outcomes) in TABLE {
        for (action, outcome) in ACTIONS.into_iter().zip(outcomes) {
            println!("{action:?} on {driver:?}: {outcome:?}");
            let stage = Stage::new().await;
            let before = stage.open(driver).await;
            stage.world.clock.advance(Seconds(1));
            stage.perform(action, &before.stream_code).await;
            if matches!(action, Event1 | Event0) {
                stage.perform(action, "1000_host").await; // the other stream of the host
            }
            stage.check(&before, outcome).await;
        }
    }
}

#[tokio::test]
async fn only_the_driver_keeps_a_broadcast_alive() {
    // The driver, the action that renews its lease, and the lease in seconds.
    for (driver, renewal, seconds) in [(Sxb, Heartbeat, 90), (Qplus, Push, 60), (RoomService, AnchorBeat, 60)]
    {
        for action in [Heartbeat, Online, Event1, Push, AnchorBeat] {
            if matches!((driver, action), (Sxb | RoomService, Push)) {
                continue; // opens another broadcast
            }
            let stage = Stage::new().await;
            let before = stage.open(driver).await;
            stage.world.clock.advance(Seconds(seconds));
            stage.perform(action, "1000_host").await;
            stage.world.clock.advance(Seconds(1));
            let alive = stage.on_air().await.map(|live| live.id) == Some(before.id);
            let own = std::mem::discriminant(&action) == std::mem::discriminant(&renewal);
            assert_eq!(alive, own, "{action:?} of a {driver:?} live");
        }
    }
    for driver in [V1, V2] {
        let stage = Stage::new().await;
        let before = stage.open(driver).await;
        stage.world.clock.advance(Seconds(1_000_000));
        assert_eq!(
            stage.on_air().await.map(|live| live.id),
            Some(before.id),
            "such a broadcast has no lease"
        );
    }
}

#[tokio::test]
async fn each_push_has_its_own_deadline() {
    let stage = Stage::new().await;
    stage.open(Qplus).await;
    let push = async |lease| {
        stage.world.core.broadcasts().push(stage.host, stage.room, lease).await.unwrap();
    };
    push(Seconds(600)).await;
    stage.world.clock.advance(Seconds(600));
    assert!(stage.on_air().await.is_some(), "on air up to the deadline");
    push(Seconds(2)).await;
    stage.world.clock.advance(Seconds(2));
    assert!(stage.on_air().await.is_some());
    stage.world.clock.advance(Seconds(1));
    assert!(stage.on_air().await.is_none(), "a shorter deadline counts at once");
    let started = stage.latest().await.started_at;
    push(Seconds(60)).await;
    let again = stage.on_air().await.unwrap();
    assert!(again.started_at > started && again.viewers == 0, "another broadcast");
    assert_eq!(stage.latest().await.members, 1);
}

#[tokio::test]
async fn a_push_that_began_after_the_start_ends_at_its_own_deadline() {
    let mut stage = Stage::new().await;
    stage.world.core.broadcasts().push(stage.host, stage.room, Seconds(120)).await.unwrap();
    stage.world.restart(Seconds(200)).await;
    let other = stage.world.user("other").await;
    let room = stage.world.core.broadcasts().prepare(other).await.unwrap();
    stage.world.core.broadcasts().push(other, room, Seconds(2)).await.unwrap();
    stage.world.clock.advance(Seconds(3));
    assert!(stage.world.of_room(room).await.is_none(), "the push began after the start");
    assert!(stage.on_air().await.is_some(), "the other push could not reach the stopped server");
    stage.world.clock.advance(Seconds(57));
    assert!(stage.on_air().await.is_none(), "the grace after the start is over");
}

#[tokio::test]
async fn a_push_renewed_after_the_start_ends_at_its_own_deadline() {
    let mut stage = Stage::new().await;
    let lease = Seconds(2);
    stage.world.core.broadcasts().push(stage.host, stage.room, lease).await.unwrap();
    stage.world.restart(Seconds(1)).await;
    stage.world.core.broadcasts().push(stage.host, stage.room, lease).await.unwrap();
    stage.world.clock.advance(Seconds(2));
    assert!(stage.on_air().await.is_some());
    stage.world.clock.advance(Seconds(1));
    assert!(stage.on_air().await.is_none(), "a beat after the start ends the grace");
}
