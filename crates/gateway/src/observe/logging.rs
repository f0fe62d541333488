//! Log lines: destination, format and level.

use std::{
    io::{IsTerminal, stderr},
    sync::OnceLock,
};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, FilterFn, LevelFilter, Targets, filter_fn},
    fmt::MakeWriter,
    layer::SubscriberExt,
    registry,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use super::repeats::Repeats;
use crate::config::{Log, LogFormat};

/// What the logger of this process has left out.
static REPEATS: OnceLock<Repeats> = OnceLock::new();

/// Logs how many lines were left out because they repeat. Called every second.
pub(crate) fn upkeep() {
    if let Some(repeats) = REPEATS.get() {
        repeats.report();
    }
}

/// Starts logging to standard error. Does nothing if the process has a logger already.
pub(crate) fn start(log: &Log) {
    let repeats = REPEATS.get_or_init(Repeats::default);
    let lines = lines(log, stderr().is_terminal(), stderr, repeats.clone());
    if registry().with(lines).try_init().is_ok() {
        // Panics become log lines too, so that a log collector receives them.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, panic = panic.payload_as_str(), "panic");
        }));
    }
}

/// The layer that writes log lines in the configured format, at the configured level, and repeated warnings once in a while.
pub(crate) fn lines<S>(
    log: &Log,
    colours: bool,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
    repeats: Repeats,
) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let levels = parse_level(&log.level).unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match log.format {
        LogFormat::Pretty => lines.with_ansi(colours).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    lines.with_filter(levels.and(library_limit()).and(repeats))
}

/// Limits libraries to level `info`, at every configured level: their lines at `debug` and `trace` may quote a socket,
/// a header or a statement, and with it a token.
fn library_limit() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    const OWN_TARGETS: [&str; 6] = ["relive", "minilvb_v1", "minilvb_v2", "sxb", "qplus", "roomservice"];
    filter_fn(|metadata| {
        *metadata.level() <= Level::INFO || OWN_TARGETS.iter().any(|own| metadata.target().starts_with(own))
    })
    .with_max_level_hint(LevelFilter::TRACE)
}

/// Parses `info`, or `info,relive_core=debug`. A word without `=` must be a level, so that a typing error is not taken
/// for the name of a module.
pub(crate) fn parse_level(text: &str) -> Option<Targets> {
    let level = |word: &str| word.parse::<LevelFilter>().is_ok();
    let mut parts = text.split(',').map(str::trim);
    let valid = parts.all(|part| match part.split_once('=') {
        Some((module, word)) => !module.is_empty() && level(word),
        None => level(part) && !part.is_empty(),
    });
    if valid { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_exceptions_are_parsed_and_typing_errors_are_refused() {
        for text in ["info", "off", "DEBUG", "info,relive_core=debug", "warn, hyper=off"] {
            assert!(parse_level(text).is_some(), "{text}");
        }
        for text in ["", "inof", "relive_core", "info,relive_core=loud", "=info", "info,"] {
            assert!(parse_level(text).is_none(), "{text}");
        }
    }
}
