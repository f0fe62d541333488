//! The configuration's shape: the four dialects. Names and defaults are public interface.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value::{AuthCodeDelivery, Secret, UtcOffset, duration, text};

const DAY: Duration = Duration::from_hours(24);

/// The minilvb-v1 dialect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct MinilvbV1 {
    /// Whether it is served.
    pub enabled: bool,
    /// Path prefixes it is served under; `""` = the root.
    pub mounts: Vec<String>,
    /// Whether unregistered users may go on air.
    pub guests: bool,
}

impl Default for MinilvbV1 {
    fn default() -> Self {
        Self { enabled: true, mounts: vec![String::new()], guests: true }
    }
}

/// The minilvb-v2 dialect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct MinilvbV2 {
    /// Whether it is served.
    pub enabled: bool,
    /// Path prefixes it is served under; `""` = the root.
    pub mounts: Vec<String>,
    /// Life of a token.
    #[serde(with = "duration")]
    pub token_ttl: Duration,
    /// Life of a refresh token.
    #[serde(with = "duration")]
    pub refresh_ttl: Duration,
    /// How far a client's clock may be off.
    #[serde(with = "duration")]
    pub clock_skew: Duration,
    /// What `index` of the list calls counts.
    pub index_mode: IndexMode,
    /// Zone of times written as text.
    #[serde(with = "text")]
    pub utc_offset: UtcOffset,
    /// How far lists reach back; `0s` = no limit.
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
            clock_skew: Duration::from_mins(5),
            index_mode: IndexMode::Offset,
            utc_offset: UtcOffset::CHINA,
            list_window: DAY * 7,
            cos_appid_as_number: false,
        }
    }
}

/// What `index` of the minilvb-v2 list calls counts.
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
    /// Whether it is served.
    pub enabled: bool,
    /// Path prefixes it is served under; `""` = the root.
    pub mounts: Vec<String>,
    /// Routes, after the mount, that are answered in the client profile.
    pub client_profile: Vec<String>,
    /// Silence after which a token dies.
    #[serde(with = "duration")]
    pub token_ttl: Duration,
    /// Silence after which a viewer is gone.
    #[serde(with = "duration")]
    pub viewer_timeout: Duration,
    /// Silence after which a host is gone.
    #[serde(with = "duration")]
    pub host_timeout: Duration,
    /// Whether requests must be signed.
    pub require_sign: bool,
    /// Key of that sign.
    #[serde(skip_serializing_if = "Secret::is_absent")]
    pub sign_secret: Secret,
    /// How old a sign may be.
    #[serde(with = "duration")]
    pub sign_window: Duration,
    /// Accounts that may kick.
    pub admins: Vec<String>,
}

impl Default for Sxb {
    fn default() -> Self {
        Self {
            enabled: true,
            mounts: vec![String::new()],
            client_profile: vec!["/sxb_dev".to_owned(), "/sxb_new".to_owned()],
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
    /// Whether it is served.
    pub enabled: bool,
    /// Path prefixes it is served under; `""` = the root.
    pub mounts: Vec<String>,
    /// Silence after which a session dies.
    #[serde(with = "duration")]
    pub session_idle: Duration,
    /// Live sessions per account; the least recently used one gives way.
    pub sessions_per_user: usize,
    /// How verification codes reach users.
    #[serde(with = "text")]
    pub auth_code_delivery: AuthCodeDelivery,
    /// Who may set a new password without the old one; not set = open, which is refused beyond loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_reset: Option<PasswordReset>,
    /// Who is shown a room's anchor password.
    pub expose_anchor_password: ExposeAnchorPassword,
}

impl Qplus {
    /// Who may set a new password without the old one.
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

/// Who may set a new qplus password without the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PasswordReset {
    /// Whoever knows the phone number, as in the original.
    Open,
    /// Whoever proves to own it.
    Proof,
    /// Nobody.
    Off,
}

/// Who is shown a room's anchor password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExposeAnchorPassword {
    /// The room's owner.
    Owner,
    /// Everybody, as in the original.
    All,
}
