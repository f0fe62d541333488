//! A gateway on a free port.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use relive_core::{TestClock, TestRandom, database::Scratch};
use relive_gateway::{
    Gateway,
    config::{Sources, load},
};
use tempfile::TempDir;

use crate::Client;

/// The configuration every test server has; `{folder}` is its own.
const CONFIG: &str = r#"
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[database]
url = "sqlite://{folder}/relive.db"
[accounts]
argon2 = { memory_kib = 8, iterations = 1, parallelism = 1 }
[media]
bizid = "8123"
push_key = "pushkey-demo"
[callback]
key = "S3cr"
[tencent.im]
sdkappid = 1400000123
secret = "demo-im-secret-key"
[qplus]
password_reset = "open"
"#;

/// The PostgreSQL server the tests are given, if they are given one: `cargo xtask test` gives one in its second run.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
pub fn postgres() -> Option<String> {
    std::env::var("RELIVE_TEST_POSTGRES").ok()
}

/// A running gateway whose clock only moves when told, or several over one database.
#[derive(Debug)]
pub struct Server {
    gateways: Vec<Gateway>,
    /// Its clock; shows 1700000000 at first.
    pub clock: Arc<TestClock>,
    config: toml::Table,
    folder: TempDir,
    starts: u64,
    /// Last: it can only go when nobody uses it any more.
    _scratch: Option<Scratch>,
}

impl Server {
    /// Starts a server with the harness' configuration.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        Self::configured(&[]).await
    }

    /// Starts a server with some keys set over the harness' configuration, such as
    /// `("sxb.viewer_timeout", "10s".into())`.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn configured(keys: &[(&str, toml::Value)]) -> Self {
        Self::several(1, keys).await
    }

    /// Starts that many gateways over one database, which has to be PostgreSQL if they are more than one.
    ///
    /// # Panics
    /// If one does not start.
    pub async fn several(count: usize, keys: &[(&str, toml::Value)]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let text = CONFIG.replace("{folder}", &folder.path().display().to_string());
        let mut config: toml::Table =
            toml::from_str(&text).unwrap_or_else(|error| panic!("the harness' configuration: {error}"));
        let scratch = postgres().map(|url| {
            Scratch::create(&url).unwrap_or_else(|error| panic!("no database for the test: {error}"))
        });
        if let Some(scratch) = &scratch {
            set(&mut config, "database.url", scratch.url().into());
            // Many servers at a time share one PostgreSQL.
            set(&mut config, "database.readers", 2.into());
            set(&mut config, "database.writers", 2.into());
        }
        for (key, value) in keys {
            set(&mut config, key, value.clone());
        }
        let clock = Arc::new(TestClock::at(1_700_000_000));
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

    /// The running gateway, the first if there are several.
    ///
    /// # Panics
    /// Never: there is one except while it restarts.
    pub fn gateway(&self) -> &Gateway {
        self.gateways.first().unwrap_or_else(|| panic!("the server runs"))
    }

    /// All gateways.
    pub fn gateways(&self) -> &[Gateway] {
        &self.gateways
    }

    /// A client of it; if there are several gateways, one that goes to another one with every request, and gives it the
    /// time to hear what the others did.
    pub fn client(&self) -> Client {
        Client::hopping(self.gateways.iter().map(|gateway| (gateway.addr, gateway.core.clone())))
    }

    /// Stops it in good order and starts it again over the same data, on another port.
    ///
    /// # Panics
    /// If it does not start.
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
    let loaded = load(&Sources { file: Some(file), ..Sources::default() })?;
    Gateway::start(loaded.settings, clock, Arc::new(TestRandom::seeded(seed))).await.context("starting")
}
