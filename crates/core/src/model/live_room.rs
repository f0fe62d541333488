//! Live rooms: broadcasts under an id of their own, with several anchors (contract roomservice §4).

use std::sync::Arc;

use super::{
    anchor::{Anchor, AnchorNames},
    broadcast::Broadcast,
    custom_field::CustomFields,
    id::{Dialect, RoomNumber},
    name::{GroupId, UserId},
    random::{self, Random},
};
/// Largest length of the id of a new room in bytes (contract roomservice §4.4).
const LONGEST_NEW_ID: usize = 64;

/// The texts that the creator of a live room gives. Empty texts say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomTexts {
    /// The whole text as given.
    pub info: String,
    /// The title in it.
    pub title: String,
    /// The cover URL in it.
    pub cover: String,
    /// The location in it.
    pub location: String,
}

/// A viewer of a live room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomViewer {
    /// The viewer's id.
    pub user_id: UserId,
    /// The text that the viewer gave; `None`: none.
    pub info: Option<String>,
    /// Nickname: the one given on entering, else that of the profile.
    pub nickname: String,
    /// Picture URL: the one given on entering, else that of the profile.
    pub avatar: String,
}

/// A broadcast on air of any dialect, as a live room.
#[derive(Debug, Clone)]
pub struct LiveRoom {
    /// The broadcast.
    pub broadcast: Broadcast,
    /// The id under which lists show it; no two broadcasts on air have the same.
    pub id: GroupId,
    /// The sub-anchors, in the order in which they joined.
    pub sub_anchors: Vec<Anchor>,
}

impl LiveRoom {
    /// The creator as an anchor: by the names that it gave, or in another dialect by those that the broadcast shows.
    pub fn creator(&self) -> Anchor {
        let names = match &self.broadcast.live_room {
            Some(room) => room.creator.clone(),
            None => AnchorNames {
                nickname: self.broadcast.nickname.clone(),
                avatar: self.broadcast.avatar.clone(),
            },
        };
        Anchor {
            user_id: self.broadcast.user_id.clone(),
            names,
            stream_code: self.broadcast.stream_code.clone(),
        }
    }

    /// The custom fields of the broadcast.
    pub fn fields(&self) -> &Arc<CustomFields> {
        &self.broadcast.fields
    }

    /// Whether a user is an anchor of the room: its creator in RoomService, or a sub-anchor.
    pub fn has_anchor(&self, user_id: &UserId) -> bool {
        let is_creator = self.broadcast.live_room.is_some() && self.broadcast.user_id == *user_id;
        is_creator || self.sub_anchors.iter().any(|anchor| anchor.user_id == *user_id)
    }

    /// A number from 1 to 2^31-1 that is another one for another list of anchors, on every gateway and in every room (contract
    /// roomservice §4.8).
    pub fn anchors_code(&self) -> i64 {
        let live = &self.broadcast;
        let (nickname, avatar) = match &live.live_room {
            Some(room) => (&room.creator.nickname, &room.creator.avatar),
            None => (&live.nickname, &live.avatar),
        };
        let mut code = AnchorsCode::new();
        code.add(&live.user_id, nickname, avatar, &live.stream_code);
        for Anchor { user_id, names, stream_code } in &self.sub_anchors {
            code.add(user_id, &names.nickname, &names.avatar, stream_code);
        }
        code.finish()
    }
}

/// Computes [`LiveRoom::anchors_code`]: a hash of all texts of the anchors. It is FNV-1a, because every heartbeat needs it: short
/// texts take a fraction of the time of a cryptographic hash. An anchor that finds a collision hides its own coming from its own
/// room only.
struct AnchorsCode(u64);

impl AnchorsCode {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, user_id: &str, nickname: &str, avatar: &str, stream_code: &str) {
        for part in [user_id, nickname, avatar, stream_code] {
            // With its length before it no part can be taken for another one.
            self.bytes(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            self.bytes(part.as_bytes());
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The code, from 1 to 2^31-1.
    fn finish(&self) -> i64 {
        // The last byte has moved only some bits: multiplied once more and folded it moves all of them.
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        i64::try_from(mixed >> 33).map_or(1, |code| code.max(1))
    }
}

/// The form in which ids are compared where letter case is ignored.
pub(crate) fn folded(id: &str) -> String {
    id.to_lowercase()
}

/// Whether an id consists of digits: it names the room with that number.
pub(crate) fn is_number(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// The room number that an id names.
pub(crate) fn room_number(id: &str) -> Option<RoomNumber> {
    let number = RoomNumber(id.parse().ok().filter(|_| is_number(id))?);
    (number.to_string() == id).then_some(number)
}

/// Whether a text can be the id of a new room.
pub(crate) fn is_possible(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_NEW_ID && id.trim() == id && !id.chars().any(char::is_control)
}

/// A new name: a prefix, `_`, 8 hex digits, `_`, 4 hex digits (contract roomservice §4.4, §4.15).
pub(crate) fn generated(prefix: &str, random: &dyn Random) -> String {
    let (first, second) = (random::number(random), random::number(random) & 0xffff);
    format!("{prefix}_{first:08x}_{second:04x}")
}

/// Whether a name has the form of [`generated`].
pub(crate) fn is_generated(prefix: &str, id: &str) -> bool {
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let rest = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    let parts = rest.and_then(|rest| rest.split_once('_'));
    parts.is_some_and(|(first, second)| is_hex(first, 8) && is_hex(second, 4))
}

/// Whether a dialect's broadcasts are live rooms with an id that no other live room has.
pub(crate) fn has_unique_ids(driver: Dialect) -> bool {
    driver == Dialect::RoomService
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestRandom;

    #[test]
    fn ids_are_told_apart_by_their_form() {
        let id = generated("room", &TestRandom::seeded(1));
        assert!(
            is_generated("room", &id) && !is_generated("user", &id) && is_possible(&id) && !is_number(&id),
            "{id}"
        );
        for other in [
            "room_12345678_123",
            "room_1234567g_1234",
            "room_12345678-1234",
            "Room_12345678_1234",
            "room_1234567_81234",
        ] {
            assert!(!is_generated("room", other), "{other}");
        }
        assert_eq!(room_number("10001"), Some(RoomNumber(10_001)));
        for other in ["", "010001", "+1", "1a", "99999999999999999999", "-1"] {
            assert_eq!(room_number(other), None, "{other}");
        }
        for good in ["a", &"x".repeat(64), "房间"] {
            assert!(is_possible(good), "{good}");
        }
        for bad in ["", " a", "a\u{3000}", "a\nb", &"x".repeat(65)] {
            assert!(!is_possible(bad), "{bad:?}");
        }
    }

    #[test]
    fn every_part_of_every_anchor_is_in_the_code() {
        let anchor = |user: &str, nickname: &str, avatar: &str, code: &str| Anchor {
            user_id: user.into(),
            names: AnchorNames { nickname: nickname.to_owned(), avatar: avatar.to_owned() },
            stream_code: code.into(),
        };
        let lists = [
            vec![anchor("a", "n", "p", "c")],
            vec![anchor("a", "np", "", "c")],
            vec![anchor("a", "n", "p", "d")],
            vec![anchor("b", "n", "p", "c")],
            vec![anchor("a", "n", "p", "c"), anchor("b", "", "", "d")],
            vec![anchor("b", "", "", "d"), anchor("a", "n", "p", "c")],
        ];
        let code = |list: &Vec<Anchor>| {
            let mut code = AnchorsCode::new();
            for Anchor { user_id, names, stream_code } in list {
                code.add(user_id, &names.nickname, &names.avatar, stream_code);
            }
            code.finish()
        };
        let codes: Vec<i64> = lists.iter().map(code).collect();
        let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), lists.len());
        assert!(codes.iter().all(|code| (1..=i64::from(i32::MAX)).contains(code)));
        assert_eq!(codes, lists.iter().map(code).collect::<Vec<_>>());
    }

    #[test]
    fn codes_of_similar_lists_differ() {
        let code = |at: usize| {
            let mut code = AnchorsCode::new();
            code.add(&format!("user{at}"), "", "", &format!("1000_user{at}_r"));
            code.finish()
        };
        let distinct: std::collections::BTreeSet<i64> = (0..5_000).map(code).collect();
        // Of 5,000 random numbers of 31 bits, two are equal with a probability below one percent.
        assert_eq!(distinct.len(), 5_000);
    }
}
