//! Counters reach the read model in several ways and in any order: the newest stay.

use std::sync::Arc;

use crate::{
    Actor, Announcement, BroadcastId, Config, Core, State, SystemRandom, TestClock, UnixSeconds,
    model::{broadcast::BroadcastState, change::Change, counter::Counters, rule::Grace},
    read_model::memory::Memory,
    replica::load::empty,
};

fn version(version: i64) -> Counters {
    Counters { counted_likes: 10 * version, host_likes: 0, anonymous: version, version }
}

#[tokio::test]
async fn older_counters_never_replace_newer_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::sqlite(folder.path().join("relive.db"));
    config.background = false;
    let core =
        Core::start(config, Arc::new(TestClock::at(UnixSeconds(1_700_000_000))), Arc::new(SystemRandom))
            .unwrap();
    let host = Actor::Unproven("host".into());
    core.broadcasts().announce(host.clone(), Announcement::default()).await.unwrap();
    core.broadcasts().set_on_air(host, true).await.unwrap();
    let memory = core.memory();
    let live = core.broadcasts().latest(&"host".into()).await.unwrap().unwrap();
    let info = Arc::clone(&memory.live().on_air(live.host).unwrap().info);
    let (host, broadcast) = (info.host, info.id);

    let counted = |counters| memory.apply_counters(0, &[Change::Counters { host, broadcast, counters }]);
    let applied = |counters| memory.apply(vec![Change::Counters { host, broadcast, counters }]);
    let read = |counters| {
        let (info, state) = (Arc::clone(&info), State::OnAir);
        let current = BroadcastState { info, state, counters, beat_at: UnixSeconds(0), lease: None };
        memory.apply(vec![Change::Broadcast(Box::new(current))]);
    };
    let shown = || memory.live().on_air(host).unwrap().counters;

    assert!(counted(version(5)));
    assert_eq!(shown(), version(5));
    assert!(counted(version(4)), "the broadcast is known, its counters are older");
    assert_eq!(shown(), version(5));
    applied(version(3));
    assert_eq!(shown(), version(5));
    read(version(2));
    assert_eq!(shown(), version(5), "the row was read before the newer counters arrived");
    read(version(6));
    assert_eq!(shown(), version(6));
    assert!(counted(version(7)));
    assert_eq!(shown(), version(7));

    let unknown = Change::Counters { host, broadcast: BroadcastId(broadcast.0 + 1), counters: version(9) };
    assert!(!memory.apply_counters(0, &[unknown]), "the read model does not have that broadcast");
    assert!(!memory.apply_counters(0, &[Change::Room(host)]), "a room has to be read again");
    assert_eq!(shown(), version(7));
}

#[test]
fn counters_of_another_generation_are_read_instead() {
    let config = Config::sqlite("");
    let memory = Memory::new(empty(&config, Grace::NONE), Arc::new(SystemRandom), true);
    let nothing_to_apply = |generation| memory.apply_counters(generation, &[]);
    memory.begin_generation(1);
    assert!(!nothing_to_apply(1), "memory is not read yet");
    memory.set_fresh(true);
    assert!(nothing_to_apply(1));
    assert!(!nothing_to_apply(2), "committed on a server that memory has not seen");
    memory.begin_generation(2);
    memory.set_fresh(true);
    assert!(!nothing_to_apply(1), "committed on the server before");
    assert!(nothing_to_apply(2));
}
