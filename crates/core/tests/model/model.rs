//! The model: the rules of the core in their simplest form. Users are indexes, and every user has a room.

// tidy: allow-long one model of the rules of all dialects, whose parts read each other's state

use relive_core::{Counted, Dialect, Role, State, Step};

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

    // --- time-outs ---

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

    // --- one broadcast per room ---

    /// Ends the broadcast of a host and empties its audience.
    fn end(&mut self, host: usize) {
        self.lives[host].state = State::Ended;
        self.audiences[host].clear();
    }

    /// Ends the broadcast of a room and opens the next one, whose counters are 0.
    fn replace(&mut self, host: usize, driver: Dialect, state: State, keep_audience: bool) -> &mut Live {
        if !keep_audience {
            self.audiences[host].clear();
        }
        let order = self.tick();
        self.lives[host] = Live {
            driver,
            state,
            title: String::new(),
            nickname: None,
            group: None,
            app: None,
            kind: "live",
            started: self.now,
            order,
            likes: (0, 0),
            anonymous: 0,
            beat: self.now,
            lease: None,
            sequence: None,
        };
        if driver == Dialect::Sxb {
            self.leave_others(host, host);
        }
        self.join(host, host, driver).role = Role::Host;
        &mut self.lives[host]
    }

    /// Takes a broadcast off the air for v1 or the cloud; a v1 live may come back.
    fn suspend(&mut self, host: usize) {
        if self.is_on_air(host) {
            if self.lives[host].driver == Dialect::MinilvbV1 {
                self.lives[host].state = State::Prepared;
            } else {
                self.end(host);
            }
        }
    }

    pub(crate) fn announce(&mut self, host: usize, group: &str, title: &str) {
        let live = self.replace(host, Dialect::MinilvbV1, State::Prepared, false);
        live.group = Some(group.to_owned());
        live.title = title.to_owned();
        live.nickname = Some(format!("nick of {title}"));
    }

    pub(crate) fn set_on_air(&mut self, host: usize, on: bool) {
        let live = &mut self.lives[host];
        if !on {
            self.suspend(host);
        } else if live.driver == Dialect::MinilvbV1 && live.state != State::Ended {
            live.state = State::OnAir;
        }
    }

    pub(crate) fn prepare(&mut self, host: usize) {
        self.replace(host, Dialect::Sxb, State::Prepared, false);
    }

    pub(crate) fn report(&mut self, host: usize, title: &str, app: i64, kind: &'static str) {
        let live = &self.lives[host];
        let keep = live.driver == Dialect::Sxb && live.state != State::Ended;
        let live = self.replace(host, Dialect::Sxb, State::OnAir, keep);
        live.title = title.to_owned();
        live.app = Some(app);
        live.kind = kind;
        live.lease = Some(90);
    }

    pub(crate) fn push(&mut self, host: usize, lease: i64) {
        let now = self.now;
        if !(self.is_on_air(host) && self.lives[host].driver == Dialect::Qplus) {
            let last = self.lives[host].title.clone();
            let planned = self.plans[host].as_ref().map_or("", |(title, _)| title).to_owned();
            self.replace(host, Dialect::Qplus, State::OnAir, false).title =
                if last.is_empty() { planned } else { last };
        }
        self.lives[host].beat = now;
        self.lives[host].lease = Some(lease);
    }

    pub(crate) fn stop_push(&mut self, host: usize) {
        if self.is_on_air(host) {
            self.end(host);
        }
    }

    pub(crate) fn exit(&mut self, user: usize, host: usize) {
        if user != host {
            self.remove(host, user);
            return;
        }
        if self.lists_members(host) {
            self.end(host);
        }
    }

    pub(crate) fn plan(&mut self, host: usize, title: &str) {
        self.plans[host] = Some((title.to_owned(), self.now));
        if self.is_on_air(host)
            && matches!(self.lives[host].driver, Dialect::MinilvbV2 | Dialect::RoomService)
        {
            title.clone_into(&mut self.lives[host].title);
        }
        if let Some(Push { sequence }) = self.pushes[host].filter(|_| !self.is_on_air(host)) {
            let live = self.replace(host, Dialect::MinilvbV2, State::OnAir, false);
            title.clone_into(&mut live.title);
            live.sequence = sequence;
        }
    }

    pub(crate) fn started(&mut self, host: usize, sequence: Option<u8>) {
        self.pushes[host] = Some(Push { sequence });
        let plan = self.plans[host].clone();
        let live = &mut self.lives[host];
        let announced = live.driver == Dialect::MinilvbV1
            && live.state == State::Prepared
            && plan.as_ref().is_none_or(|(_, at)| *at <= live.started);
        if live.state == State::OnAir || announced {
            if matches!(live.driver, Dialect::MinilvbV1 | Dialect::MinilvbV2) {
                live.state = State::OnAir;
                live.sequence = sequence.or(live.sequence);
            }
        } else if let Some((title, _)) = plan {
            let live = self.replace(host, Dialect::MinilvbV2, State::OnAir, false);
            live.title = title;
            live.sequence = sequence;
        }
    }

    pub(crate) fn stopped(&mut self, host: usize, sequence: Option<u8>) {
        let differs = |push: &Push| sequence.zip(push.sequence).is_some_and(|(named, known)| named != known);
        self.pushes[host] = self.pushes[host].filter(differs);
        let live = &self.lives[host];
        let other = sequence.zip(live.sequence).is_some_and(|(named, known)| named != known);
        if matches!(live.driver, Dialect::MinilvbV1 | Dialect::MinilvbV2) && !other {
            self.suspend(host);
        }
    }

    // --- one audience per room ---

    /// Removes a user from every room but `kept` that it entered through sxb: sxb allows one room per user.
    fn leave_others(&mut self, user: usize, kept: usize) {
        for (host, audience) in self.audiences.iter_mut().enumerate() {
            audience.retain(|one| host == kept || one.user != user || one.dialect != Dialect::Sxb);
        }
    }

    fn remove(&mut self, host: usize, user: usize) {
        self.audiences[host].retain(|member| member.user != user);
    }

    fn find(&mut self, host: usize, user: usize) -> Option<&mut Member> {
        self.audiences[host].iter_mut().find(|member| member.user == user)
    }

    /// Makes a user a member through a dialect; a member already there changes its dialect.
    fn join(&mut self, host: usize, user: usize, dialect: Dialect) -> &mut Member {
        let (position, beat) = (self.tick(), self.now);
        if self.find(host, user).is_none() {
            let role = if user == host { Role::Host } else { Role::Viewer };
            let listed = user != host;
            let (group, anchor) = (None, None);
            self.audiences[host].push(Member { user, role, dialect, group, listed, position, beat, anchor });
        }
        let member = self.find(host, user).unwrap();
        if dialect == Dialect::RoomService && member.anchor.is_some() {
            return member;
        }
        let keeps_microphone = dialect == Dialect::Sxb && member.dialect != Dialect::RoomService
            || dialect == Dialect::RoomService && member.dialect == Dialect::RoomService;
        if member.role == Role::OnMic && !keeps_microphone {
            member.role = Role::Viewer;
        }
        member.anchor = None;
        member.dialect = dialect;
        member.group = None;
        member.beat = beat;
        member
    }

    pub(crate) fn enter_group(&mut self, user: usize, host: usize, group: &str) {
        let position = self.tick();
        let member = self.join(host, user, Dialect::MinilvbV1);
        member.group = Some(group.to_owned());
        if !member.listed {
            member.listed = true;
            member.position = position;
        }
    }

    pub(crate) fn quit_group(&mut self, user: usize, host: usize, group: &str) {
        if self.group(host, group).iter().any(|member| member.user == user) {
            self.remove(host, user);
        }
    }

    /// Enters through sxb; `role` `None`: a member already there keeps its role.
    pub(crate) fn enter(&mut self, user: usize, host: usize, role: Option<Role>) -> Answer {
        if !self.is_on_air(host) {
            return Answer::NotOnAir;
        }
        self.leave_others(user, host);
        let member = self.join(host, user, Dialect::Sxb);
        if user != host
            && let Some(role) = role
        {
            member.role = if role == Role::Host { Role::Viewer } else { role };
        }
        Answer::Fine
    }

    pub(crate) fn leave(&mut self, user: usize, host: usize) -> Answer {
        if !self.is_on_air(host) {
            return Answer::NotOnAir;
        }
        self.remove(host, user);
        Answer::Fine
    }

    pub(crate) fn set_mic(&mut self, user: usize, host: usize, on: bool) -> Answer {
        if !self.is_on_air(host) {
            return Answer::NotOnAir;
        }
        let now = self.now;
        if let Some(member) = self.find(host, user).filter(|member| member.user != host) {
            member.role = if on { Role::OnMic } else { Role::Viewer };
            member.anchor = member.anchor.filter(|_| on);
            if member.dialect == Dialect::Sxb {
                member.beat = now;
            }
        }
        Answer::Fine
    }

    pub(crate) fn beat(&mut self, user: usize, role: Role, likes: Option<i64>) {
        let now = self.now;
        for (host, audience) in self.audiences.iter_mut().enumerate() {
            for member in audience.iter_mut().filter(|one| one.user == user && one.dialect == Dialect::Sxb) {
                member.beat = now;
                if user != host {
                    member.role = if role == Role::Host { Role::Viewer } else { role };
                }
            }
        }
        let on_air = self.is_on_air(user);
        let live = &mut self.lives[user];
        if on_air && live.driver == Dialect::Sxb {
            live.beat = now;
            live.likes.1 = likes.map_or(live.likes.1, |likes| likes.max(0));
        }
    }

    pub(crate) fn watch(&mut self, user: usize, host: usize) {
        if self.is_on_air(host) && user != host {
            self.join(host, user, Dialect::Qplus);
        }
    }

    // --- live rooms: every user's room has the id of its user ---

    pub(crate) fn create_room(&mut self, host: usize, title: &str) {
        let live = self.replace(host, Dialect::RoomService, State::Prepared, false);
        live.group = Some(id_of(host));
        title.clone_into(&mut live.title);
        live.lease = Some(30);
    }

    /// Whether a user's room of RoomService is on air, or created and not forgotten.
    fn room_of_service(&self, host: usize) -> Option<State> {
        let live = &self.lives[host];
        let is_forgotten = live.state == State::Prepared && self.now > live.beat + 30;
        let exists = live.driver == Dialect::RoomService && live.state != State::Ended && !is_forgotten;
        exists.then_some(live.state)
    }

    pub(crate) fn sub_anchors(&self, host: usize) -> Vec<usize> {
        let mut found: Vec<_> = self.audiences[host]
            .iter()
            .filter_map(|it| it.anchor.map(|(order, _)| (order, it.user)))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, user)| user).collect()
    }

    /// Enters the room of a host as an anchor. A room that was not created has the title of the plan.
    pub(crate) fn enter_as_anchor(&mut self, user: usize, host: usize) -> Answer {
        let state = self.room_of_service(host);
        if user != host {
            if state != Some(State::OnAir) {
                return Answer::NoRoom;
            }
            let is_new = self.find(host, user).is_none_or(|member| member.anchor.is_none());
            if is_new && self.sub_anchors(host).len() + 1 >= ANCHORS {
                return Answer::RoomFull;
            }
        }
        for other in 0..USERS {
            if other != host
                && let Some(member) = self.find(other, user).filter(|member| member.anchor.is_some())
            {
                (member.anchor, member.role) = (None, Role::Viewer);
            }
        }
        let now = self.now;
        if user != host {
            let joined = self.tick();
            let member = self.join(host, user, Dialect::RoomService);
            member.role = Role::OnMic;
            member.anchor = Some((member.anchor.map_or(joined, |(order, _)| order), now));
            return Answer::Fine;
        }
        if state == Some(State::OnAir) {
            self.lives[host].beat = now;
            return Answer::Fine;
        }
        let planned = self.plans[host].as_ref().map_or("", |(title, _)| title).to_owned();
        let title = if state.is_some() { self.lives[host].title.clone() } else { planned };
        let live = self.replace(host, Dialect::RoomService, State::OnAir, false);
        live.group = Some(id_of(host));
        live.title = title;
        live.lease = Some(60);
        Answer::Fine
    }

    pub(crate) fn leave_as_anchor(&mut self, user: usize, host: usize) -> Answer {
        if self.room_of_service(host).is_none() {
            return Answer::NotAnAnchor;
        }
        if user == host {
            self.end(host);
            return Answer::Fine;
        }
        match self.find(host, user).filter(|member| member.anchor.is_some()) {
            Some(member) => {
                (member.anchor, member.role) = (None, Role::Viewer);
                Answer::Fine
            }
            None => Answer::NotAnAnchor,
        }
    }

    pub(crate) fn beat_as_anchor(&mut self, user: usize, host: usize) -> Answer {
        let now = self.now;
        if self.room_of_service(host) != Some(State::OnAir) {
            return Answer::NotAnAnchor;
        }
        if user == host {
            self.lives[host].beat = now;
            return Answer::Fine;
        }
        match self.find(host, user).and_then(|member| member.anchor.as_mut()) {
            Some((_, beat)) => {
                *beat = now;
                Answer::Fine
            }
            None => Answer::NotAnAnchor,
        }
    }

    pub(crate) fn watch_room(&mut self, user: usize, host: usize) -> Answer {
        if !self.is_on_air(host) {
            return Answer::NotOnAir;
        }
        if user != host {
            self.join(host, user, Dialect::RoomService);
        }
        Answer::Fine
    }

    pub(crate) fn leave_room(&mut self, user: usize, host: usize) {
        if user != host && (self.is_on_air(host) || self.room_of_service(host).is_some()) {
            self.remove(host, user);
        }
    }

    pub(crate) fn like(&mut self, host: usize, by: i64) -> Answer {
        if !self.is_on_air(host) {
            return Answer::NotOnAir;
        }
        let likes = &mut self.lives[host].likes.0;
        *likes = (*likes + by).max(0);
        Answer::Fine
    }

    pub(crate) fn unwatch(&mut self, user: usize, host: usize) {
        if user != host {
            self.remove(host, user);
        }
    }

    pub(crate) fn count(&mut self, host: usize, counted: Counted, step: Step) {
        let live = &mut self.lives[host];
        let value = match counted {
            Counted::Like => &mut live.likes.0,
            Counted::AnonymousViewer => &mut live.anonymous,
        };
        *value = (*value + if step == Step::Up { 1 } else { -1 }).max(0);
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
