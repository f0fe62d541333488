//! Keeps warnings and errors that repeat from filling the log: strangers cause some of them, and a failing disk thousands a second.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tracing::{
    Event, Level, Metadata,
    callsite::Identifier,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Filter};

/// How often a kind of warning or error is logged: once in this time.
const PAUSE: Duration = Duration::from_secs(10);
/// Lines of the command line, each of which says something of its own, panics, and the counts of this module.
const EXEMPT: [&str; 3] = ["relive_gateway::cli", "relive_gateway::observe::logging", module_path!()];

/// The warnings and errors that were logged a short time ago. A kind is a place in the source.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repeats(Arc<Mutex<HashMap<Identifier, Kind>>>);

#[derive(Debug)]
struct Kind {
    logged_at: Instant,
    left_out: LeftOut,
}

/// Lines of a kind that were not logged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct LeftOut {
    lines: u64,
    /// The message of the last one.
    message: String,
}

impl Repeats {
    /// Whether a line of this kind is logged now; counts it otherwise.
    fn admits(&self, kind: Identifier, message: impl FnOnce() -> String, now: Instant) -> bool {
        let mut kinds = self.kinds();
        let Some(kind) = kinds.get_mut(&kind) else {
            kinds.insert(kind, Kind { logged_at: now, left_out: LeftOut::default() });
            return true;
        };
        if now.saturating_duration_since(kind.logged_at) >= PAUSE && kind.left_out.lines == 0 {
            kind.logged_at = now;
            return true;
        }
        kind.left_out.lines += 1;
        kind.left_out.message = message();
        false
    }

    /// Takes the lines that were left out since each kind was last logged, if that is long enough ago.
    fn take(&self, now: Instant) -> Vec<LeftOut> {
        let due = |kind: &&mut Kind| {
            kind.left_out.lines > 0 && now.saturating_duration_since(kind.logged_at) >= PAUSE
        };
        let taken = |kind: &mut Kind| {
            kind.logged_at = now;
            std::mem::take(&mut kind.left_out)
        };
        self.kinds().values_mut().filter(due).map(taken).collect()
    }

    /// Logs how many lines were left out. Called every second.
    pub(crate) fn report(&self) {
        for LeftOut { lines, message } in self.take(Instant::now()) {
            tracing::warn!(lines, last = message, "lines of one kind were left out");
        }
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<Identifier, Kind>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Filter<S> for Repeats {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        let is_exempt = EXEMPT.iter().any(|target| metadata.target().starts_with(target));
        let repeats = *metadata.level() <= Level::WARN && !is_exempt;
        !repeats || self.admits(metadata.callsite(), || message_of(event), Instant::now())
    }
}

/// The message of an event, without its fields.
fn message_of(event: &Event<'_>) -> String {
    struct Message(String);

    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "message" {
                // Writing a text to memory cannot fail.
                let _ = write!(self.0, "{value:?}");
            }
        }
    }

    let mut message = Message(String::new());
    event.record(&mut message);
    message.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds of two lines.
    fn kinds() -> [Identifier; 2] {
        let places = [
            tracing::callsite!(name: "one", kind: tracing::metadata::Kind::EVENT, fields: message),
            tracing::callsite!(name: "two", kind: tracing::metadata::Kind::EVENT, fields: message),
        ];
        places.map(|place| tracing::Callsite::metadata(place).callsite())
    }

    #[test]
    fn a_kind_is_logged_once_in_ten_seconds_and_the_rest_is_counted() {
        let (repeats, [one, two], start) = (Repeats::default(), kinds(), Instant::now());
        let admits = |kind: &Identifier, message: &str, seconds| {
            repeats.admits(kind.clone(), || message.to_owned(), start + Duration::from_secs(seconds))
        };
        assert!(admits(&one, "a", 0) && admits(&two, "b", 0), "kinds do not disturb each other");
        assert!(!admits(&one, "c", 1) && !admits(&one, "d", 9));
        assert_eq!(repeats.take(start + Duration::from_secs(9)), []);
        let left_out = LeftOut { lines: 2, message: "d".to_owned() };
        assert_eq!(repeats.take(start + Duration::from_secs(10)), [left_out]);
        assert!(!admits(&one, "e", 19), "the count was a line, too");
        assert!(admits(&two, "f", 10));
    }
}
