//! A room as its visitors see it, and what its owner says about it.

use super::{
    broadcast::Broadcast,
    id::{AccountId, PictureId, RoomNumber},
    rule,
};

/// A room as seen by somebody.
#[derive(Clone)]
pub struct Room {
    /// Its number, 1 to 2^31-1.
    pub number: RoomNumber,
    /// The owner.
    pub owner: AccountId,
    /// The owner's name as others see it.
    pub owner_name: String,
    /// The owner's head picture.
    pub head_picture: Option<PictureId>,
    /// Its own name, else the title of its last broadcast, else of the planned one.
    pub name: String,
    /// Description, may be empty.
    pub description: String,
    /// Topic, may be empty.
    pub topic: String,
    /// With it one publishes.
    pub anchor_password: String,
    /// With it one assists.
    pub assist_password: String,
    /// With it one watches.
    pub user_password: String,
    /// Accounts that follow it.
    pub followers: i64,
    /// Whether the one who asked follows it.
    pub followed: bool,
    /// What it has on air.
    pub on_air: Option<Broadcast>,
}

impl Room {
    /// The same room with what it has on air; a broadcast shows its host by the name it was opened with.
    pub(crate) fn with_broadcast(self, on_air: Option<Broadcast>) -> Self {
        match on_air {
            Some(broadcast) => {
                Self { owner_name: broadcast.nickname.clone(), on_air: Some(broadcast), ..self }
            }
            None => Self { on_air: None, ..self },
        }
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Room {} of {}", self.number, self.owner)
    }
}

/// What an owner says about its room when creating it, or changes later. Empty texts: nothing said.
#[derive(Clone, Default)]
pub struct RoomText {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Topic.
    pub topic: String,
    /// With it one publishes.
    pub anchor_password: String,
    /// With it one assists.
    pub assist_password: String,
    /// With it one watches.
    pub user_password: String,
}

impl std::fmt::Debug for RoomText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RoomText {:?}", self.name)
    }
}

/// What an owner plans to broadcast next (seed 001, `upload_room`).
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Title.
    pub title: String,
    /// Cover URL for owners whose profile has none.
    pub cover: String,
    /// Location.
    pub location: String,
}

/// Which rooms a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Everything on air.
    OnAir,
    /// What the caller follows: on air first, then the rest.
    Followed,
}

/// What lists show of a room beyond its broadcast, the same for every caller.
#[derive(Debug)]
pub(crate) struct RoomDetails {
    pub(crate) number: RoomNumber,
    pub(crate) owner: AccountId,
    pub(crate) head_picture: Option<PictureId>,
    /// The room's own name, may be empty.
    pub(crate) name: String,
    pub(crate) plan_title: String,
    pub(crate) description: String,
    pub(crate) topic: String,
    pub(crate) anchor_password: String,
    pub(crate) assist_password: String,
    pub(crate) user_password: String,
    pub(crate) followers: i64,
}

impl RoomDetails {
    /// The room as a caller sees it, who follows it or not. `last_title`: the title of the room's last broadcast.
    pub(crate) fn room(
        &self,
        owner_name: String,
        last_title: Option<&str>,
        followed: bool,
        on_air: Option<Broadcast>,
    ) -> Room {
        Room {
            number: self.number,
            owner: self.owner,
            owner_name,
            head_picture: self.head_picture,
            name: rule::shown_room_name(&self.name, last_title, &self.plan_title).to_owned(),
            description: self.description.clone(),
            topic: self.topic.clone(),
            anchor_password: self.anchor_password.clone(),
            assist_password: self.assist_password.clone(),
            user_password: self.user_password.clone(),
            followers: self.followers,
            followed,
            on_air,
        }
    }
}
