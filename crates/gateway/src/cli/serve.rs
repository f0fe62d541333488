//! `relive serve`: runs the server until a signal stops it.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use relive_core::{SystemClock, SystemRandom};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    Gateway, compose,
    config::{Settings, Sources, generate, load},
    observe::logging,
};

pub(super) fn run(sources: &Sources) -> anyhow::Result<()> {
    let loaded = load(sources)?;
    let mut settings = loaded.settings;
    logging::start(&settings.log);
    for warning in loaded.warnings.iter().chain(&loaded.advice) {
        tracing::warn!("{warning}");
    }
    let generated = generate(&mut settings, &SystemRandom).context("cannot store generated secrets")?;
    if let Some(generated) = generated {
        let (keys, store) = (generated.keys.join(", "), generated.store);
        tracing::info!("generated {keys} and stored them in {store} (docs/OPERATIONS.md)");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(settings));
    // After a second signal the process must not wait for a commit that is under way on a slow disk.
    runtime.shutdown_background();
    served
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    // Registered before the server starts, so that a signal that arrives during the start is not lost.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let gateway = Gateway::start(settings.clone(), Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    announce(gateway.addr, gateway.admin_addr, &settings);
    stop_signal(&mut terminate, &mut interrupt).await;
    tracing::info!("stopping: requests under way may finish; a second signal stops at once");
    tokio::select! {
        () = gateway.shutdown() => tracing::info!("stopped"),
        () = stop_signal(&mut terminate, &mut interrupt) => tracing::warn!("stopped at once"),
    }
    Ok(())
}

async fn stop_signal(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn announce(listen: SocketAddr, admin: Option<SocketAddr>, settings: &Settings) {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "listening on {listen}");
    for (dialect, url) in compose::addresses(listen, settings) {
        tracing::info!(dialect, "client apps use {url}");
    }
    if let Some(admin) = admin {
        tracing::info!("health and metrics on http://{admin}/readyz and http://{admin}/metrics");
    }
}
