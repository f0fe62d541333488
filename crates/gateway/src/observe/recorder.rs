//! The metrics recorder. The `metrics` facade has one per process, which several gateways in one process share.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Histogram buckets of durations, in seconds.
const DURATION_BUCKETS: [f64; 15] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Histogram buckets of commit batches, in jobs.
const BATCH_BUCKETS: [f64; 12] =
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 4_096.0];

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder once per process. Metrics are lost if the process has installed another recorder.
pub(crate) fn install() {
    HANDLE.get_or_init(|| {
        let handle = build();
        if let Err(error) = &handle {
            tracing::error!(%error, "no metrics are recorded");
        }
        handle.ok()
    });
}

fn build() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full("relive_commit_batch_size".to_owned()), &BATCH_BUCKETS)?
        .install_recorder()?;
    metrics::describe_counter!(
        "relive_requests_total",
        "Requests answered, by adapter, interface and envelope code."
    );
    metrics::describe_histogram!(
        "relive_request_duration_seconds",
        "Time from the end of a request's headers to its reply, by adapter and interface."
    );
    metrics::describe_counter!(
        "relive_connections_refused_total",
        "Connections closed at once because of a limit."
    );
    metrics::describe_counter!("relive_panics_total", "Connections closed because a request panicked.");
    metrics::describe_gauge!("relive_connections", "Open connections of the main listener.");
    metrics::describe_gauge!("relive_rooms_on_air", "Rooms on air.");
    metrics::describe_gauge!("relive_members", "Members of all audiences, hosts included.");
    metrics::describe_gauge!("relive_sessions", "Sessions of all dialects held in memory.");
    metrics::describe_gauge!("relive_queue_depth", "Jobs waiting for the writer.");
    metrics::describe_histogram!("relive_commit_batch_size", "Jobs committed together.");
    metrics::describe_histogram!("relive_commit_seconds", "Time of a commit.");
    Ok(handle)
}

/// All metrics in Prometheus text format.
pub(crate) fn render() -> String {
    HANDLE.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

/// Aggregates the samples of histograms. Without this call, samples pile up until the next scrape.
pub(crate) fn upkeep() {
    if let Some(handle) = HANDLE.get().and_then(Option::as_ref) {
        handle.run_upkeep();
    }
}
