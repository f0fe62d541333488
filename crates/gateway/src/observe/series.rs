//! The metrics of one adapter's requests, found without hashing or allocating.

use std::{sync::OnceLock, time::Duration};

use metrics::{Counter, Histogram, counter, histogram};
use relive_wire::Interface;

/// Envelope codes that each have a counter of their own, per interface. No dialect has more codes; further ones share
/// one counter.
const MAX_CODES: usize = 48;
const UNKNOWN: &str = "unknown";

/// Counters and histograms of one adapter.
pub(crate) struct Series {
    adapter: &'static str,
    rows: Vec<InterfaceSeries>,
    /// Requests that name no known interface.
    unknown: InterfaceSeries,
}

struct InterfaceSeries {
    interface: &'static str,
    duration: Histogram,
    /// Filled in the order in which codes appear. An entry never changes, so reading takes no lock.
    codes: [OnceLock<(i32, Counter)>; MAX_CODES],
    others: OnceLock<Counter>,
}

impl Series {
    pub(crate) fn new(adapter: &'static str, interfaces: &[Interface]) -> Self {
        let rows = interfaces.iter().map(|interface| InterfaceSeries::new(adapter, interface.name)).collect();
        Self { adapter, rows, unknown: InterfaceSeries::new(adapter, UNKNOWN) }
    }

    /// Counts one request.
    pub(crate) fn record(&self, interface: &str, code: i32, elapsed: Duration) {
        // Adapters reply with the names in their own table, so comparing addresses nearly always finds the row.
        let row = self
            .rows
            .iter()
            .find(|row| std::ptr::eq(row.interface, interface))
            .or_else(|| self.rows.iter().find(|row| row.interface == interface))
            .unwrap_or(&self.unknown);
        row.duration.record(elapsed);
        row.counter(self.adapter, code).increment(1);
    }
}

impl InterfaceSeries {
    fn new(adapter: &'static str, interface: &'static str) -> Self {
        let duration =
            histogram!("relive_request_duration_seconds", "adapter" => adapter, "interface" => interface);
        Self { interface, duration, codes: [const { OnceLock::new() }; MAX_CODES], others: OnceLock::new() }
    }

    fn counter(&self, adapter: &'static str, code: i32) -> &Counter {
        let register = |code: String| counter!("relive_requests_total", "adapter" => adapter, "interface" => self.interface, "code" => code);
        self.codes
            .iter()
            .map(|slot| slot.get_or_init(|| (code, register(code.to_string()))))
            .find(|(known, _)| *known == code)
            .map_or_else(|| self.others.get_or_init(|| register("other".to_owned())), |(_, counter)| counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::recorder;

    #[test]
    fn requests_are_counted_by_interface_and_code() {
        const TABLE: &[Interface] =
            &[Interface { name: "series/a", source: "" }, Interface { name: "series/b", source: "" }];
        recorder::install();
        let series = Series::new("series_test", TABLE);
        for code in [0, 0, 7] {
            series.record("series/b", code, Duration::from_millis(3));
        }
        series.record(&String::from("series/a"), 0, Duration::ZERO);
        series.record("nonsense", 0, Duration::ZERO);
        (0..100).for_each(|code| series.record("series/a", code, Duration::ZERO));
        let text = recorder::render();
        let line = |interface: &str, code: &str| {
            format!(
                "relive_requests_total{{adapter=\"series_test\",interface=\"{interface}\",code=\"{code}\"}}"
            )
        };
        for (labels, value) in [
            (line("series/b", "0"), 2),
            (line("series/b", "7"), 1),
            (line("series/a", "0"), 2),
            (line("series/a", "other"), 52),
            (line("unknown", "0"), 1),
        ] {
            assert!(text.contains(&format!("{labels} {value}\n")), "{labels} {value}\n{text}");
        }
        assert!(text.contains("relive_request_duration_seconds_bucket{adapter=\"series_test\",interface=\"series/b\",le=\"0.005\"} 3"));
    }
}
