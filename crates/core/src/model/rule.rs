//! Rules that both the tables and the read model apply: the roles of members, and the deadlines of members, broadcasts and
//! sessions.
//!
//! Jobs apply these functions to rows, the read model applies them to its own data, so that a list never shows anything that
//! the tables have ended.

use super::id::{Dialect, Role};
use crate::{
    Seconds, UnixSeconds,
    config::{SessionConfig, TimeoutConfig},
};

/// Time after a start in which nothing ends whose last beat was before the start: its client could not reach a stopped
/// server.
const GRACE: Seconds = Seconds(60);

/// The grace after a start, in which clients have time to send a beat again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grace {
    started_at: UnixSeconds,
}

impl Grace {
    /// No grace: every deadline stays as it is.
    pub(crate) const NONE: Self = Self { started_at: UnixSeconds::MIN };

    /// The grace after a start at a time.
    pub(crate) fn after(started_at: UnixSeconds) -> Self {
        Self { started_at }
    }

    /// The same grace after the time has made a step.
    pub(crate) fn shifted(self, by: Seconds) -> Self {
        if self == Self::NONE { self } else { Self { started_at: self.started_at + by } }
    }

    /// Extends the deadline of a client whose last beat was at `beat_at`, if that was before the start. Clients with a later beat,
    /// and everything opened after the start, keep their deadlines.
    pub(crate) fn extend(self, deadline: UnixSeconds, beat_at: UnixSeconds) -> UnixSeconds {
        if beat_at < self.started_at { deadline.max(self.started_at + GRACE) } else { deadline }
    }

    /// The time by which an extended deadline has to be checked again: a beat heard at `now` or later replaces it by a deadline of
    /// its own, `ends_after(beat)`, which may be earlier.
    pub(crate) fn check_by(
        self,
        deadline: UnixSeconds,
        beat_at: UnixSeconds,
        now: UnixSeconds,
        ends_after: impl FnOnce(UnixSeconds) -> UnixSeconds,
    ) -> UnixSeconds {
        let extended = beat_at < self.started_at;
        if extended { deadline.min(ends_after(now.max(self.started_at))) } else { deadline }
    }
}

/// The role of a member that asks for `wanted`: the owner of a room is always its host, and no other member is.
pub(crate) fn member_role(is_owner: bool, wanted: Role) -> Role {
    match wanted {
        _ if is_owner => Role::Host,
        Role::Host => Role::Viewer,
        other => other,
    }
}

/// The role of a member of a dialect that enters again, `through` the same or another one. Only sxb and RoomService have a
/// microphone, and a sub-anchor of RoomService is one there only.
pub(crate) fn role_after_entering(role: Role, of: Dialect, through: Dialect) -> Role {
    let keeps_microphone = match through {
        Dialect::Sxb => of != Dialect::RoomService,
        Dialect::RoomService => of == Dialect::RoomService,
        Dialect::MinilvbV1 | Dialect::MinilvbV2 | Dialect::Qplus => false,
    };
    if role == Role::OnMic && !keeps_microphone { Role::Viewer } else { role }
}

/// The first second in which a broadcast is no longer on air. A broadcast without a lease stays on air until it is closed.
pub(crate) fn broadcast_ends_at(beat_at: UnixSeconds, lease: Option<Seconds>) -> UnixSeconds {
    lease.map_or(UnixSeconds::MAX, |lease| beat_at + lease + Seconds(1))
}

/// The first second in which an sxb member, which depends on its own beats, is no longer in the audience.
pub(crate) fn silent_member_leaves_at(
    beat_at: UnixSeconds,
    role: Role,
    timeouts: TimeoutConfig,
) -> UnixSeconds {
    let timeout = if role == Role::Host { timeouts.sxb_host } else { timeouts.sxb_viewer };
    beat_at + timeout + Seconds(1)
}

/// The first second in which a sub-anchor of RoomService, which depends on its own beats, is a viewer again (contract
/// roomservice §5).
pub(crate) fn silent_anchor_steps_down_at(beat_at: UnixSeconds, timeouts: TimeoutConfig) -> UnixSeconds {
    beat_at + timeouts.anchor + Seconds(1)
}

/// Time for which a session through which a member watches lives without a use.
pub(crate) fn watching_idle(dialect: Dialect, policy: SessionConfig) -> Seconds {
    if dialect == Dialect::RoomService { policy.room_service_idle } else { policy.qplus_idle }
}

/// The first second in which an idle session has ended, and with it the membership of a member that watches through it.
pub(crate) fn idle_session_ends_at(used_at: UnixSeconds, idle: Seconds) -> UnixSeconds {
    used_at + idle
}

/// The first second in which the token of a session is no longer valid. minilvb-v2 sessions have a fixed lifetime, those of
/// sxb, qplus and RoomService end when they are idle; minilvb-v1 has no sessions.
pub(crate) fn session_ends_at(
    dialect: Dialect,
    opened_at: UnixSeconds,
    used_at: UnixSeconds,
    policy: SessionConfig,
) -> UnixSeconds {
    match dialect {
        Dialect::MinilvbV1 => UnixSeconds::MIN,
        Dialect::MinilvbV2 => opened_at + policy.v2_token_ttl,
        Dialect::Sxb => idle_session_ends_at(used_at, policy.sxb_idle),
        Dialect::Qplus | Dialect::RoomService => {
            idle_session_ends_at(used_at, watching_idle(dialect, policy))
        }
    }
}

/// Whether a minilvb-v2 session has been used. A use in the second of the opening counts as one in the next second.
pub(crate) fn signed_session_is_used(opened_at: UnixSeconds, used_at: UnixSeconds) -> bool {
    used_at > opened_at
}

/// The name of a room that visitors see: its own, else the title of its last broadcast, else the title of the plan.
pub(crate) fn shown_room_name<'a>(
    name: &'a str,
    last_title: Option<&'a str>,
    plan_title: &'a str,
) -> &'a str {
    if name.is_empty() { last_title.filter(|title| !title.is_empty()).unwrap_or(plan_title) } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_always_host_and_no_other_member_is() {
        for wanted in [Role::Viewer, Role::Host, Role::OnMic] {
            assert_eq!(member_role(true, wanted), Role::Host);
        }
        assert_eq!(member_role(false, Role::Host), Role::Viewer);
        assert_eq!(member_role(false, Role::OnMic), Role::OnMic);
    }

    #[test]
    fn only_dialects_with_a_microphone_keep_a_member_there() {
        use Dialect::{MinilvbV1, MinilvbV2, Qplus, RoomService, Sxb};
        for (of, through, role) in [
            (Sxb, Sxb, Role::OnMic),
            (RoomService, RoomService, Role::OnMic),
            (RoomService, Sxb, Role::Viewer),
            (Sxb, RoomService, Role::Viewer),
            (Sxb, MinilvbV1, Role::Viewer),
            (RoomService, MinilvbV2, Role::Viewer),
            (RoomService, Qplus, Role::Viewer),
        ] {
            assert_eq!(role_after_entering(Role::OnMic, of, through), role, "{of:?}, then {through:?}");
            assert_eq!(role_after_entering(Role::Host, of, through), Role::Host);
        }
    }

    #[test]
    fn a_deadline_is_the_first_second_after_the_end() {
        let timeouts = TimeoutConfig {
            sxb_viewer: Seconds(30),
            sxb_host: Seconds(90),
            guest_live: Seconds(3_600),
            anchor: Seconds(60),
            idle_room: Seconds(30),
        };
        assert_eq!(broadcast_ends_at(UnixSeconds(1_000), Some(Seconds(60))), UnixSeconds(1_061));
        assert_eq!(broadcast_ends_at(UnixSeconds(1_000), None), UnixSeconds::MAX);
        assert_eq!(silent_member_leaves_at(UnixSeconds(1_000), Role::Host, timeouts), UnixSeconds(1_091));
        assert_eq!(silent_member_leaves_at(UnixSeconds(1_000), Role::OnMic, timeouts), UnixSeconds(1_031));
        assert_eq!(silent_anchor_steps_down_at(UnixSeconds(1_000), timeouts), UnixSeconds(1_061));
    }

    #[test]
    fn grace_extends_only_deadlines_of_beats_before_the_start() {
        let at = UnixSeconds;
        let grace = Grace::after(at(1_000));
        assert_eq!(grace.extend(at(930), at(900)), at(1_060));
        assert_eq!(grace.extend(at(1_100), at(999)), at(1_100), "a deadline after the grace stays as it is");
        assert_eq!(grace.extend(at(1_002), at(1_000)), at(1_002), "the beat came after the start");
        assert_eq!(Grace::NONE.extend(at(930), at(900)), at(930));
    }

    #[test]
    fn an_extended_deadline_is_checked_before_any_later_beat_can_run_out() {
        let at = UnixSeconds;
        let grace = Grace::after(at(1_000));
        let ends_after = |beat_at| beat_at + Seconds(30);
        let check_by =
            |deadline, beat_at, now| grace.check_by(at(deadline), at(beat_at), at(now), ends_after);
        assert_eq!(check_by(1_060, 900, 990), at(1_030), "a beat may come with the start");
        assert_eq!(check_by(1_060, 900, 1_010), at(1_040));
        assert_eq!(check_by(1_060, 900, 1_050), at(1_060), "the grace ends before");
        assert_eq!(check_by(1_032, 1_002, 1_010), at(1_032), "the deadline is not extended");
    }

    #[test]
    fn a_session_ends_by_the_policy_of_its_dialect() {
        let policy = SessionConfig {
            v2_token_ttl: Seconds(10),
            v2_refresh_ttl: Seconds(1_000),
            sxb_idle: Seconds(100),
            qplus_idle: Seconds(200),
            qplus_per_account: 1,
            room_service_idle: Seconds(300),
        };
        let ends_at = |dialect| session_ends_at(dialect, UnixSeconds(1_000), UnixSeconds(2_000), policy);
        assert_eq!(ends_at(Dialect::MinilvbV1), UnixSeconds::MIN);
        assert_eq!(ends_at(Dialect::MinilvbV2), UnixSeconds(1_010));
        assert_eq!(ends_at(Dialect::Sxb), UnixSeconds(2_100));
        assert_eq!(ends_at(Dialect::Qplus), UnixSeconds(2_200));
        assert_eq!(ends_at(Dialect::RoomService), UnixSeconds(2_300));
    }
}
