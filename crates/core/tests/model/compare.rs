//! Compares the views of all dialects with the model.

use relive_core::{
    Core, Dialect, FieldValue, Listing, OnAirFilter, PageStart, Role, RoomNumber, Session, State, Window,
};

use crate::{
    action::GROUPS,
    model::{Live, Model, USERS, id_of, room_of},
};

const ALL: Window = Window { offset: 0, limit: 1_000 };

/// A live as lists show it.
#[derive(Debug, PartialEq)]
struct Shown {
    user: String,
    driver: Dialect,
    title: String,
    nickname: String,
    group: String,
    started: i64,
    likes: i64,
    viewers: i64,
    members: i64,
}

/// A live as RoomService shows it.
#[derive(Debug, PartialEq)]
struct ShownRoom {
    creator: String,
    id: String,
    sub_anchors: Vec<String>,
    fields: Vec<(String, FieldValue)>,
}

fn expected(model: &Model, host: usize) -> Shown {
    let live = &model.lives[host];
    let profile = if model.nicknames[host].is_empty() { id_of(host) } else { model.nicknames[host].clone() };
    Shown {
        user: id_of(host),
        driver: live.driver,
        title: live.title.clone(),
        nickname: live.nickname.clone().unwrap_or(profile),
        group: model.own_group(host),
        started: live.started,
        likes: live.likes.0 + live.likes.1,
        viewers: model.viewers(host),
        members: i64::try_from(model.members(host).len()).unwrap(),
    }
}

fn found(live: &relive_core::Broadcast) -> Shown {
    Shown {
        user: live.user_id.to_string(),
        driver: live.driver,
        title: live.title.clone(),
        nickname: live.nickname.clone(),
        group: live.group_id.to_string(),
        started: live.started_at.0,
        likes: live.likes,
        viewers: live.viewers,
        members: live.members,
    }
}

/// The hosts on air, the latest start first; of equal starts the later opened first.
fn on_air(model: &Model, wanted: impl Fn(&Live) -> bool) -> Vec<usize> {
    let mut hosts: Vec<usize> =
        (0..USERS).filter(|host| model.is_on_air(*host) && wanted(&model.lives[*host])).collect();
    hosts.sort_by_key(|host| {
        let live = &model.lives[*host];
        std::cmp::Reverse((live.started, live.order))
    });
    hosts
}

/// The id under which a live is shown as a room: its group, or its number if the group could be another number, or belongs to
/// a room of RoomService or to a live that was opened before.
fn shown_id(model: &Model, host: usize, on_air: &[usize]) -> String {
    let group = model.own_group(host);
    let holder = on_air.iter().filter(|other| model.own_group(**other) == group).min_by_key(|other| {
        let live = &model.lives[**other];
        (live.driver != Dialect::RoomService, live.order)
    });
    let is_number = group.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || holder != Some(&host) { room_of(host).to_string() } else { group }
}

/// Compares the lists that are served from memory: broadcasts on air and members.
pub(crate) async fn lists(core: &Core, model: &Model) {
    for app in [None, Some(1), Some(9)] {
        for live_kind in [false, true] {
            let page = core.broadcasts().on_air(OnAirFilter { app, live_kind }, ALL).await.unwrap();
            let wanted = |live: &Live| {
                (app.is_none() || live.app.is_none() || live.app == app)
                    && (!live_kind || live.kind == "live")
            };
            let hosts = on_air(model, wanted);
            assert_eq!(page.total, hosts.len());
            let shown: Vec<Shown> = page.items.iter().map(found).collect();
            assert_eq!(shown, hosts.iter().map(|host| expected(model, *host)).collect::<Vec<_>>());
        }
    }
    let rooms = core.live_rooms().on_air(ALL).await.unwrap();
    let shown: Vec<ShownRoom> = rooms
        .items
        .iter()
        .map(|room| ShownRoom {
            creator: room.creator().user_id.to_string(),
            id: room.id.to_string(),
            sub_anchors: room.sub_anchors.iter().map(|anchor| anchor.user_id.to_string()).collect(),
            fields: room.fields().iter().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        })
        .collect();
    let everything = on_air(model, |_| true);
    let expected = everything.iter().map(|host| ShownRoom {
        creator: id_of(*host),
        id: shown_id(model, *host, &everything),
        sub_anchors: model.sub_anchors(*host).into_iter().map(id_of).collect(),
        fields: model.lives[*host]
            .fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    });
    assert_eq!(shown, expected.collect::<Vec<_>>());
    for host in 0..USERS {
        let members = core.audiences().members(RoomNumber(room_of(host)), ALL).await.unwrap();
        let shown: Vec<(String, Role)> =
            members.items.iter().map(|member| (member.user_id.to_string(), member.role)).collect();
        let listed = if model.lists_members(host) { model.members(host) } else { Vec::new() };
        let listed: Vec<_> = listed.into_iter().map(|member| (id_of(member.user), member.role)).collect();
        assert_eq!(shown, listed, "in room {}", room_of(host));
    }
}

/// Compares the views that read tables.
pub(crate) async fn tables(core: &Core, model: &Model, session: &Session) {
    for host in 0..USERS {
        let latest = core.broadcasts().latest(&id_of(host).as_str().into()).await.unwrap().unwrap();
        assert_eq!(found(&latest), expected(model, host));
        assert_eq!(latest.state, model.lives[host].state);
        let number = RoomNumber(room_of(host));
        let room = core.rooms().find(session.account(), number).await.unwrap();
        assert_eq!(room.on_air.is_some(), latest.state == State::OnAir);
        assert_eq!(
            room.on_air.map(|live| live.id),
            core.broadcasts().of_room(number).await.unwrap().map(|live| live.id)
        );
        let own = model.own_group(host);
        for group in GROUPS.into_iter().chain([&*own]) {
            let page =
                core.audiences().group(&id_of(host).as_str().into(), &group.into(), ALL).await.unwrap();
            let shown: Vec<&str> = page.items.iter().map(|member| &*member.user_id).collect();
            let listed: Vec<_> = model.group(host, group).iter().map(|member| id_of(member.user)).collect();
            assert_eq!(shown, listed, "in {group} of {}", id_of(host));
        }
    }
    let list = core.rooms().next_page(session, Listing::OnAir, PageStart::Top, 100).await.unwrap();
    let numbers: Vec<i64> = list.on_air.iter().map(|room| room.broadcast.room.0).collect();
    assert_eq!(numbers, on_air(model, |_| true).into_iter().map(room_of).collect::<Vec<_>>());
}
