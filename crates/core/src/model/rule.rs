//! Decides which role a member may have and when a member, broadcast or session is over.
//!
//! Jobs apply these rules to rows, the read model to what it holds: both sides call the same function, so that a list never
//! shows what the tables have ended.

use super::id::{Dialect, Role};
use crate::{
    Seconds, UnixSeconds,
    config::{SessionConfig, TimeoutConfig},
};

/// How long after a start a clock that stood still since before the start runs out of nothing: its client could not
/// reach a stopped server.
const GRACE: Seconds = Seconds(60);

/// The start after which clients get time to be heard of again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grace {
    started_at: UnixSeconds,
}

impl Grace {
    /// No start: every deadline stands.
    pub(crate) const NONE: Self = Self { started_at: UnixSeconds::MIN };

    /// The grace after a start at that time.
    pub(crate) fn after(started_at: UnixSeconds) -> Self {
        Self { started_at }
    }

    /// The deadline of a client whose last beat is that old. Grace is for a beat before the start only: whatever beat or began
    /// since then times out as always.
    pub(crate) fn extend(self, deadline: UnixSeconds, beat_at: UnixSeconds) -> UnixSeconds {
        if beat_at < self.started_at { deadline.max(self.started_at + GRACE) } else { deadline }
    }
}

/// The role of a member who asks for `wanted`: the owner of a room is its host, and nobody else is.
pub(crate) fn member_role(is_owner: bool, wanted: Role) -> Role {
    match wanted {
        _ if is_owner => Role::Host,
        Role::Host => Role::Viewer,
        other => other,
    }
}

/// The role a known member keeps when it enters again through a dialect: only sxb has a microphone.
pub(crate) fn role_after_entering(role: Role, dialect: Dialect) -> Role {
    if role == Role::OnMic && dialect != Dialect::Sxb { Role::Viewer } else { role }
}

/// The first second in which a broadcast is no longer on air; a broadcast without a lease stays until somebody closes it.
pub(crate) fn broadcast_ends_at(beat_at: UnixSeconds, lease: Option<Seconds>) -> UnixSeconds {
    lease.map_or(UnixSeconds::MAX, |lease| beat_at + lease + Seconds(1))
}

/// The first second in which a member that lives by its own beat (sxb) is no longer in the audience.
pub(crate) fn silent_member_leaves_at(
    beat_at: UnixSeconds,
    role: Role,
    timeouts: TimeoutConfig,
) -> UnixSeconds {
    let timeout = if role == Role::Host { timeouts.sxb_host } else { timeouts.sxb_viewer };
    beat_at + timeout + Seconds(1)
}

/// The first second in which a qplus session, and a member who watches through it, is over.
pub(crate) fn idle_session_ends_at(used_at: UnixSeconds, idle: Seconds) -> UnixSeconds {
    used_at + idle
}

/// The first second in which a session's token opens nothing any more. Sessions of minilvb-v2 have a fixed life, those of
/// sxb and qplus slide with their use; minilvb-v1 has none.
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
        Dialect::Qplus => idle_session_ends_at(used_at, policy.qplus_idle),
    }
}

/// The name visitors of a room see: its own, else the title of its last broadcast, else of the planned one.
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
    fn only_the_owner_is_host_and_the_owner_is_nothing_else() {
        for wanted in [Role::Viewer, Role::Host, Role::OnMic] {
            assert_eq!(member_role(true, wanted), Role::Host);
        }
        assert_eq!(member_role(false, Role::Host), Role::Viewer);
        assert_eq!(member_role(false, Role::OnMic), Role::OnMic);
    }

    #[test]
    fn only_sxb_keeps_a_member_on_the_microphone() {
        assert_eq!(role_after_entering(Role::OnMic, Dialect::Sxb), Role::OnMic);
        for dialect in [Dialect::MinilvbV1, Dialect::MinilvbV2, Dialect::Qplus] {
            assert_eq!(role_after_entering(Role::OnMic, dialect), Role::Viewer);
            assert_eq!(role_after_entering(Role::Host, dialect), Role::Host);
        }
    }

    #[test]
    fn a_deadline_is_the_first_second_without() {
        let timeouts = TimeoutConfig { sxb_viewer: Seconds(30), sxb_host: Seconds(90) };
        assert_eq!(broadcast_ends_at(UnixSeconds(1_000), Some(Seconds(60))), UnixSeconds(1_061));
        assert_eq!(broadcast_ends_at(UnixSeconds(1_000), None), UnixSeconds::MAX);
        assert_eq!(silent_member_leaves_at(UnixSeconds(1_000), Role::Host, timeouts), UnixSeconds(1_091));
        assert_eq!(silent_member_leaves_at(UnixSeconds(1_000), Role::OnMic, timeouts), UnixSeconds(1_031));
    }

    #[test]
    fn grace_is_for_what_beat_last_before_the_start() {
        let at = UnixSeconds;
        let grace = Grace::after(at(1_000));
        assert_eq!(grace.extend(at(930), at(900)), at(1_060));
        assert_eq!(grace.extend(at(1_100), at(999)), at(1_100), "a deadline after the grace stands");
        assert_eq!(grace.extend(at(1_002), at(1_000)), at(1_002), "the beat was heard after the start");
        assert_eq!(Grace::NONE.extend(at(930), at(900)), at(930));
    }

    #[test]
    fn a_session_ends_by_its_dialects_policy() {
        let policy = SessionConfig {
            v2_token_ttl: Seconds(10),
            v2_refresh_ttl: Seconds(1_000),
            sxb_idle: Seconds(100),
            qplus_idle: Seconds(200),
            qplus_per_account: 1,
        };
        let ends_at = |dialect| session_ends_at(dialect, UnixSeconds(1_000), UnixSeconds(2_000), policy);
        assert_eq!(ends_at(Dialect::MinilvbV1), UnixSeconds::MIN);
        assert_eq!(ends_at(Dialect::MinilvbV2), UnixSeconds(1_010));
        assert_eq!(ends_at(Dialect::Sxb), UnixSeconds(2_100));
        assert_eq!(ends_at(Dialect::Qplus), UnixSeconds(2_200));
    }
}
