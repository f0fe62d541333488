//! A running server: core, listeners, and their end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use relive_core::{Clock, Core, Random, StartError};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{
    admin::Admin,
    body::BodyReader,
    client_address::TrustedProxies,
    compose,
    config::{ConfigError, Settings},
    connection::Timeouts,
    front::Front,
    limits::ConnectionLimits,
    listener::Listener,
    mount::Mounted,
    observe::recorder,
    storage,
};

/// Connections of the operator's listener.
const ADMIN_CONNECTIONS: u32 = 64;

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// A setting is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The core could not start.
    #[error(transparent)]
    Core(#[from] StartError),
    /// The database's directory or file cannot be made.
    #[error("cannot make the database's file (database.url)")]
    Storage(#[source] io::Error),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({key})")]
    Listen {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// A running server. Dropping it stops it at once; [`Gateway::shutdown`] stops it in good order.
#[derive(Debug)]
pub struct Gateway {
    /// Where the dialects are served; never port 0.
    pub addr: SocketAddr,
    /// Where health and metrics are served, if they are.
    pub admin_addr: Option<SocketAddr>,
    /// The domain behind it.
    pub core: Core,
    stop: watch::Sender<bool>,
    stop_admin: watch::Sender<bool>,
    main: JoinHandle<()>,
    admin: Option<JoinHandle<()>>,
    upkeep: JoinHandle<()>,
}

impl Gateway {
    /// Opens the database, binds the listeners and serves every enabled dialect. Needs a tokio runtime with I/O and
    /// time. Secrets that are not given stay absent: see [`generate`](crate::config::generate).
    ///
    /// # Errors
    /// See [`GatewayError`].
    pub async fn start(
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, GatewayError> {
        Self::start_with(settings, clock, random, compose::adapters).await
    }

    /// Like [`Gateway::start`], with other adapters than the configured ones.
    ///
    /// # Errors
    /// See [`GatewayError`].
    pub async fn start_with(
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        adapters: impl FnOnce(&Core, &Settings) -> Vec<Mounted>,
    ) -> Result<Self, GatewayError> {
        settings.validate()?;
        recorder::install();
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        let instance = uuid::Builder::from_random_bytes(bytes).into_uuid();
        // Sockets first: two servers on one address are noticed before the second touches the database.
        let main = bind("http.listen", settings.http.listen).await?;
        let admin = match settings.admin.listen.0 {
            Some(address) => Some(bind("admin.listen", address).await?),
            None => None,
        };
        let config = settings.core();
        let start = move || {
            storage::prepare(&config.database.url).map_err(GatewayError::Storage)?;
            Ok::<_, GatewayError>(Core::start(config, clock, random)?)
        };
        let core = tokio::task::spawn_blocking(start)
            .await
            .map_err(|error| StartError::Thread(io::Error::other(error)))??;
        let adapters = adapters(&core, &settings);

        let (stop, stopping) = watch::channel(false);
        let (stop_admin, admin_stopping) = watch::channel(false);
        let proxies = TrustedProxies::new(settings.http.trusted_proxies.clone());
        let timeouts = Timeouts { header: settings.http.header_timeout, idle: settings.http.idle_timeout };
        let main = Listener {
            name: "http",
            limits: ConnectionLimits::new(
                settings.http.max_connections,
                settings.http.max_connections_per_ip,
                proxies.clone(),
            ),
            timeouts,
            socket: main,
        };
        let listen =
            |source| GatewayError::Listen { key: "http.listen", address: settings.http.listen, source };
        let addr = main.address().map_err(listen)?;
        let mut admin_addr = None;
        let admin = admin.map(|socket| {
            let limits = ConnectionLimits::new(ADMIN_CONNECTIONS, 0, TrustedProxies::default());
            let listener = Listener { name: "admin", limits, timeouts, socket };
            admin_addr = listener.address().ok();
            let handler = Admin {
                core: core.clone(),
                connections: Arc::clone(&main.limits),
                stopping: stopping.clone(),
            };
            tokio::spawn(listener.run(Arc::new(handler), admin_stopping))
        });
        let bodies = BodyReader::new(settings.http.body_timeout);
        let front = Front::new(&adapters, proxies, bodies, instance);
        let main = tokio::spawn(main.run(Arc::new(front), stopping));
        Ok(Self { addr, admin_addr, core, stop, stop_admin, main, admin, upkeep: tokio::spawn(upkeep()) })
    }

    /// Stops in good order: no new connections, requests under way get ten seconds, the core flushes, health and
    /// metrics answer until the end.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The task ends by itself; a panic in it is already logged.
        let _ = (&mut self.main).await;
        self.core.shutdown().await;
        self.stop_admin.send_replace(true);
        if let Some(admin) = &mut self.admin {
            let _ = admin.await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.main.abort();
        self.upkeep.abort();
        if let Some(admin) = &self.admin {
            admin.abort();
        }
    }
}

async fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, GatewayError> {
    TcpListener::bind(address).await.map_err(|source| GatewayError::Listen { key, address, source })
}

/// Keeps histograms small between scrapes.
async fn upkeep() {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        recorder::upkeep();
    }
}

#[cfg(test)]
mod tests;
