//! The model: the rules of the core in their simplest form. Users are indexes, and every user has a room.

mod audience;
mod broadcast;
mod live_room;

use relive_core::{Dialect, FieldValue, Role, State};

/// Users of a run; the first [`GUESTS`] of them are guests.
pub(crate) const USERS: usize = 8;
/// Users without a password, who act through minilvb-v1 only.
pub(crate) const GUESTS: usize = 3;

/// Seconds without a use after which a qplus session is over.
const IDLE: i64 = 3_600;
/// Seconds without a use after which a session of RoomService is over, shorter than usual so that some end.
pub(crate) const ROOM_IDLE: i64 = 5_000;
/// Largest number of anchors of a room.
const ANCHORS: usize = 4;

/// The result of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Fine,
    NotOnAir,
    NotAnAnchor,
    /// The room is not on air, or its id is the name of another user.
    NoRoom,
    RoomFull,
    /// A number is added to a text.
    FieldRefused,
}

/// The latest broadcast of a user.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) driver: Dialect,
    pub(crate) state: State,
    pub(crate) title: String,
    /// The host's nickname in a v1 live; `None`: that of the profile is shown.
    pub(crate) nickname: Option<String>,
    /// The group of a v1 live; `None`: the room number.
    pub(crate) group: Option<String>,
    pub(crate) app: Option<i64>,
    pub(crate) kind: &'static str,
    pub(crate) started: i64,
    /// Order of opening.
    pub(crate) order: u64,
    /// Likes counted one by one, and likes reported by the host.
    pub(crate) likes: (i64, i64),
    pub(crate) anonymous: i64,
    /// Custom fields, in the order of their creation.
    pub(crate) fields: Vec<(&'static str, FieldValue)>,
    beat: i64,
    lease: Option<i64>,
    sequence: Option<u8>,
}

/// A member of an audience.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) user: usize,
    pub(crate) role: Role,
    pub(crate) dialect: Dialect,
    /// The group that the member named; `None`: the live's own.
    pub(crate) group: Option<String>,
    pub(crate) listed: bool,
    position: u64,
    beat: i64,
    /// Order of joining, and last beat, of a sub-anchor of RoomService.
    pub(crate) anchor: Option<(u64, i64)>,
}

/// A push that the media cloud has announced.
#[derive(Debug, Clone, Copy)]
struct Push {
    sequence: Option<u8>,
}

/// The state of the model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) lives: Vec<Live>,
    /// Members by host, in no order.
    audiences: Vec<Vec<Member>>,
    pub(crate) nicknames: Vec<String>,
    /// Title and time of a user's v2 plan.
    plans: Vec<Option<(String, i64)>>,
    /// Each host's push under way.
    pushes: Vec<Option<Push>>,
    /// Time at which a user's qplus session was last used.
    sessions: Vec<i64>,
    /// The same of its session of RoomService.
    room_sessions: Vec<i64>,
    clock: u64,
}

impl Model {
    /// The state before any action: every room exists, and its only broadcast has ended.
    pub(crate) fn new(now: i64) -> Self {
        let nothing = Live {
            driver: Dialect::Sxb,
            state: State::Ended,
            title: String::new(),
            nickname: None,
            group: None,
            app: None,
            kind: "live",
            started: now,
            order: 0,
            likes: (0, 0),
            anonymous: 0,
            fields: Vec::new(),
            beat: now,
            lease: None,
            sequence: None,
        };
        Self {
            now,
            lives: vec![nothing; USERS],
            audiences: vec![Vec::new(); USERS],
            nicknames: vec![String::new(); USERS],
            plans: vec![None; USERS],
            pushes: vec![None; USERS],
            sessions: vec![now; USERS],
            room_sessions: vec![now; USERS],
            clock: 0,
        }
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    pub(crate) fn is_on_air(&self, host: usize) -> bool {
        self.lives[host].state == State::OnAir
    }

    /// Whether sxb lists the members of a host's room: it is on air, or sxb has prepared it.
    pub(crate) fn lists_members(&self, host: usize) -> bool {
        let live = &self.lives[host];
        self.is_on_air(host) || (live.driver == Dialect::Sxb && live.state == State::Prepared)
    }

    /// An audience as sxb lists it: the host, then in order of entry.
    pub(crate) fn members(&self, host: usize) -> Vec<&Member> {
        let mut members: Vec<&Member> = self.audiences[host].iter().collect();
        members.sort_by_key(|member| (member.user != host, member.position));
        members
    }

    /// A group as v1 lists it: in order of entry.
    pub(crate) fn group(&self, host: usize, group: &str) -> Vec<&Member> {
        let own = self.own_group(host) == group;
        let mut members: Vec<&Member> = self.audiences[host]
            .iter()
            .filter(|member| member.listed && member.group.as_deref().map_or(own, |of| of == group))
            .collect();
        members.sort_by_key(|member| member.position);
        members
    }

    pub(crate) fn own_group(&self, host: usize) -> String {
        self.lives[host].group.clone().unwrap_or_else(|| room_of(host).to_string())
    }

    pub(crate) fn viewers(&self, host: usize) -> i64 {
        let named = self.audiences[host].iter().filter(|member| member.user != host).count();
        i64::try_from(named).unwrap() + self.lives[host].anonymous
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += seconds;
        for host in 0..USERS {
            let live = &self.lives[host];
            if self.is_on_air(host) && live.lease.is_some_and(|lease| self.now > live.beat + lease) {
                self.end(host);
            }
        }
        let (now, sessions, room_sessions) = (self.now, &self.sessions, &self.room_sessions);
        for (host, audience) in self.audiences.iter_mut().enumerate() {
            audience.retain(|member| match member.dialect {
                Dialect::Sxb => now <= member.beat + if member.user == host { 90 } else { 30 },
                // A qplus host is a member through its push, not through a session that watches.
                Dialect::Qplus if member.user != host => now < sessions[member.user] + IDLE,
                Dialect::RoomService if member.user != host => now < room_sessions[member.user] + ROOM_IDLE,
                _ => true,
            });
            for member in audience.iter_mut().filter(|it| it.anchor.is_some_and(|(_, beat)| now > beat + 60))
            {
                (member.anchor, member.role) = (None, Role::Viewer);
            }
        }
    }

    /// Uses a user's session of RoomService; `false`: the session is over, and another one has taken its place.
    pub(crate) fn use_room_session(&mut self, user: usize) -> bool {
        let alive = self.now < self.room_sessions[user] + ROOM_IDLE;
        self.room_sessions[user] = self.now;
        alive
    }

    /// Uses a user's qplus session; `false`: the session is over, and another one has taken its place.
    pub(crate) fn use_session(&mut self, user: usize) -> bool {
        let alive = self.now < self.sessions[user] + IDLE;
        self.sessions[user] = self.now;
        alive
    }
}

/// The number of a user's room: rooms are made in the order of the users.
pub(crate) fn room_of(user: usize) -> i64 {
    10_001 + i64::try_from(user).unwrap()
}

/// The id of a user.
pub(crate) fn id_of(user: usize) -> String {
    if user < GUESTS { format!("guest{user}") } else { format!("user{user}") }
}
