//! The rules of RoomService: rooms under an id, their anchors, viewers, likes and custom fields. The id of a user's room is the id of the user.

use relive_core::{Dialect, FieldChange, FieldValue, Role, State};

use super::{ANCHORS, Answer, Model, USERS, id_of};

impl Model {
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

    /// Changes a custom field of a broadcast of any dialect. Its host is an anchor of it.
    pub(crate) fn change_field(
        &mut self,
        user: usize,
        host: usize,
        name: &'static str,
        change: FieldChange,
    ) -> Answer {
        if !self.is_on_air(host) {
            return Answer::NotOnAir;
        }
        let is_anchor = user == host || self.sub_anchors(host).contains(&user);
        if matches!(change, FieldChange::Set(_)) && !is_anchor {
            return Answer::NotAnAnchor;
        }
        let fields = &mut self.lives[host].fields;
        let known = fields.iter().position(|(known, _)| *known == name);
        let value = match (change, known.map(|at| &fields[at].1)) {
            (FieldChange::Set(value), _) => value,
            (FieldChange::Add(_), Some(FieldValue::Text(_))) => return Answer::FieldRefused,
            (FieldChange::Add(by), Some(FieldValue::Number(before))) => {
                FieldValue::Number((before + by).min(i64::from(i32::MAX)))
            }
            (FieldChange::Add(by), None) => FieldValue::Number(by),
        };
        match known {
            Some(at) => fields[at].1 = value,
            None => fields.push((name, value)),
        }
        Answer::Fine
    }
}
