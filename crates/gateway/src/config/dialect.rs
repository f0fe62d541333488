//! Sections of the configuration: the five dialects. Names and defaults are public interface.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value::{AuthCodeDelivery, Secret, UtcOffset, duration, text};

const DAY: Duration = Duration::from_hours(24);

/// The minilvb-v1 dialect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct MinilvbV1 {
    /// Whether the dialect is served.
    pub enabled: bool,
    /// Path prefixes under which the dialect is served; `""` = the root.
    pub mounts: Vec<String>,
    /// Whether unregistered users may go on air.
    pub guests: Guests,
    /// Time after which a guest's live ends that no stream event and no call of its host renews; `0s` = never.
    #[serde(with = "duration")]
    pub guest_live_ttl: Duration,
    /// Whether imported accounts act without proof, as on the original server.
    pub trust_imported: bool,
}

impl Default for MinilvbV1 {
    fn default() -> Self {
        Self {
            enabled: true,
            mounts: vec![String::new()],
            guests: Guests::Open,
            guest_live_ttl: Duration::from_hours(12),
            trust_imported: false,
        }
    }
}

/// Whether unregistered users may go on air in minilvb-v1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "GuestsText")]
pub enum Guests {
    /// They may, under any name that nobody has registered.
    Open,
    /// They may; while a name has a live, only the address that began it may change it.
    Bound,
    /// They may not.
    Closed,
}

/// The spellings of [`Guests`]; earlier versions had a boolean.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected open, bound or closed")]
enum GuestsText {
    Named(GuestsName),
    Allowed(bool),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum GuestsName {
    Open,
    Bound,
    Closed,
}

impl From<GuestsText> for Guests {
    fn from(text: GuestsText) -> Self {
        match text {
            GuestsText::Named(GuestsName::Open) | GuestsText::Allowed(true) => Self::Open,
            GuestsText::Named(GuestsName::Bound) => Self::Bound,
            GuestsText::Named(GuestsName::Closed) | GuestsText::Allowed(false) => Self::Closed,
        }
    }
}

/// The minilvb-v2 dialect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct MinilvbV2 {
    /// Whether the dialect is served.
    pub enabled: bool,
    /// Path prefixes under which the dialect is served; `""` = the root.
    pub mounts: Vec<String>,
    /// Lifetime of a token.
    #[serde(with = "duration")]
    pub token_ttl: Duration,
    /// Lifetime of a refresh token.
    #[serde(with = "duration")]
    pub refresh_ttl: Duration,
    /// How far a client's clock may be off.
    #[serde(with = "duration")]
    pub clock_skew: Duration,
    /// Unit of `index` in the list calls.
    pub index_mode: IndexMode,
    /// Time zone of times written as text.
    #[serde(with = "text")]
    pub utc_offset: UtcOffset,
    /// Age of the oldest entries in lists; `0s` = no limit.
    #[serde(with = "duration")]
    pub list_window: Duration,
    /// Whether the COS application number is sent as a number.
    pub cos_appid_as_number: bool,
}

impl Default for MinilvbV2 {
    fn default() -> Self {
        Self {
            enabled: true,
            mounts: vec![String::new()],
            token_ttl: DAY,
            refresh_ttl: DAY * 30,
            clock_skew: Duration::from_hours(24),
            index_mode: IndexMode::Offset,
            utc_offset: UtcOffset::CHINA,
            list_window: DAY * 7,
            cos_appid_as_number: false,
        }
    }
}

/// Unit of `index` in the minilvb-v2 list calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexMode {
    /// Rows.
    Offset,
    /// Pages.
    Page,
}

/// The sxb dialect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Sxb {
    /// Whether the dialect is served.
    pub enabled: bool,
    /// Path prefixes under which the dialect is served; `""` = the root.
    pub mounts: Vec<String>,
    /// Routes, after the mount, that are answered in the client profile.
    pub client_profile: Vec<String>,
    /// Routes, after the mount, whose clients read `playurl` as an array while `index` stays an offset.
    pub array_playurl: Vec<String>,
    /// Time without a request after which a token expires.
    #[serde(with = "duration")]
    pub token_ttl: Duration,
    /// Time without a heartbeat after which a viewer leaves.
    #[serde(with = "duration")]
    pub viewer_timeout: Duration,
    /// Time without a heartbeat after which a host leaves and its live ends.
    #[serde(with = "duration")]
    pub host_timeout: Duration,
    /// Whether requests must be signed.
    pub require_sign: bool,
    /// Key that signs requests.
    #[serde(skip_serializing_if = "Secret::is_absent")]
    pub sign_secret: Secret,
    /// Greatest age of a sign.
    #[serde(with = "duration")]
    pub sign_window: Duration,
    /// User ids of the accounts that may kick others.
    pub admins: Vec<String>,
}

impl Default for Sxb {
    fn default() -> Self {
        Self {
            enabled: true,
            mounts: vec![String::new()],
            client_profile: vec!["/sxb_dev".to_owned(), "/sxb_new".to_owned()],
            array_playurl: Vec::new(),
            token_ttl: DAY * 7,
            viewer_timeout: Duration::from_secs(30),
            host_timeout: Duration::from_secs(90),
            require_sign: false,
            sign_secret: Secret::default(),
            sign_window: Duration::from_mins(5),
            admins: Vec::new(),
        }
    }
}

/// The qplus dialect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Qplus {
    /// Whether the dialect is served.
    pub enabled: bool,
    /// Path prefixes under which the dialect is served; `""` = the root.
    pub mounts: Vec<String>,
    /// Time without a request after which a session ends.
    #[serde(with = "duration")]
    pub session_idle: Duration,
    /// Open sessions per account; one more ends the least recently used session.
    pub sessions_per_user: usize,
    /// How verification codes are sent to users.
    #[serde(with = "text")]
    pub auth_code_delivery: AuthCodeDelivery,
    /// Condition for setting a new password without the old one; not set = open, which is refused beyond loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_reset: Option<PasswordReset>,
    /// Users to whom a room's anchor password is shown.
    pub expose_anchor_password: ExposeAnchorPassword,
}

impl Qplus {
    /// The configured condition for setting a new password without the old one, or its default.
    pub fn password_reset(&self) -> PasswordReset {
        self.password_reset.unwrap_or(PasswordReset::Open)
    }
}

impl Default for Qplus {
    fn default() -> Self {
        Self {
            enabled: true,
            mounts: vec![String::new()],
            session_idle: Duration::from_hours(1),
            sessions_per_user: 16,
            auth_code_delivery: AuthCodeDelivery::None,
            password_reset: None,
            expose_anchor_password: ExposeAnchorPassword::Owner,
        }
    }
}

/// RoomService, through which minilvb-v2's apps go live.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomService {
    /// Whether the dialect is served.
    pub enabled: bool,
    /// Path prefixes under which the dialect is served; `""` = the root.
    pub mounts: Vec<String>,
    /// Time without a request after which a token expires.
    #[serde(with = "duration")]
    pub token_ttl: Duration,
    /// Time without a heartbeat after which an anchor is dropped; with a room's creator its live ends.
    #[serde(with = "duration")]
    pub anchor_timeout: Duration,
    /// Time after which a room that was created and never opened is forgotten.
    #[serde(with = "duration")]
    pub idle_room: Duration,
    /// Anchors of a room, its creator included; 1 turns link mic off.
    pub max_anchors: usize,
    /// Whether anybody gets a ticket for a new random user.
    pub test_users: bool,
    /// Whether acceleration URLs carry the signature of the push URL.
    pub sign_accelerate_url: bool,
}

impl Default for RoomService {
    fn default() -> Self {
        Self {
            enabled: true,
            mounts: vec![String::new(), "/roomservice".to_owned()],
            token_ttl: DAY * 7,
            anchor_timeout: Duration::from_mins(1),
            idle_room: Duration::from_secs(30),
            max_anchors: 4,
            test_users: false,
            sign_accelerate_url: false,
        }
    }
}

/// Condition for setting a new qplus password without the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PasswordReset {
    /// Knowledge of the phone number, as on the original server.
    Open,
    /// Proof of owning the phone number.
    Proof,
    /// The old password is always required.
    Off,
}

/// Users to whom a room's anchor password is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExposeAnchorPassword {
    /// The room's owner.
    Owner,
    /// Every user, as on the original server.
    All,
}
