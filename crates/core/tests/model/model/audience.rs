//! The rules of audiences: one per room, entered and left through every dialect but RoomService.

use relive_core::{Dialect, Role};

use super::{Answer, Member, Model};

impl Model {
    /// Removes a user from every room but `kept` that it entered through sxb: sxb allows one room per user.
    pub(super) fn leave_others(&mut self, user: usize, kept: usize) {
        for (host, audience) in self.audiences.iter_mut().enumerate() {
            audience.retain(|one| host == kept || one.user != user || one.dialect != Dialect::Sxb);
        }
    }

    pub(super) fn remove(&mut self, host: usize, user: usize) {
        self.audiences[host].retain(|member| member.user != user);
    }

    pub(super) fn find(&mut self, host: usize, user: usize) -> Option<&mut Member> {
        self.audiences[host].iter_mut().find(|member| member.user == user)
    }

    /// Makes a user a member through a dialect; a member already there changes its dialect.
    pub(super) fn join(&mut self, host: usize, user: usize, dialect: Dialect) -> &mut Member {
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

    pub(crate) fn unwatch(&mut self, user: usize, host: usize) {
        if user != host {
            self.remove(host, user);
        }
    }
}
