//! A gateway on a free port.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use relive_core::{TestClock, TestRandom};
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

/// A running gateway whose clock only moves when told.
#[derive(Debug)]
pub struct Server {
    gateway: Option<Gateway>,
    /// Its clock; shows 1700000000 at first.
    pub clock: Arc<TestClock>,
    config: toml::Table,
    folder: TempDir,
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
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let text = CONFIG.replace("{folder}", &folder.path().display().to_string());
        let mut config: toml::Table =
            toml::from_str(&text).unwrap_or_else(|error| panic!("the harness' configuration: {error}"));
        for (key, value) in keys {
            set(&mut config, key, value.clone());
        }
        let clock = Arc::new(TestClock::at(1_700_000_000));
        let gateway = start(&config, folder.path(), Arc::clone(&clock), 1)
            .await
            .unwrap_or_else(|error| panic!("the server does not start: {error:#}"));
        Self { gateway: Some(gateway), clock, config, folder }
    }

    /// The running gateway.
    ///
    /// # Panics
    /// Never: there is one except while it restarts.
    pub fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap_or_else(|| panic!("the server runs"))
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        Client::new(self.gateway().addr)
    }

    /// Stops it in good order and starts it again over the same data, on another port.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn restart(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.shutdown().await;
        }
        let gateway = start(&self.config, self.folder.path(), Arc::clone(&self.clock), 2)
            .await
            .unwrap_or_else(|error| panic!("the server does not start again: {error:#}"));
        self.gateway = Some(gateway);
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
