//! Sections of the configuration: listeners, logs, storage, accounts. Names and defaults are public interface.
//!
//! Cloud and media keys are in [`super::cloud`], the five dialects in [`super::dialect`].

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use super::{
    cloud::{Callback, Media, Tencent},
    dialect::{MinilvbV1, MinilvbV2, Qplus, RoomService, Sxb},
    value::{OptionalAddress, address, duration, networks},
};

/// Everything an operator can set. A server without any configuration runs with [`Settings::default`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The main listener.
    pub http: Http,
    /// The operator's listener.
    pub admin: Admin,
    /// Log lines.
    pub log: Log,
    /// The database.
    pub database: Database,
    /// Registration and passwords.
    pub accounts: Accounts,
    /// Limits against guessing and flooding.
    pub limits: Limits,
    /// Push and play URLs.
    pub media: Media,
    /// The media cloud's callbacks.
    pub callback: Callback,
    /// Keys of the cloud services for which clients get signatures.
    pub tencent: Tencent,
    /// The minilvb-v1 dialect.
    pub minilvb_v1: MinilvbV1,
    /// The minilvb-v2 dialect.
    pub minilvb_v2: MinilvbV2,
    /// The sxb dialect.
    pub sxb: Sxb,
    /// The qplus dialect.
    pub qplus: Qplus,
    /// RoomService, through which minilvb-v2's apps go live.
    pub roomservice: RoomService,
}

/// The main listener.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Http {
    /// Address of the five dialects.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// Networks whose `X-Forwarded-For` is trusted.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Cap of open connections; beyond it idle ones make room, and without these further ones are closed at once.
    pub max_connections: u32,
    /// Cap of open connections from one address (IPv6: one /64); 0 = no cap. Trusted proxies are exempt.
    pub max_connections_per_ip: u32,
    /// Time from the first byte of a request (or the opening of the connection) to the end of its headers.
    #[serde(with = "duration")]
    pub header_timeout: Duration,
    /// Time for the body, plus one second for every 16 KiB received.
    #[serde(with = "duration")]
    pub body_timeout: Duration,
    /// How long a connection may stay open between two requests.
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
    /// How long a call may take after its body was read; then it is answered "busy".
    #[serde(with = "duration")]
    pub request_deadline: Duration,
    /// Whether HTTP/2 with prior knowledge is served.
    pub h2c: bool,
    /// HTTP/2: requests in flight on one connection.
    pub h2_streams: u32,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            trusted_proxies: Vec::new(),
            max_connections: 10_000,
            max_connections_per_ip: 0,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            request_deadline: Duration::from_secs(4),
            h2c: false,
            h2_streams: 16,
        }
    }
}

/// The operator's listener: health and metrics.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Admin {
    /// Address of health and metrics; `""` = off.
    pub listen: OptionalAddress,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: OptionalAddress(Some(SocketAddr::from(([127, 0, 0, 1], 9090)))) }
    }
}

/// Log lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// Format of a line.
    pub format: LogFormat,
    /// Level: `off`, `error`, `warn`, `info`, `debug`, `trace`, optionally with exceptions such as
    /// `info,relive_core=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Pretty, level: "info".to_owned() }
    }
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// The database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Database {
    /// `sqlite://PATH`, or `postgres://USER:PASSWORD@HOST/NAME`, which several gateways may share.
    pub url: String,
    /// Connections that answer queries; 0 = the default, 2 with SQLite and 4 with PostgreSQL.
    pub readers: usize,
    /// PostgreSQL: connections that write.
    pub writers: usize,
    /// PostgreSQL: how long a statement may take; a server that does not answer within this time counts as unreachable.
    #[serde(with = "duration")]
    pub statement_timeout: Duration,
    /// PostgreSQL: how long opening a connection may take.
    #[serde(with = "duration")]
    pub connect_timeout: Duration,
    /// PostgreSQL: the longest pause between two attempts to connect to an unreachable server.
    #[serde(with = "duration")]
    pub reconnect_pause: Duration,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: "sqlite://relive-data/relive.db".to_owned(),
            readers: 0,
            writers: 4,
            statement_timeout: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(2),
            reconnect_pause: Duration::from_millis(500),
        }
    }
}

impl Database {
    /// Whether other gateways may use the same database.
    pub(crate) fn is_shared(&self) -> bool {
        self.url.starts_with("postgres://") || self.url.starts_with("postgresql://")
    }
}

/// Registration and passwords.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounts {
    /// Whether the dialects' register calls work.
    pub registration: Registration,
    /// Cost of a password hash.
    pub argon2: Argon2,
    /// Threads that hash passwords; 0 = one fewer than there are cores, at least one.
    pub hash_threads: usize,
}

impl Default for Accounts {
    fn default() -> Self {
        Self { registration: Registration::Open, argon2: Argon2::default(), hash_threads: 0 }
    }
}

/// Whether the dialects' register calls work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// The register calls work.
    Open,
    /// Only `relive user add` registers.
    Closed,
}

/// Cost of a password hash, Argon2id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Argon2 {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for Argon2 {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1 }
    }
}

/// Limits against guessing and flooding; 0 = off. An IPv6 address stands for its network of 64 bits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Failed logins per account and client address within ten minutes; ten times as many per account from all addresses.
    pub login_failures_per_account: u32,
    /// Failed logins per client address within ten minutes, with all accounts together.
    pub login_failures_per_ip: u32,
    /// Networks without limits, except that their guesses of an account's password are counted.
    #[serde(deserialize_with = "networks")]
    pub exempt: Vec<IpNet>,
    /// Registrations per client address and hour.
    pub register_per_ip_per_hour: u32,
    /// Guests that a client address makes in a minute: each unregistered user id is one.
    pub guests_per_ip_per_minute: u32,
    /// Lives that a client address begins in a minute.
    pub lives_per_ip_per_minute: u32,
    /// Lives that guests of a client address have on air at once.
    pub guest_lives_per_ip: u32,
    /// Audiences that a client address enters in a minute.
    pub enters_per_ip_per_minute: u32,
    /// Likes and other steps of counters per client address and minute.
    pub counts_per_ip_per_minute: u32,
    /// Clips, head pictures and reports that a client address stores in a minute.
    pub uploads_per_ip_per_minute: u32,
    /// Codes by short message that a client address asks for in an hour.
    pub codes_per_ip_per_hour: u32,
    /// Codes by short message that are asked for in an hour, in all.
    pub codes_per_hour: u32,
    /// Replies that clients have not taken yet, in MiB; one address may hold a quarter. A large reply beyond it is "busy".
    pub unsent_reply_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let loopback = [
            IpNet::from(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
            IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        ];
        Self {
            login_failures_per_account: 10,
            login_failures_per_ip: 100,
            exempt: loopback.to_vec(),
            register_per_ip_per_hour: 100,
            guests_per_ip_per_minute: 60,
            lives_per_ip_per_minute: 20,
            guest_lives_per_ip: 20,
            enters_per_ip_per_minute: 600,
            counts_per_ip_per_minute: 1_200,
            uploads_per_ip_per_minute: 60,
            codes_per_ip_per_hour: 20,
            codes_per_hour: 2_000,
            unsent_reply_mib: 256,
        }
    }
}
