//! Sections of the configuration: media URLs, callbacks, cloud services. Names and defaults are public interface.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value::{Secret, duration};

const DAY: Duration = Duration::from_hours(24);

/// How push and play URLs are written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Media {
    /// Business id, the first part of every stream code.
    pub bizid: String,
    /// Host of push URLs; `""` = `<bizid>.livepush2.myqcloud.com`.
    pub push_host: String,
    /// Host of play URLs; `""` = `<bizid>.liveplay.myqcloud.com`.
    pub play_host: String,
    /// Scheme of the flv and m3u8 URLs.
    pub play_scheme: PlayScheme,
    /// First path segment of push and play URLs.
    pub app: String,
    /// Key of push URLs, generated at the first start; `""` = unsigned.
    #[serde(skip_serializing_if = "Secret::is_absent")]
    pub push_key: Secret,
    /// How long a push URL is valid; at most 7 days.
    #[serde(with = "duration")]
    pub push_ttl: Duration,
    /// Key of play URLs; `""` = unsigned. Never generated.
    #[serde(skip_serializing_if = "Secret::is_absent")]
    pub play_key: Secret,
    /// Whether push URLs ask the cloud to record.
    pub record: bool,
    /// Recordings of 小直播 that are no longer are not kept; `"0s"` keeps all.
    #[serde(with = "duration")]
    pub shortest_recording: Duration,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            bizid: "1000".to_owned(),
            push_host: String::new(),
            play_host: String::new(),
            play_scheme: PlayScheme::Http,
            app: "live".to_owned(),
            push_key: Secret::default(),
            push_ttl: Duration::from_hours(3),
            play_key: Secret::default(),
            record: true,
            shortest_recording: Duration::from_mins(1),
        }
    }
}

/// Scheme of play URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlayScheme {
    /// `http://`
    Http,
    /// `https://`
    Https,
}

impl PlayScheme {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The media cloud's callbacks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Callback {
    /// Key that signs every callback, generated at the first start; `""` = all callbacks are refused.
    #[serde(skip_serializing_if = "Secret::is_absent")]
    pub key: Secret,
}

/// Keys of the cloud services for which clients get signatures. `""` = not configured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tencent {
    /// Key of the room-service sign.
    #[serde(skip_serializing_if = "Secret::is_absent")]
    pub api_key: Secret,
    /// Instant messaging.
    pub im: Im,
    /// Object storage.
    pub cos: Cos,
    /// Video on demand.
    pub vod: Vod,
}

/// Instant messaging.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Im {
    /// Application number.
    pub sdkappid: i64,
    /// Key of `UserSig`, generated at the first start.
    #[serde(skip_serializing_if = "Secret::is_absent")]
    pub secret: Secret,
    /// Account type shown to clients.
    pub account_type: String,
    /// How long a `UserSig` is valid.
    #[serde(with = "duration")]
    pub usersig_ttl: Duration,
}

impl Default for Im {
    fn default() -> Self {
        Self { sdkappid: 0, secret: Secret::default(), account_type: String::new(), usersig_ttl: DAY * 180 }
    }
}

/// Object storage.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Cos {
    /// Application number.
    pub appid: String,
    /// Bucket.
    pub bucket: String,
    /// Region.
    pub region: String,
    /// Secret id; public, part of every signature.
    pub secret_id: String,
    /// Secret key.
    #[serde(skip_serializing_if = "Secret::is_absent")]
    pub secret_key: Secret,
    /// How long a signature is valid.
    #[serde(with = "duration")]
    pub sign_ttl: Duration,
}

impl Default for Cos {
    fn default() -> Self {
        Self {
            appid: String::new(),
            bucket: String::new(),
            region: String::new(),
            secret_id: String::new(),
            secret_key: Secret::default(),
            sign_ttl: Duration::from_secs(30),
        }
    }
}

/// Video on demand.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Vod {
    /// Secret id; public, part of every signature.
    pub secret_id: String,
    /// Secret key.
    #[serde(skip_serializing_if = "Secret::is_absent")]
    pub secret_key: Secret,
    /// How long an upload signature is valid.
    #[serde(with = "duration")]
    pub sign_ttl: Duration,
    /// Procedure run on an upload; `""` = left out.
    pub procedure: String,
}

impl Default for Vod {
    fn default() -> Self {
        Self {
            secret_id: String::new(),
            secret_key: Secret::default(),
            sign_ttl: DAY,
            procedure: "XIAOZHIBO-DEFAULT".to_owned(),
        }
    }
}
