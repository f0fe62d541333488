//! The metrics of one adapter's requests, looked up without hashing or allocating.

use std::{sync::OnceLock, time::Duration};

use metrics::{Counter, Histogram, counter, histogram};
use relive_wire::Interface;

/// Codes counted apart per interface; no dialect has more, so the rest is a mistake and shares one counter.
const CODES: usize = 48;
const UNKNOWN: &str = "unknown";

/// Counters and histograms of one adapter.
pub(crate) struct Series {
    adapter: &'static str,
    /// One per interface, and one for requests that name none.
    rows: Vec<Row>,
    unknown: Row,
}

struct Row {
    interface: &'static str,
    duration: Histogram,
    /// Filled from the front as codes appear, and never changed again: reading takes no lock.
    codes: [OnceLock<(i32, Counter)>; CODES],
    others: OnceLock<Counter>,
}

impl Series {
    pub(crate) fn new(adapter: &'static str, interfaces: &[Interface]) -> Self {
        let rows = interfaces.iter().map(|interface| Row::new(adapter, interface.name)).collect();
        Self { adapter, rows, unknown: Row::new(adapter, UNKNOWN) }
    }

    /// Counts one request.
    pub(crate) fn record(&self, interface: &str, code: i32, elapsed: Duration) {
        // An adapter answers with the names of its own table: the address decides nearly always.
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

impl Row {
    fn new(adapter: &'static str, interface: &'static str) -> Self {
        let duration =
            histogram!("relive_request_duration_seconds", "adapter" => adapter, "interface" => interface);
        Self { interface, duration, codes: [const { OnceLock::new() }; CODES], others: OnceLock::new() }
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
