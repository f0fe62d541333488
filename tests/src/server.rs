//! A gateway on a free port.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use relive_core::{TestClock, TestRandom, UnixSeconds, database::Scratch};
use relive_gateway::{
    Gateway,
    config::{Sources, generate, load},
};
use serde::Deserialize;
use tempfile::TempDir;

use crate::Client;

/// The configuration that every test server needs; `{folder}` is a folder of its own.
const BARE: &str = r#"
[http]
listen = "127.0.0.1:0"
# A busy machine may be slow.
request_deadline = "60s"
[admin]
listen = "127.0.0.1:0"
[database]
url = "sqlite://{folder}/relive.db"
[accounts]
argon2 = { memory_kib = 8, iterations = 1, parallelism = 1 }
[callback]
key = "S3cr"
"#;

/// The further keys of most test servers.
const HARNESS: &str = r#"
[media]
bizid = "8123"
push_key = "pushkey-demo"
[tencent.im]
sdkappid = 1400000123
secret = "demo-im-secret-key"
[qplus]
password_reset = "open"
"#;

/// The further keys of a server with everything that an operator can set up.
const FULL: &str = r#"
[media]
bizid = "7001"
push_host = "push.example"
play_host = "play.example"
play_scheme = "https"
push_key = "pushkey-demo"
play_key = "playkey-demo"
[tencent]
api_key = "demo-api-key"
[tencent.im]
sdkappid = 1400000123
secret = "demo-im-secret-key"
account_type = "36862"
[tencent.cos]
appid = "1250000000"
bucket = "covers"
region = "ap-shanghai"
secret_id = "demo-cos-secret-id"
secret_key = "demo-cos-secret-key"
[tencent.vod]
secret_id = "demo-vod-secret-id"
secret_key = "demo-vod-secret-key"
[qplus]
password_reset = "open"
auth_code_delivery = "log"
"#;

/// How much of its configuration a test server has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setup {
    /// The keys that most tests rely on, described in `tests/README.md`.
    #[default]
    Harness,
    /// Every key of the media cloud, of signatures and of deliveries.
    Full,
    /// None of these keys, as at the first start at an operator's: secrets are generated.
    Bare,
}

impl Setup {
    fn keys(self) -> &'static str {
        match self {
            Self::Harness => HARNESS,
            Self::Full => FULL,
            Self::Bare => "",
        }
    }
}

/// The URL of the PostgreSQL server to test on; none in the first run of `cargo xtask test`, which is on SQLite.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
pub fn postgres() -> Option<String> {
    std::env::var("RELIVE_TEST_POSTGRES").ok()
}

/// One running gateway, or several over one database, with a clock that only tests move.
#[derive(Debug)]
pub struct Server {
    gateways: Vec<Gateway>,
    /// The clock of all gateways; shows 1700000000 at first.
    pub clock: Arc<TestClock>,
    config: toml::Table,
    folder: TempDir,
    starts: u64,
    /// Dropped last, because a database in use cannot be removed.
    _scratch: Option<Scratch>,
}

impl Server {
    /// Starts a server with the harness' configuration.
    ///
    /// # Panics
    /// If the server does not start.
    pub async fn start() -> Self {
        Self::configured(&[]).await
    }

    /// Starts a server with some keys set over the harness' configuration, such as
    /// `("sxb.viewer_timeout", "10s".into())`.
    ///
    /// # Panics
    /// If the server does not start.
    pub async fn configured(keys: &[(&str, toml::Value)]) -> Self {
        Self::several(1, keys).await
    }

    /// Starts `count` gateways over one database; more than one need PostgreSQL.
    ///
    /// # Panics
    /// If a gateway does not start.
    pub async fn several(count: usize, keys: &[(&str, toml::Value)]) -> Self {
        Self::set_up(Setup::Harness, count, keys).await
    }

    /// Starts `count` gateways over one database, with some keys set over those of the setup; more than one need
    /// PostgreSQL.
    ///
    /// # Panics
    /// If a gateway does not start.
    pub async fn set_up(setup: Setup, count: usize, keys: &[(&str, toml::Value)]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let text = BARE.replace("{folder}", &folder.path().display().to_string()) + setup.keys();
        let mut config: toml::Table =
            toml::from_str(&text).unwrap_or_else(|error| panic!("the harness' configuration: {error}"));
        let scratch = postgres().map(|url| {
            Scratch::create(&url).unwrap_or_else(|error| panic!("no database for the test: {error}"))
        });
        if let Some(scratch) = &scratch {
            set(&mut config, "database.url", scratch.url().into());
            // Many test servers share one PostgreSQL at a time.
            set(&mut config, "database.readers", 2.into());
            set(&mut config, "database.writers", 2.into());
        }
        for (key, value) in keys {
            set(&mut config, key, value.clone());
        }
        let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
        let mut server = Self { gateways: Vec::new(), clock, config, folder, starts: 0, _scratch: scratch };
        for _ in 0..count {
            let gateway = server.another().await;
            server.gateways.push(gateway);
        }
        server
    }

    async fn another(&mut self) -> Gateway {
        self.starts += 1;
        start(&self.config, self.folder.path(), Arc::clone(&self.clock), self.starts)
            .await
            .unwrap_or_else(|error| panic!("the server does not start: {error:#}"))
    }

    /// The gateway; of several the first.
    ///
    /// # Panics
    /// Never: only a restart, which borrows the server exclusively, leaves it without a gateway.
    pub fn gateway(&self) -> &Gateway {
        self.gateways.first().unwrap_or_else(|| panic!("the server runs"))
    }

    /// The first part of the stream codes of the server.
    pub fn bizid(&self) -> &str {
        let set = self.config.get("media").and_then(|media| media.get("bizid")).and_then(toml::Value::as_str);
        set.unwrap_or("1000")
    }

    /// All gateways.
    pub fn gateways(&self) -> &[Gateway] {
        &self.gateways
    }

    /// A client of the server. With several gateways each request goes to the next one, after that gateway has read the
    /// changes of the others.
    pub fn client(&self) -> Client {
        Client::hopping(self.gateways.iter().map(|gateway| (gateway.addr, gateway.core.clone())))
    }

    /// Shuts the server down gracefully and starts it again over the same data, on another port.
    ///
    /// # Panics
    /// If the server does not start.
    pub async fn restart(&mut self) {
        for gateway in std::mem::take(&mut self.gateways) {
            gateway.shutdown().await;
        }
        let gateway = self.another().await;
        self.gateways.push(gateway);
    }
}

fn set(table: &mut toml::Table, key: &str, value: toml::Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let entry = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(table) = entry {
                set(table, rest, value);
            }
        }
    }
}

async fn start(config: &toml::Table, folder: &Path, clock: Arc<TestClock>, seed: u64) -> Result<Gateway> {
    let file = folder.join("relive.toml");
    std::fs::write(&file, toml::to_string(config)?)?;
    let mut settings = load(&Sources { file: Some(file), ..Sources::default() })?.settings;
    // As the program does: a secret that is not configured is generated at the first start.
    generate(&mut settings, &TestRandom::seeded(seed))?;
    Gateway::start(settings, clock, Arc::new(TestRandom::seeded(seed))).await.context("starting")
}
