//! Log lines: where they go, how they look, which are written.

use std::io::{IsTerminal, stderr};

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

use crate::config::{Log, LogFormat};

/// Starts logging to standard error. Does nothing if the process logs already.
pub(crate) fn start(log: &Log) {
    if registry().with(lines(log, stderr().is_terminal(), stderr)).try_init().is_ok() {
        // A panic is a log line like any other, so that whoever collects the lines sees it.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, panic = panic.payload_as_str(), "panic");
        }));
    }
}

/// Log lines as configured.
pub(crate) fn lines<S>(
    log: &Log,
    colours: bool,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
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
    lines.with_filter(levels.and(own()))
}

/// Libraries are heard up to `info` only, whatever the operator asks for: nobody here can promise that what they trace
/// of a socket, a header or a statement never holds a token.
fn own() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    const OURS: [&str; 5] = ["relive", "minilvb_v1", "minilvb_v2", "sxb", "qplus"];
    filter_fn(|metadata| {
        *metadata.level() <= Level::INFO || OURS.iter().any(|own| metadata.target().starts_with(own))
    })
    .with_max_level_hint(LevelFilter::TRACE)
}

/// `info`, or `info,relive_core=debug`. A single word must be a level, so that a typing error is not taken for the name
/// of a module.
pub(crate) fn parse_level(text: &str) -> Option<Targets> {
    let level = |word: &str| word.parse::<LevelFilter>().is_ok();
    let mut parts = text.split(',').map(str::trim);
    let sound = parts.all(|part| match part.split_once('=') {
        Some((module, word)) => !module.is_empty() && level(word),
        None => level(part) && !part.is_empty(),
    });
    if sound { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_exceptions_are_read_and_typing_errors_are_not() {
        for text in ["info", "off", "DEBUG", "info,relive_core=debug", "warn, hyper=off"] {
            assert!(parse_level(text).is_some(), "{text}");
        }
        for text in ["", "inof", "relive_core", "info,relive_core=loud", "=info", "info,"] {
            assert!(parse_level(text).is_none(), "{text}");
        }
    }
}
