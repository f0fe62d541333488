//! File descriptors: one per connection, beside those that the process itself needs.
//!
//! A process without a free descriptor accepts no connection at all, not even one that asks for its health.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are kept for the database, the log, the admin listener and its connections.
const RESERVED: u64 = 256;

/// Raises the limit of this process as far as the system allows, and returns how many client connections fit below it; at most
/// the configured number, at least one.
pub(crate) fn connections(configured: u32) -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let limit = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    let fit = fit(limit, configured);
    if fit < configured {
        let descriptors = limit.unwrap_or_default();
        tracing::warn!(
            "http.max_connections is {configured}, but this process may open {descriptors} files: {fit} connections are \
             allowed (raise the limit: ulimit -n, LimitNOFILE=)"
        );
    }
    fit
}

/// How many connections fit below a limit of descriptors; `None`: no limit.
fn fit(limit: Option<u64>, configured: u32) -> u32 {
    let Some(limit) = limit else { return configured };
    // Below twice the reserve both get half.
    let reserved = RESERVED.min(limit / 2);
    configured.min(u32::try_from(limit - reserved).unwrap_or(u32::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_the_process() {
        for (limit, configured, fits) in [
            (None, 10_000, 10_000),
            (Some(1 << 40), 10_000, 10_000),
            (Some(10_256), 10_000, 10_000),
            (Some(10_255), 10_000, 9_999),
            (Some(1_024), 10_000, 768),
            (Some(64), 10_000, 32),
            (Some(0), 10_000, 1),
        ] {
            assert_eq!(fit(limit, configured), fits, "{limit:?}");
        }
    }
}
