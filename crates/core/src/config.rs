//! The configuration of the core as plain values. The gateway gives them the names that operators see.

use std::time::Duration;

use secrecy::SecretString;

use crate::Seconds;

/// The configuration for [`Core::start`](crate::Core::start).
#[derive(Debug, Clone)]
pub struct Config {
    /// The database and its connections.
    pub database: DatabaseConfig,
    /// Registration, and the hashing of passwords.
    pub accounts: AccountConfig,
    /// Limits against guessing and flooding; 0 switches one off.
    pub limits: LimitConfig,
    /// Lifetimes of sessions.
    pub sessions: SessionConfig,
    /// Time-outs of members and hosts that send no beats.
    pub timeouts: TimeoutConfig,
    /// RoomService: largest number of anchors of a room, its creator included; 1 turns link mic off.
    pub most_anchors: usize,
    /// Push and play URLs.
    pub media: MediaConfig,
    /// Keys of the cloud services for which clients get signatures.
    pub cloud: CloudConfig,
    /// Whether the core runs its upkeep by itself once a second. Tests switch this off and call
    /// [`Core::maintain`](crate::Core::maintain).
    pub background: bool,
}

/// The database and its connections.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `sqlite://PATH` (relative to the working directory, or absolute) or `postgres://USER:PASSWORD@HOST/NAME`.
    pub url: String,
    /// Threads that answer queries, each with a connection.
    pub readers: usize,
    /// Threads that write, each with a connection. SQLite always has one.
    pub writers: usize,
    /// Jobs that may wait for a writer; more are refused as busy.
    pub queue: usize,
    /// PostgreSQL: how long a statement, or the wait for a lock, may take; whole milliseconds.
    pub statement_timeout: Duration,
    /// PostgreSQL: how long opening a connection may take; whole seconds.
    pub connect_timeout: Duration,
    /// PostgreSQL: the longest pause between two attempts to reach a server that cannot be reached.
    pub reconnect_pause: Duration,
    /// PostgreSQL: how long a job that conflicts with other transactions is run again before its caller is told
    /// [`Error::Busy`](crate::Error::Busy).
    pub conflict_patience: Duration,
}

/// Registration, and the hashing of passwords.
#[derive(Debug, Clone)]
pub struct AccountConfig {
    /// Whether the dialects' register calls work.
    pub open_registration: bool,
    /// Whether only the address that began a guest's live may change it (minilvb-v1).
    pub bind_guests: bool,
    /// Argon2id memory in KiB.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_iterations: u32,
    /// Argon2id lanes.
    pub argon2_parallelism: u32,
    /// Threads that hash passwords; 0 counts as 1. With fewer than there are cores, the other calls keep a core.
    pub hash_threads: usize,
    /// Hashes that may wait; more are refused as busy.
    pub hash_queue: usize,
}

/// Limits against guessing and flooding; 0 switches one off.
///
/// An address is that of the [`Client`](crate::Client), an IPv6 network of 64 bits counts as one. Only the failed logins of an
/// account are counted for exempt clients.
#[derive(Debug, Clone, Copy)]
pub struct LimitConfig {
    /// Failed logins of one account from one address in ten minutes before that address has to wait for that account. Ten times as
    /// many from all addresses, and all addresses have to wait but the last one that logged in.
    pub login_failures: u32,
    /// Failed logins of all accounts, unknown ones included, from one address in ten minutes before that address has to wait for
    /// the accounts that it was not the last one to log in.
    pub address_login_failures: u32,
    /// Registrations from one address in an hour.
    pub registrations_per_hour: u32,
    /// Guests that one address makes in a minute.
    pub guests_per_minute: u32,
    /// Lives that one address begins in a minute.
    pub lives_per_minute: u32,
    /// Lives that guests of one address have on air at once.
    pub guest_lives: u32,
    /// Audiences that one address enters in a minute.
    pub enters_per_minute: u32,
    /// Likes and other steps of counters by one address in a minute.
    pub counts_per_minute: u32,
    /// Clips, pictures and reports that one address stores in a minute.
    pub uploads_per_minute: u32,
    /// Codes by short message that one address asks for in an hour.
    pub codes_per_hour: u32,
    /// Codes by short message that are asked for in an hour by everybody.
    pub all_codes_per_hour: u32,
}

impl Default for LimitConfig {
    fn default() -> Self {
        Self {
            login_failures: 10,
            address_login_failures: 100,
            registrations_per_hour: 100,
            guests_per_minute: 60,
            lives_per_minute: 20,
            guest_lives: 20,
            enters_per_minute: 600,
            counts_per_minute: 1_200,
            uploads_per_minute: 60,
            codes_per_hour: 20,
            all_codes_per_hour: 2_000,
        }
    }
}

/// Lifetimes of sessions.
#[derive(Debug, Clone, Copy)]
pub struct SessionConfig {
    /// minilvb-v2: the lifetime of a token.
    pub v2_token_ttl: Seconds,
    /// minilvb-v2: the lifetime of a refresh token.
    pub v2_refresh_ttl: Seconds,
    /// sxb: time without a use after which a session ends.
    pub sxb_idle: Seconds,
    /// qplus: time without a use after which a session ends.
    pub qplus_idle: Seconds,
    /// qplus: largest number of sessions of an account; a login beyond it ends the least recently used one.
    pub qplus_per_account: usize,
    /// RoomService: time without a use after which a session ends.
    pub room_service_idle: Seconds,
}

/// Time-outs of members and hosts that send no beats.
#[derive(Debug, Clone, Copy)]
pub struct TimeoutConfig {
    /// sxb: time without a beat after which a viewer leaves, on the microphone or not.
    pub sxb_viewer: Seconds,
    /// sxb: time without a beat after which a host's broadcast ends.
    pub sxb_host: Seconds,
    /// minilvb-v1: time after which a guest's live ends that no stream event and no call of its host renews; 0 = never.
    pub guest_live: Seconds,
    /// RoomService: time without a beat after which an anchor is dropped; with the creator of a room, its broadcast ends.
    pub anchor: Seconds,
    /// RoomService: time after which a room that was created and never opened is forgotten.
    pub idle_room: Seconds,
}

/// Push and play URLs.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// Business id, the first part of every stream code.
    pub bizid: String,
    /// Host of push URLs; empty = `<bizid>.livepush2.myqcloud.com`.
    pub push_host: String,
    /// Host of play URLs; empty = `<bizid>.liveplay.myqcloud.com`.
    pub play_host: String,
    /// Scheme of the flv and m3u8 URLs, `http` or `https`.
    pub play_scheme: String,
    /// First path segment of push and play URLs.
    pub app: String,
    /// Key of push URLs; empty = unsigned.
    pub push_key: SecretString,
    /// How long a push URL is valid; at most 7 days, because revoked URLs are remembered no longer.
    pub push_ttl: Seconds,
    /// Key of play URLs; empty = unsigned.
    pub play_key: SecretString,
    /// Whether push URLs ask the cloud to record.
    pub record: bool,
    /// Recordings that are no longer are not kept, in the dialects that merge files (contract minilvb-v1 §0); 0 = all are
    /// kept.
    pub shortest_recording: Seconds,
}

/// Keys of the cloud services for which clients get signatures. An empty key means "not configured".
#[derive(Debug, Clone)]
pub struct CloudConfig {
    /// Key of cloud callbacks; empty = every callback is refused.
    pub callback_key: SecretString,
    /// Key of the room-service sign.
    pub api_key: SecretString,
    /// IM: application number.
    pub im_sdkappid: i64,
    /// IM: secret of UserSig.
    pub im_secret: SecretString,
    /// IM: account type shown to clients.
    pub im_account_type: String,
    /// IM: how long a UserSig is valid.
    pub usersig_ttl: Seconds,
    /// COS: application number.
    pub cos_appid: String,
    /// COS: bucket.
    pub cos_bucket: String,
    /// COS: region.
    pub cos_region: String,
    /// COS: secret id.
    pub cos_secret_id: String,
    /// COS: secret key.
    pub cos_secret_key: SecretString,
    /// COS: how long a signature is valid.
    pub cos_sign_ttl: Seconds,
    /// VOD: secret id.
    pub vod_secret_id: String,
    /// VOD: secret key.
    pub vod_secret_key: SecretString,
    /// VOD: how long an upload signature is valid.
    pub vod_sign_ttl: Seconds,
    /// VOD: procedure run on an upload; empty = none.
    pub vod_procedure: String,
}

impl Config {
    /// The defaults, with the data in the given SQLite file: for tests, examples and services that embed the core. A missing
    /// file and its folders are made with access for this user only.
    /// No cloud key is configured, push URLs are unsigned, callbacks are refused.
    pub fn sqlite(path: impl AsRef<std::path::Path>) -> Self {
        Self {
            database: DatabaseConfig {
                url: format!("sqlite://{}", path.as_ref().display()),
                readers: 2,
                writers: 4,
                queue: 16_384,
                statement_timeout: Duration::from_secs(3),
                connect_timeout: Duration::from_secs(2),
                reconnect_pause: Duration::from_millis(500),
                conflict_patience: Duration::from_secs(2),
            },
            accounts: AccountConfig {
                open_registration: true,
                bind_guests: false,
                argon2_memory_kib: 19_456,
                argon2_iterations: 2,
                argon2_parallelism: 1,
                hash_threads: hash_threads(),
                hash_queue: 256,
            },
            limits: LimitConfig::default(),
            sessions: SessionConfig {
                v2_token_ttl: Seconds(86_400),
                v2_refresh_ttl: Seconds(30 * 86_400),
                sxb_idle: Seconds(7 * 86_400),
                qplus_idle: Seconds(3_600),
                qplus_per_account: 16,
                room_service_idle: Seconds(7 * 86_400),
            },
            timeouts: TimeoutConfig {
                sxb_viewer: Seconds(30),
                sxb_host: Seconds(90),
                guest_live: Seconds(12 * 3_600),
                anchor: Seconds(60),
                idle_room: Seconds(30),
            },
            most_anchors: 4,
            media: MediaConfig {
                bizid: "1000".to_owned(),
                push_host: String::new(),
                play_host: String::new(),
                play_scheme: "http".to_owned(),
                app: "live".to_owned(),
                push_key: SecretString::default(),
                push_ttl: Seconds(10_800),
                play_key: SecretString::default(),
                record: true,
                shortest_recording: Seconds(60),
            },
            cloud: CloudConfig {
                callback_key: SecretString::default(),
                api_key: SecretString::default(),
                im_sdkappid: 0,
                im_secret: SecretString::default(),
                im_account_type: String::new(),
                usersig_ttl: Seconds(180 * 86_400),
                cos_appid: String::new(),
                cos_bucket: String::new(),
                cos_region: String::new(),
                cos_secret_id: String::new(),
                cos_secret_key: SecretString::default(),
                cos_sign_ttl: Seconds(30),
                vod_secret_id: String::new(),
                vod_secret_key: SecretString::default(),
                vod_sign_ttl: Seconds(86_400),
                vod_procedure: "XIAOZHIBO-DEFAULT".to_owned(),
            },
            background: true,
        }
    }
}

/// One thread fewer than there are cores, but at least one, so that hashing does not take the whole processor.
fn hash_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.saturating_sub(1).max(1)
}
