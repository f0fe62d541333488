//! Keys of the parts of the read model that a gateway has to read again.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    audience::RecordingMember,
    change::Change,
    id::{AccountId, BroadcastId, RecordingId, ShortVideoId},
    random::hex,
    session::TokenHash,
    short_video::ShortVideoEntry,
};
use crate::UnixSeconds;

/// A part of the read model to read again, because a transaction has changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChangeKey {
    /// The broadcast that a host has on air.
    Broadcast(AccountId),
    /// The counters of a broadcast.
    Counters(BroadcastId),
    /// The whole audience of a host.
    Audience(AccountId),
    /// The membership of an account in a host's audience.
    Member(AccountId, AccountId),
    /// The room of an account.
    Room(AccountId),
    /// The follows of an account.
    Follows(AccountId),
    /// A recording.
    Recording(RecordingId),
    /// The membership in the audience of a recording.
    RecordingMember(RecordingMember),
    /// The existence of a short video.
    ShortVideo(ShortVideoEntry),
    /// The profile that recordings show of their owner, and the existence of its account.
    Owner(AccountId),
    /// The stream codes of which an account lost its push URLs.
    Revocations(AccountId),
    /// The existence, the last use and the cursors of a session.
    Session(TokenHash),
}

impl ChangeKey {
    /// The keys of some changes, each once. A new session has no key: it is read when its token is used.
    pub(crate) fn of(changes: &[Change]) -> Vec<Self> {
        let mut keys = BTreeSet::new();
        for change in changes {
            match change {
                Change::Broadcast(current) => drop(keys.insert(Self::Broadcast(current.info.host))),
                Change::OffAir { host } | Change::Renewed { host, .. } => {
                    keys.insert(Self::Broadcast(*host));
                }
                Change::Counters { broadcast, .. } => drop(keys.insert(Self::Counters(*broadcast))),
                Change::AccountDeleted(host) => keys.extend([
                    Self::Broadcast(*host),
                    Self::Audience(*host),
                    Self::Owner(*host),
                    Self::Room(*host),
                ]),
                Change::Member(member) => drop(keys.insert(Self::Member(member.host, member.account))),
                Change::Left { host, account } => drop(keys.insert(Self::Member(*host, *account))),
                Change::AudienceCleared { host } => drop(keys.insert(Self::Audience(*host))),
                Change::SessionClosed(digest) | Change::CursorsMoved(digest) => {
                    keys.insert(Self::Session(*digest));
                }
                Change::Room(owner) => drop(keys.insert(Self::Room(*owner))),
                Change::Follows(account) => drop(keys.insert(Self::Follows(*account))),
                Change::Recording(recording) => drop(keys.insert(Self::Recording(recording.id))),
                Change::RecordingCounters(counters) => drop(keys.insert(Self::Recording(counters.id))),
                Change::RecordingMember(member) | Change::RecordingLeft(member) => {
                    keys.insert(Self::RecordingMember(*member));
                }
                Change::ShortVideo(entry) | Change::ShortVideoDeleted(entry) => {
                    keys.insert(Self::ShortVideo(*entry));
                }
                Change::Renamed(owner) => drop(keys.insert(Self::Owner(owner.account))),
                Change::Revoked(revoked) => drop(keys.insert(Self::Revocations(revoked.account))),
                Change::SessionOpened(..) | Change::Reloaded => {}
            }
        }
        keys.into_iter().collect()
    }

    /// `b17 c17 a17 m17.42 h17 f42 r5 w5.99 v1700000000.3 o17 p17 s0f…`, separated by spaces: broadcast, counters, audience,
    /// member, room, follows, recording, member of a recording, short video, owner, revocations, session.
    pub(crate) fn format(keys: &[Self]) -> String {
        keys.iter().fold(String::new(), |mut text, key| {
            let space = if text.is_empty() { "" } else { " " };
            let _ = match key {
                Self::Broadcast(host) => write!(text, "{space}b{host}"),
                Self::Counters(broadcast) => write!(text, "{space}c{broadcast}"),
                Self::Audience(host) => write!(text, "{space}a{host}"),
                Self::Member(host, account) => write!(text, "{space}m{host}.{account}"),
                Self::Room(owner) => write!(text, "{space}h{owner}"),
                Self::Follows(account) => write!(text, "{space}f{account}"),
                Self::Recording(id) => write!(text, "{space}r{id}"),
                Self::RecordingMember(member) => {
                    write!(text, "{space}w{}.{}", member.recording, member.position)
                }
                Self::ShortVideo(entry) => write!(text, "{space}v{}.{}", entry.created_at, entry.id),
                Self::Owner(owner) => write!(text, "{space}o{owner}"),
                Self::Revocations(account) => write!(text, "{space}p{account}"),
                Self::Session(digest) => write!(text, "{space}s{}", hex(digest.bytes())),
            };
            text
        })
    }

    /// Reads the text of [`ChangeKey::format`]. Unknown keys, which a newer relive may have added, are skipped.
    pub(crate) fn parse(text: &str) -> impl Iterator<Item = Self> {
        text.split(' ').filter_map(|word| {
            let (kind, rest) = word.split_at_checked(1)?;
            let account = |text: &str| text.parse().ok().map(AccountId);
            let pair = || {
                let (first, second) = rest.split_once('.')?;
                Some((first.parse::<i64>().ok()?, second.parse::<i64>().ok()?))
            };
            match kind {
                "b" => account(rest).map(Self::Broadcast),
                "c" => rest.parse().ok().map(|id| Self::Counters(BroadcastId(id))),
                "a" => account(rest).map(Self::Audience),
                "m" => pair().map(|(host, member)| Self::Member(AccountId(host), AccountId(member))),
                "h" => account(rest).map(Self::Room),
                "f" => account(rest).map(Self::Follows),
                "r" => rest.parse().ok().map(|id| Self::Recording(RecordingId(id))),
                "w" => pair().map(|(recording, position)| {
                    Self::RecordingMember(RecordingMember { recording: RecordingId(recording), position })
                }),
                "v" => pair().map(|(created_at, id)| {
                    let created_at = UnixSeconds(created_at);
                    Self::ShortVideo(ShortVideoEntry { created_at, id: ShortVideoId(id) })
                }),
                "o" => account(rest).map(Self::Owner),
                "p" => account(rest).map(Self::Revocations),
                "s" => TokenHash::from_hex(rest).map(Self::Session),
                _ => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_a_formatted_key_returns_the_key() {
        let keys = [
            ChangeKey::Broadcast(AccountId(17)),
            ChangeKey::Counters(BroadcastId(17)),
            ChangeKey::Audience(AccountId(3)),
            ChangeKey::Member(AccountId(17), AccountId(42)),
            ChangeKey::Room(AccountId(17)),
            ChangeKey::Follows(AccountId(42)),
            ChangeKey::Recording(RecordingId(5)),
            ChangeKey::RecordingMember(RecordingMember { recording: RecordingId(5), position: 99 }),
            ChangeKey::ShortVideo(ShortVideoEntry { created_at: UnixSeconds(-1), id: ShortVideoId(3) }),
            ChangeKey::Owner(AccountId(17)),
            ChangeKey::Revocations(AccountId(17)),
            ChangeKey::Session(TokenHash::of("token")),
        ];
        assert_eq!(ChangeKey::parse(&ChangeKey::format(&keys)).collect::<Vec<_>>(), keys);
        assert_eq!(ChangeKey::parse("").count() + ChangeKey::parse("x1 b m1 sxyz m1.x").count(), 0);
    }
}
