//! The rules of broadcasts: one per room, opened and closed through every dialect but RoomService.

use relive_core::{Counted, Dialect, Role, State, Step};

use super::{Live, Model, Push};

impl Model {
    /// Ends the broadcast of a host and empties its audience.
    pub(super) fn end(&mut self, host: usize) {
        self.lives[host].state = State::Ended;
        self.audiences[host].clear();
    }

    /// Ends the broadcast of a room and opens the next one, whose counters are 0.
    pub(super) fn replace(
        &mut self,
        host: usize,
        driver: Dialect,
        state: State,
        keep_audience: bool,
    ) -> &mut Live {
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
            fields: Vec::new(),
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

    pub(crate) fn count(&mut self, host: usize, counted: Counted, step: Step) {
        let live = &mut self.lives[host];
        let value = match counted {
            Counted::Like => &mut live.likes.0,
            Counted::AnonymousViewer => &mut live.anonymous,
        };
        *value = (*value + if step == Step::Up { 1 } else { -1 }).max(0);
    }
}
