//! A running server: starts and stops the core and the listeners.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use relive_core::{Clock, Core, Random, StartError};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{
    admin::AdminHandler,
    body::BodyReader,
    client_address::{Clients, TrustedProxies},
    compose,
    config::{ConfigError, Settings},
    connection::{Http2, Timeouts},
    front::Front,
    limits::{ConnectionCaps, ConnectionLimits},
    listener::Listener,
    mount::Mounted,
    observe::{logging, recorder},
    unsent::UnsentBudget,
};

/// Caps of the operator's listener.
const ADMIN_CAPS: ConnectionCaps = ConnectionCaps { total: 64, per_address: 0 };

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
    /// A listener cannot bind its address.
    #[error("cannot listen on {address} ({key})")]
    Listen {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
}

/// A running server. Dropping the `Gateway` stops the server at once; [`Gateway::shutdown`] stops it gracefully.
#[derive(Debug)]
pub struct Gateway {
    /// Address at which the dialects are served; never port 0.
    pub addr: SocketAddr,
    /// Address at which health and metrics are served; `None` if they are switched off.
    pub admin_addr: Option<SocketAddr>,
    /// The core that the adapters call.
    pub core: Core,
    stop: watch::Sender<bool>,
    stop_admin: watch::Sender<bool>,
    main: JoinHandle<()>,
    admin: Option<JoinHandle<()>>,
    upkeep: JoinHandle<()>,
}

impl Gateway {
    /// Binds the listeners, opens the database and serves every enabled dialect. Needs a tokio runtime with I/O and
    /// time. Does not generate absent secrets: see [`generate`](crate::config::generate).
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
        // Sockets first: a second server on the same address fails before it touches the database.
        let main = bind("http.listen", settings.http.listen).await?;
        let admin = match settings.admin.listen.0 {
            Some(address) => Some(bind("admin.listen", address).await?),
            None => None,
        };
        let config = settings.core();
        let core = tokio::task::spawn_blocking(move || Core::start(config, clock, random))
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
                ConnectionCaps {
                    total: settings.http.max_connections,
                    per_address: settings.http.max_connections_per_ip,
                },
                proxies.clone(),
                settings.limits.exempt.clone(),
            ),
            timeouts,
            http2: if settings.http.h2c {
                Http2::WithPriorKnowledge { streams: settings.http.h2_streams }
            } else {
                Http2::Refused
            },
            socket: main,
        };
        let listen =
            |source| GatewayError::Listen { key: "http.listen", address: settings.http.listen, source };
        let addr = main.address().map_err(listen)?;
        let mut admin_addr = None;
        let unsent = UnsentBudget::new(settings.limits.unsent_reply_mib);
        let admin = admin.map(|socket| {
            let limits = ConnectionLimits::new(ADMIN_CAPS, TrustedProxies::default(), Vec::new());
            let listener = Listener { name: "admin", limits, timeouts, http2: Http2::Refused, socket };
            admin_addr = listener.address().ok();
            let handler = AdminHandler {
                core: core.clone(),
                connections: Arc::clone(&main.limits),
                unsent: Arc::clone(&unsent),
                stopping: stopping.clone(),
            };
            tokio::spawn(listener.run(Arc::new(handler), admin_stopping))
        });
        let bodies = BodyReader::new(settings.http.body_timeout);
        let clients = Clients::new(proxies, settings.limits.exempt.clone());
        let front = Front::new(&adapters, clients, bodies, settings.http.request_deadline, unsent, instance);
        let main = tokio::spawn(main.run(Arc::new(front), stopping));
        Ok(Self { addr, admin_addr, core, stop, stop_admin, main, admin, upkeep: tokio::spawn(upkeep()) })
    }

    /// Stops gracefully: accepts no more connections, gives requests under way ten seconds, then flushes the core.
    /// Health and metrics are served until the end.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The listener's task ends by itself; panics are already logged.
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

/// Aggregates histogram samples every second, so that they do not pile up between scrapes, and logs what was left out of the log.
async fn upkeep() {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        recorder::upkeep();
        logging::upkeep();
    }
}

#[cfg(test)]
mod tests;
