//! Rooms as visitors see them, and the texts and plans of their owners.

use super::{
    broadcast::Broadcast,
    id::{AccountId, PictureId, RoomNumber},
    rule,
};

/// A room as a caller sees it.
#[derive(Clone)]
pub struct Room {
    /// Room number, 1 to 2^31-1.
    pub number: RoomNumber,
    /// The owner.
    pub owner: AccountId,
    /// The owner's name, as others see it.
    pub owner_name: String,
    /// The owner's head picture.
    pub head_picture: Option<PictureId>,
    /// The room's own name, else the title of its last broadcast, else the title of the plan.
    pub name: String,
    /// Description, may be empty.
    pub description: String,
    /// Topic, may be empty.
    pub topic: String,
    /// Password for publishing.
    pub anchor_password: String,
    /// Password for assisting.
    pub assist_password: String,
    /// Password for watching.
    pub user_password: String,
    /// Number of accounts that follow the room.
    pub followers: i64,
    /// Whether the caller follows the room.
    pub followed: bool,
    /// The broadcast on air.
    pub on_air: Option<Broadcast>,
}

impl Room {
    /// Sets the broadcast on air. With one, the owner's name is the name that the broadcast shows.
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

/// The texts and passwords that an owner gives a room. An empty text stands for none.
#[derive(Clone, Default)]
pub struct RoomText {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Topic.
    pub topic: String,
    /// Password for publishing.
    pub anchor_password: String,
    /// Password for assisting.
    pub assist_password: String,
    /// Password for watching.
    pub user_password: String,
}

impl std::fmt::Debug for RoomText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RoomText {:?}", self.name)
    }
}

/// An owner's plan for its next broadcast (seed 001, `upload_room`).
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Title.
    pub title: String,
    /// Cover URL, used if the owner's profile has none.
    pub cover: String,
    /// Location.
    pub location: String,
}

/// The lists of rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// All rooms on air.
    OnAir,
    /// The rooms that the caller follows: first those on air, then the others.
    Followed,
}

/// Where a page of a list begins that a session reads page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// At the top of the list.
    Top,
    /// After the last room that the session has read.
    LastRead,
}

/// The texts that a host gives for the recording that it has started. Empty texts say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingHint {
    /// Title.
    pub name: String,
    /// Cover URL.
    pub cover: String,
}

/// The data that lists show of a room beyond its broadcast, equal for every caller.
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
    /// The room as a caller sees it. `last_title`: the title of the room's last broadcast. `followed`: whether the caller follows
    /// the room.
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
