//! What the core is told at start. The names an operator sees belong to the gateway; these are the plain values.

use std::time::Duration;

use secrecy::SecretString;

use crate::Seconds;

/// Everything [`Core::start`](crate::Core::start) needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the data lives.
    pub database: DatabaseConfig,
    /// Who may register, and how passwords are hashed.
    pub accounts: AccountConfig,
    /// Guards against guessing and flooding; 0 switches one off.
    pub limits: LimitConfig,
    /// How long sessions live.
    pub sessions: SessionConfig,
    /// How long the audience and hosts may be silent.
    pub timeouts: TimeoutConfig,
    /// How push and play URLs are written.
    pub media: MediaConfig,
    /// Keys of the cloud services clients get signatures for.
    pub cloud: CloudConfig,
    /// Whether the core sweeps and flushes by itself once a second. Tests switch it off and call
    /// [`Core::maintain`](crate::Core::maintain).
    pub background: bool,
}

/// Where the data lives.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `sqlite://PATH` (relative to the working directory, or absolute) or `postgres://USER:PASSWORD@HOST/NAME`.
    pub url: String,
    /// Threads that answer queries, each with a connection.
    pub readers: usize,
    /// Threads that write, each with a connection. SQLite has one, whatever stands here.
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

/// Who may register, and how passwords are hashed.
#[derive(Debug, Clone)]
pub struct AccountConfig {
    /// Whether the dialects' register calls work.
    pub open_registration: bool,
    /// Argon2id memory in KiB.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_iterations: u32,
    /// Argon2id lanes.
    pub argon2_parallelism: u32,
    /// Threads that hash passwords; 0 counts as 1. Fewer than there are cores leave time to everything else.
    pub hash_threads: usize,
    /// Hashes that may wait; more are refused as busy.
    pub hash_queue: usize,
}

/// Guards against guessing and flooding; 0 switches one off.
#[derive(Debug, Clone, Copy)]
pub struct LimitConfig {
    /// Failed logins of one account from one address in ten minutes before that address has to wait for that account.
    pub login_failures: u32,
    /// Registrations from one address in an hour.
    pub registrations_per_hour: u32,
}

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub struct SessionConfig {
    /// minilvb-v2: a token's fixed life.
    pub v2_token_ttl: Seconds,
    /// minilvb-v2: a refresh token's fixed life.
    pub v2_refresh_ttl: Seconds,
    /// sxb: silence after which a token dies.
    pub sxb_idle: Seconds,
    /// qplus: silence after which a session dies.
    pub qplus_idle: Seconds,
    /// qplus: live sessions per account; the least recently used one gives way.
    pub qplus_per_account: usize,
}

/// How long the audience and hosts may be silent.
#[derive(Debug, Clone, Copy)]
pub struct TimeoutConfig {
    /// sxb: a viewer, on mic or not.
    pub sxb_viewer: Seconds,
    /// sxb: a host.
    pub sxb_host: Seconds,
}

/// How push and play URLs are written.
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
    /// How long a push URL is valid.
    pub push_ttl: Seconds,
    /// Key of play URLs; empty = unsigned.
    pub play_key: SecretString,
    /// Whether push URLs ask the cloud to record.
    pub record: bool,
}

/// Keys of the cloud services clients get signatures for. An empty key means "not configured".
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
    /// The defaults, with the data in the given SQLite file: for tests, examples and services that embed the core.
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
                argon2_memory_kib: 19_456,
                argon2_iterations: 2,
                argon2_parallelism: 1,
                hash_threads: hash_threads(),
                hash_queue: 256,
            },
            limits: LimitConfig { login_failures: 10, registrations_per_hour: 0 },
            sessions: SessionConfig {
                v2_token_ttl: Seconds(86_400),
                v2_refresh_ttl: Seconds(30 * 86_400),
                sxb_idle: Seconds(7 * 86_400),
                qplus_idle: Seconds(3_600),
                qplus_per_account: 16,
            },
            timeouts: TimeoutConfig { sxb_viewer: Seconds(30), sxb_host: Seconds(90) },
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

/// One thread fewer than there are cores, at least one: hashing never takes all of the processor.
fn hash_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.saturating_sub(1).max(1)
}
