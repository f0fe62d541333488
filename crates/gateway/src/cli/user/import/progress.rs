//! Progress of an import: a bar on a terminal, elsewhere a line every ten seconds.

use std::{
    collections::VecDeque,
    io::{self, Write},
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);
/// Intervals of which the speed is the mean: accounts that exist already take less time than others.
const INTERVALS: usize = 6;

/// A moment of an import.
#[derive(Clone, Copy)]
struct Moment {
    at: Instant,
    lines: u64,
    bytes: u64,
}

pub(super) struct Progress<'a> {
    clock: &'a dyn Fn() -> Instant,
    /// Length of the input in bytes, if it is known.
    total: Option<u64>,
    /// Hidden elsewhere than on a terminal.
    bar: ProgressBar,
    is_terminal: bool,
    /// The start, then the moments of the last lines, oldest first.
    moments: VecDeque<Moment>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(
        clock: &'a dyn Fn() -> Instant,
        total: Option<u64>,
        is_terminal: bool,
    ) -> anyhow::Result<Self> {
        let (bar, template) = match total {
            _ if !is_terminal => (ProgressBar::hidden(), "{msg}"),
            Some(total) => (ProgressBar::new(total), "{msg}  {bar:30} {percent}%  {eta} left"),
            None => (ProgressBar::no_length(), "{msg}"),
        };
        bar.set_style(ProgressStyle::with_template(template)?);
        let start = Moment { at: clock(), lines: 0, bytes: 0 };
        Ok(Self { clock, total, bar, is_terminal, moments: VecDeque::from([start]) })
    }

    /// Runs something that prints to the terminal.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Shows how many lines are done, and how many bytes have been read for them.
    pub(super) fn update(&mut self, lines: u64, bytes: u64, err: &mut dyn Write) -> io::Result<()> {
        if self.is_terminal {
            self.bar.set_message(format!("{lines} lines"));
            self.bar.set_position(bytes);
            return Ok(());
        }
        let now = Moment { at: (self.clock)(), lines, bytes };
        let (Some(first), Some(last)) = (self.moments.front(), self.moments.back()) else { return Ok(()) };
        if now.at.saturating_duration_since(last.at) < INTERVAL {
            return Ok(());
        }
        writeln!(err, "{}", report(*first, now, self.total))?;
        self.moments.push_back(now);
        if self.moments.len() > INTERVALS {
            self.moments.pop_front();
        }
        Ok(())
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shown to humans; a cast of a float saturates"
)]
fn report(first: Moment, now: Moment, total: Option<u64>) -> String {
    let seconds = now.at.saturating_duration_since(first.at).as_secs_f64();
    let per_second = |count: u64| count as f64 / seconds;
    let speed = per_second(now.lines.saturating_sub(first.lines));
    let done = format!("{} lines, {speed:.0} a second", now.lines);
    let Some(total) = total.filter(|total| *total > 0) else { return done };
    let percent = now.bytes.min(total).saturating_mul(100) / total;
    let bytes_per_second = per_second(now.bytes.saturating_sub(first.bytes));
    let left = total.saturating_sub(now.bytes) as f64 / bytes_per_second;
    let left = if left.is_finite() {
        format!(", {} left", HumanDuration(Duration::from_secs(left as u64)))
    } else {
        String::new()
    };
    format!("{done}, {percent}% of the file{left}")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn shown(total: Option<u64>, updates: &[(u64, u64, u64)]) -> Vec<String> {
        let start = Instant::now();
        let now = Cell::new(start);
        let clock = || now.get();
        let mut progress = Progress::new(&clock, total, false).unwrap();
        let mut err = Vec::new();
        for (seconds, lines, bytes) in updates {
            now.set(start + Duration::from_secs(*seconds));
            progress.update(*lines, *bytes, &mut err).unwrap();
        }
        String::from_utf8(err).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_is_printed_every_ten_seconds() {
        let updates = [(0, 1, 10), (9, 90, 900), (10, 100, 1_000), (19, 190, 1_900), (25, 250, 2_500)];
        assert_eq!(
            shown(Some(10_000), &updates),
            [
                "100 lines, 10 a second, 10% of the file, 2 minutes left",
                "250 lines, 10 a second, 25% of the file, 75 seconds left",
            ]
        );
        assert_eq!(shown(None, &updates), ["100 lines, 10 a second", "250 lines, 10 a second"]);
    }

    #[test]
    fn the_time_left_follows_the_speed_of_the_last_minute() {
        // 1,000 lines a second that exist already, then 10 a second.
        let slow = (2..=9).map(|tens| (10 * tens, 10_000 + 100 * (tens - 1), 100_000 + 1_000 * (tens - 1)));
        let updates: Vec<_> = std::iter::once((10, 10_000, 100_000)).chain(slow).collect();
        let lines = shown(Some(200_000), &updates);
        assert_eq!(lines.last().unwrap(), "10800 lines, 10 a second, 54% of the file, 15 minutes left");
    }

    #[test]
    fn a_file_that_grew_or_is_empty_is_no_error() {
        assert_eq!(shown(Some(5), &[(10, 1, 50)]), ["1 lines, 0 a second, 100% of the file, 0 seconds left"]);
        assert_eq!(shown(Some(0), &[(10, 0, 0)]), ["0 lines, 0 a second"]);
        assert_eq!(shown(Some(9), &[(10, 0, 0)]), ["0 lines, 0 a second, 0% of the file"]);
    }
}
