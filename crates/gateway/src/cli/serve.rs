//! `relive serve`: runs the server until a signal stops it.

use std::{fs, future::poll_fn, io, net::SocketAddr, sync::Arc, task::Poll};

use relive_core::{SystemClock, SystemRandom, database};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    Gateway, compose,
    config::{Settings, Sources, generate, load},
    descriptors,
    observe::logging,
    storage,
};

pub(super) fn run(sources: &Sources) -> anyhow::Result<()> {
    let loaded = load(sources)?;
    let mut settings = loaded.settings;
    logging::start(&settings.log);
    for warning in loaded.warnings.iter().chain(&loaded.advice) {
        tracing::warn!("{warning}");
    }
    let generated = generate(&mut settings, &SystemRandom)?;
    if let Some(generated) = generated {
        let (keys, store) = (generated.keys.join(", "), generated.store);
        tracing::info!("generated {keys} and stored them in {store} (docs/OPERATIONS.md)");
    }
    settings.http.max_connections = descriptors::connections(settings.http.max_connections);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(settings));
    // After a second signal the process must not wait for a commit that is under way on a slow disk.
    runtime.shutdown_background();
    served
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    // Registered before the server starts, so that a signal that arrives during the start is not lost.
    let mut signals = StopSignals::register()?;
    let is_new = storage::file(&settings.database.url).is_some_and(|file| !file.exists());
    let gateway = Gateway::start(settings.clone(), Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    announce(gateway.addr, gateway.admin_addr, &settings, is_new);
    signals.wait().await;
    tracing::info!("stopping: requests under way may finish; a second signal stops at once");
    tokio::select! {
        () = gateway.shutdown() => tracing::info!("stopped"),
        () = signals.wait() => tracing::warn!("stopped at once"),
    }
    Ok(())
}

/// The signals that stop the server: SIGTERM, SIGINT, and SIGHUP, which comes when a terminal is closed.
struct StopSignals([Option<Signal>; 3]);

impl StopSignals {
    fn register() -> io::Result<Self> {
        let hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self([Some(signal(SignalKind::terminate())?), Some(signal(SignalKind::interrupt())?), hangup]))
    }

    /// Waits for any of the signals.
    async fn wait(&mut self) {
        poll_fn(|cx| {
            let came = |signal: &mut Signal| signal.poll_recv(cx).is_ready();
            if self.0.iter_mut().flatten().any(came) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Whether the process was started with SIGHUP ignored, as `nohup` does; a handler would undo that. The mask of ignored
/// signals is only known on Linux.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
    // Signal n is bit n - 1.
    mask >> (SignalKind::hangup().as_raw_value() - 1) & 1 == 1
}

fn announce(listen: SocketAddr, admin: Option<SocketAddr>, settings: &Settings, is_new: bool) {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "listening on {listen}");
    for (dialect, url) in compose::addresses(listen, settings) {
        tracing::info!(dialect, "client apps use {url}");
    }
    let new = if is_new { " (new)" } else { "" };
    tracing::info!("database {}{new}", database::place(&settings.database()));
    if let Some(admin) = admin {
        tracing::info!("health and metrics on http://{admin}/readyz and http://{admin}/metrics");
    }
}
