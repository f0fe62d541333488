//! The content of all lists in a form that can be compared, from the read model and from the tables.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use diesel::prelude::*;

use super::operation::filters;
use crate::{
    AccountId, Anchor, BroadcastId, BroadcastInfo, Dialect, LiveRoom, OnAirFilter, Recording, RecordingId,
    Result, Role, RoomNumber, Seconds, ShortVideo, ShortVideoId, State, UnixSeconds, UserId, Window,
    model::{audience::Listed, counter::Counters, session::TokenHash},
    read_model::{live::Live, member::MemberClock},
    store::{
        conn::{Conn, on},
        schema::{
            accounts, audience, broadcasts, counters, follows, recording_audience, rooms, sessions,
            short_videos as clips,
        },
    },
    table::{
        accounts::AccountRow,
        audience::MemberRow,
        broadcasts::{BroadcastRow, columns},
        counters::counts,
        recordings,
        sessions::SessionRow,
        short_videos,
    },
};

/// Every entry of a list.
const ALL: Window = Window { offset: 0, limit: usize::MAX };

/// A member of an audience.
#[derive(Debug, PartialEq)]
pub(super) struct ListedMember {
    pub(super) account: AccountId,
    user_id: UserId,
    role: Role,
    dialect: Dialect,
    listed: Listed,
    position: i64,
    session: Option<TokenHash>,
    anchor: Option<(i64, Anchor)>,
}

/// The content of all lists.
#[derive(Debug, PartialEq)]
pub(super) struct Lists {
    pub(super) on_air: BTreeMap<AccountId, (BroadcastInfo, Counters, Option<Seconds>)>,
    /// By filter: total, and the hosts in order.
    orders: Vec<(OnAirFilter, usize, Vec<AccountId>)>,
    by_room: BTreeMap<RoomNumber, AccountId>,
    by_user: BTreeMap<UserId, AccountId>,
    /// By host, in order.
    pub(super) audiences: BTreeMap<AccountId, Vec<ListedMember>>,
    pub(super) viewers: BTreeMap<AccountId, usize>,
    /// The sub-anchors of each host on air, in the order in which they joined.
    sub_anchors: BTreeMap<AccountId, Vec<UserId>>,
    /// The id under which each host on air is shown as a live room.
    room_ids: BTreeMap<AccountId, String>,
    /// The room of each account that came through sxb, which allows one per account.
    sxb_memberships: BTreeMap<AccountId, AccountId>,
    members: usize,
    /// Members of all recordings.
    recording_members: usize,
    /// Short videos.
    clips: usize,
}

/// The rows of all tables that the read model holds.
pub(super) struct Tables {
    pub(super) accounts: Vec<AccountRow>,
    pub(super) rooms: Vec<(AccountId, RoomNumber)>,
    /// The number of followers that each room has kept, and the rooms that accounts follow.
    pub(super) followers: (Vec<(RoomNumber, i64)>, Vec<RoomNumber>),
    pub(super) broadcasts: Vec<BroadcastRow>,
    pub(super) counters: HashMap<BroadcastId, Counters>,
    pub(super) members: Vec<MemberRow>,
    pub(super) sessions: Vec<SessionRow>,
    /// All recordings, in the order of the end.
    pub(super) recordings: Vec<Recording>,
    /// The members of recordings: recording, user id, in order of entry.
    pub(super) recording_members: Vec<(RecordingId, UserId)>,
    /// All short videos, the latest upload first.
    pub(super) clips: Vec<ShortVideo>,
}

impl Tables {
    pub(super) fn load(conn: &mut Conn) -> Result<Self> {
        Ok(Self {
            accounts: on!(conn, |c| accounts::table.load(c))?,
            rooms: on!(conn, |c| rooms::table.select((rooms::account_id, rooms::number)).load(c))?,
            followers: (
                on!(conn, |c| rooms::table.select((rooms::number, rooms::followers)).load(c))?,
                on!(conn, |c| follows::table.select(follows::room).load(c))?,
            ),
            broadcasts: on!(conn, |c| broadcasts::table.order(broadcasts::id).select(columns()).load(c))?,
            counters: on!(conn, |c| counters::table.select((counters::broadcast_id, counts!())).load::<(
                BroadcastId,
                Counters
            )>(
                c
            ))?
            .into_iter()
            .collect(),
            members: on!(conn, |c| audience::table.load(c))?,
            sessions: on!(conn, |c| sessions::table.load(c))?,
            recordings: recordings::latest(conn, 1_000)?,
            recording_members: on!(conn, |c| recording_audience::table
                .inner_join(accounts::table)
                .order(recording_audience::position)
                .select((recording_audience::recording_id, accounts::user_id))
                .load(c))?,
            clips: Self::clips(conn)?,
        })
    }

    fn clips(conn: &mut Conn) -> Result<Vec<ShortVideo>> {
        let ids: Vec<ShortVideoId> = on!(conn, |c| clips::table.select(clips::id).load(c))?;
        let mut clips = short_videos::by_id(conn, &ids)?;
        clips.sort_by_key(|clip| std::cmp::Reverse((clip.created_at, clip.id)));
        Ok(clips)
    }

    /// The content that the lists should have.
    pub(super) fn lists(&self) -> Lists {
        let accounts: HashMap<AccountId, &AccountRow> =
            self.accounts.iter().map(|account| (account.id, account)).collect();
        let mut on_air: Vec<&BroadcastRow> =
            self.broadcasts.iter().filter(|row| row.state == State::OnAir).collect();
        on_air.sort_by_key(|row| std::cmp::Reverse((row.started_at, row.id)));
        let info = |row: &BroadcastRow| row.info(accounts[&row.account_id]);
        let mut audiences: BTreeMap<AccountId, Vec<ListedMember>> = BTreeMap::new();
        let mut members: Vec<&MemberRow> = self.members.iter().collect();
        members.sort_by_key(|row| (row.role != Role::Host, row.position));
        for row in &members {
            audiences.entry(row.host_id).or_default().push(ListedMember {
                account: row.account_id,
                user_id: accounts[&row.account_id].user_id.clone(),
                role: row.role,
                dialect: row.dialect,
                listed: Listed::new(row.listed, row.group_id.clone()),
                position: row.position,
                session: row.session.as_deref().and_then(TokenHash::from_bytes),
                anchor: row.state(&accounts[&row.account_id].user_id).anchor.map(|anchor| *anchor),
            });
        }
        let infos: Vec<BroadcastInfo> = on_air.iter().map(|row| info(row)).collect();
        Lists {
            sub_anchors: infos
                .iter()
                .map(|live| {
                    (live.host, sub_anchors(audiences.get(&live.host).map_or(&[][..], Vec::as_slice)))
                })
                .collect(),
            room_ids: infos.iter().map(|live| (live.host, shown_id(live, &infos))).collect(),
            orders: filters()
                .map(|filter| {
                    let hosts: Vec<AccountId> = on_air
                        .iter()
                        .map(|row| info(row))
                        .filter(|info| filter.app.is_none_or(|app| info.app.is_none_or(|own| own == app)))
                        .filter(|info| !filter.live_kind || info.kind == "live")
                        .map(|info| info.host)
                        .collect();
                    (filter, hosts.len(), hosts)
                })
                .collect(),
            by_room: on_air.iter().map(|row| (row.room, row.account_id)).collect(),
            by_user: on_air
                .iter()
                .map(|row| (accounts[&row.account_id].user_id.clone(), row.account_id))
                .collect(),
            viewers: audiences
                .iter()
                .map(|(host, listed)| (*host, listed.iter().filter(|one| one.account != *host).count()))
                .collect(),
            sxb_memberships: members
                .iter()
                .filter(|row| row.dialect == Dialect::Sxb)
                .map(|row| (row.account_id, row.host_id))
                .collect(),
            members: members.len(),
            recording_members: self.recording_members.len(),
            clips: self.clips.len(),
            on_air: on_air
                .iter()
                .map(|row| (row.account_id, (info(row), self.counters[&row.id], row.lease)))
                .collect(),
            audiences,
        }
    }
}

/// The sub-anchors among the members of an audience.
fn sub_anchors(members: &[ListedMember]) -> Vec<UserId> {
    let mut anchors: Vec<&(i64, Anchor)> = members.iter().filter_map(|one| one.anchor.as_ref()).collect();
    anchors.sort_by_key(|(position, _)| *position);
    anchors.into_iter().map(|(_, anchor)| anchor.user_id.clone()).collect()
}

/// The id under which a broadcast is shown as a live room (contract roomservice §4.9): its group, unless that is no id or
/// belongs to another one; else the number of its room.
fn shown_id(live: &BroadcastInfo, on_air: &[BroadcastInfo]) -> String {
    let group = live.group_id.to_string();
    let alike = on_air.iter().filter(|other| other.group_id.to_lowercase() == group.to_lowercase());
    let first = alike.min_by_key(|other| (other.driver != Dialect::RoomService, other.id));
    let is_number = group.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || first.is_some_and(|first| first.id != live.id) { live.room.to_string() } else { group }
}

impl Live {
    /// The content that the lists have.
    pub(super) fn lists(&self) -> Lists {
        let whole = |filter| self.directory.page(filter, ALL);
        let hosts = |filter| whole(filter).iter().map(|position| position.host).collect::<Vec<_>>();
        let audience = |host: &AccountId| &self.audiences[host];
        for filter in filters() {
            let pages = (0..).map(|page| self.directory.page(filter, Window { offset: page * 2, limit: 2 }));
            let joined: Vec<_> = pages.take_while(|page| !page.is_empty()).flatten().collect();
            assert_eq!(joined, whole(filter), "pages of {filter:?}");
        }
        let rooms: Vec<LiveRoom> = self.live_rooms(ALL);
        Lists {
            sub_anchors: rooms
                .iter()
                .map(|room| {
                    let users = room.sub_anchors.iter().map(|anchor| anchor.user_id.clone()).collect();
                    (room.broadcast.host, users)
                })
                .collect(),
            room_ids: rooms.iter().map(|room| (room.broadcast.host, room.id.to_string())).collect(),
            on_air: self
                .on_air
                .iter()
                .map(|(host, on_air)| (*host, ((*on_air.info).clone(), on_air.counters, on_air.lease)))
                .collect(),
            orders: filters().map(|filter| (filter, self.directory.total(filter), hosts(filter))).collect(),
            by_room: self.by_room.iter().map(|(room, host)| (*room, *host)).collect(),
            by_user: self.by_user.iter().map(|(user, host)| (user.clone(), *host)).collect(),
            audiences: self
                .audiences
                .keys()
                .map(|host| {
                    let accounts: HashMap<i64, AccountId> =
                        audience(host).members().map(|(account, one)| (one.position, account)).collect();
                    let listed = audience(host).page(ALL).map(|member| ListedMember {
                        account: accounts[&member.position],
                        user_id: member.user_id.clone(),
                        role: member.role,
                        dialect: member.dialect,
                        listed: member.listed.clone(),
                        position: member.position,
                        session: match &member.clock {
                            MemberClock::Session(session) => Some(session.digest),
                            MemberClock::Never | MemberClock::Beat(_) => None,
                        },
                        anchor: member.anchor.as_ref().map(|anchor| (anchor.position, anchor.anchor.clone())),
                    });
                    (*host, listed.collect())
                })
                .collect(),
            viewers: self.audiences.iter().map(|(host, audience)| (*host, audience.viewers())).collect(),
            sxb_memberships: self
                .sxb_memberships
                .iter()
                .map(|(account, (host, member))| {
                    let listed = audience(host).get(*account).expect("a member is in the audience");
                    assert!(Arc::ptr_eq(member, listed), "beats of {account:?} are lost");
                    (*account, *host)
                })
                .collect(),
            members: self.members,
            recording_members: self.recording_audiences.len(),
            clips: self.clips.page(UnixSeconds::MIN, Window { offset: 0, limit: 0 }).total,
        }
    }

    /// Checks that the expiry queue has each expirable once, no later than its end, and nothing else.
    pub(super) fn check_expiry(&self) {
        use crate::read_model::expiry::Expirable;
        let mut known: BTreeSet<(UnixSeconds, Expirable)> = BTreeSet::new();
        let mut expirable = |scheduled_at: UnixSeconds, ends_at: UnixSeconds, what: Expirable| {
            if ends_at == UnixSeconds::MAX {
                return;
            }
            assert!(scheduled_at <= ends_at, "{what:?} is scheduled too late");
            known.insert((scheduled_at, what));
        };
        for (host, on_air) in &self.on_air {
            expirable(on_air.scheduled_at, on_air.ends_at(self.timing.grace), Expirable::Broadcast(*host));
        }
        for (host, audience) in &self.audiences {
            for (account, member) in audience.members() {
                let ends_at = member.leaves_at(&self.timing);
                expirable(member.scheduled_at.get(), ends_at, Expirable::Member { host: *host, account });
                if let Some(anchor) = &member.anchor {
                    let (scheduled_at, ends_at) =
                        (anchor.scheduled_at.get(), anchor.steps_down_at(&self.timing));
                    expirable(scheduled_at, ends_at, Expirable::Anchor { host: *host, account });
                }
            }
        }
        let queued: BTreeSet<_> = self.expiry.entries().collect();
        assert_eq!(queued, known);
    }
}
