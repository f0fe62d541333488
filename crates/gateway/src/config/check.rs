//! Checks that types cannot express: ranges, formats, and keys that depend on each other.

use std::{ops::RangeInclusive, time::Duration};

use secrecy::ExposeSecret as _;

use super::{AuthCodeDelivery, Settings, error::ConfigError};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
/// Upper bound of the validity of push URLs: for that time the core remembers which ones it revoked.
const WEEK: Duration = Duration::from_hours(24 * 7);
/// Upper bound of lifetimes: longer than any key is used, and short enough that sums of times do not overflow.
const TEN_YEARS: Duration = Duration::from_hours(24 * 3650);

/// A key and the problem of its value.
pub(super) type Problem = (&'static str, String);

impl Settings {
    /// Checks everything that the types do not guarantee.
    ///
    /// # Errors
    /// All problems, each with its key.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let problems: Vec<_> = self.problems().iter().map(|(key, text)| format!("{key}: {text}")).collect();
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut check = Check::default();
        self.server(&mut check);
        self.cloud(&mut check);
        self.dialects(&mut check);
        check.problems
    }

    fn server(&self, check: &mut Check) {
        check.number("http.max_connections", self.http.max_connections, 1..=1_000_000);
        check.number("http.h2_streams", self.http.h2_streams, 1..=1_024);
        check.time("http.header_timeout", self.http.header_timeout, SECOND..=DAY);
        check.time("http.body_timeout", self.http.body_timeout, SECOND..=DAY);
        check.time("http.idle_timeout", self.http.idle_timeout, SECOND..=DAY);
        check.time("http.request_deadline", self.http.request_deadline, SECOND..=DAY);
        let both = self.admin.listen.0.filter(|admin| admin.port() != 0 && *admin == self.http.listen);
        check.that("admin.listen", both.is_none(), "must differ from http.listen");
        let level = crate::observe::logging::parse_level(&self.log.level);
        check.that("log.level", level.is_some(), "expected off, error, warn, info, debug or trace, optionally with exceptions such as info,relive_core=debug");
        self.storage(check);
        let argon2 = &self.accounts.argon2;
        check.number("accounts.argon2.parallelism", argon2.parallelism, 1..=64);
        check.number("accounts.argon2.iterations", argon2.iterations, 1..=1_000);
        let least = argon2.parallelism.clamp(1, 64) * 8;
        check.number("accounts.argon2.memory_kib", argon2.memory_kib, least..=4_194_304);
        check.number("accounts.hash_threads", self.accounts.hash_threads, 0..=1_024);
    }

    fn storage(&self, check: &mut Check) {
        let database = &self.database;
        let path = database.url.strip_prefix("sqlite://");
        let known = database.is_shared() || path.is_some_and(|path| !path.is_empty() && path != ":memory:");
        check.that(
            "database.url",
            known,
            "must be sqlite://PATH, the path of a file, or postgres://USER:PASSWORD@HOST/NAME",
        );
        check.number("database.readers", database.readers, 0..=256);
        check.number("database.writers", database.writers, 1..=256);
        let minute = Duration::from_mins(1);
        check.time("database.statement_timeout", database.statement_timeout, SECOND..=minute);
        check.time("database.connect_timeout", database.connect_timeout, SECOND..=minute);
        let pause = (Duration::from_millis(50)..=minute).contains(&database.reconnect_pause);
        check.that("database.reconnect_pause", pause, "must be between 50ms and 60s");
    }

    fn cloud(&self, check: &mut Check) {
        let media = &self.media;
        let code = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        check.that("media.bizid", code(&media.bizid), "must be letters and digits");
        check.host("media.push_host", &media.push_host);
        check.host("media.play_host", &media.play_host);
        let segment = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let app = !media.app.is_empty() && media.app.bytes().all(segment);
        check.that("media.app", app, "must be one path segment of letters, digits, '-', '_' and '.'");
        check.time("media.push_ttl", media.push_ttl, SECOND..=WEEK);
        check.time("media.shortest_recording", media.shortest_recording, Duration::ZERO..=DAY);
        let (push, play) = (media.push_key.text(), media.play_key.text());
        check.that(
            "media.play_key",
            play.expose_secret().is_empty() || play.expose_secret() != push.expose_secret(),
            "must not equal media.push_key: everybody who may watch could publish",
        );
        let im = &self.tencent.im;
        check.number("tencent.im.sdkappid", im.sdkappid, 0..=i64::from(u32::MAX));
        check.time("tencent.im.usersig_ttl", im.usersig_ttl, SECOND..=TEN_YEARS);
        check.time("tencent.cos.sign_ttl", self.tencent.cos.sign_ttl, SECOND..=TEN_YEARS);
        check.time("tencent.vod.sign_ttl", self.tencent.vod.sign_ttl, SECOND..=TEN_YEARS);
    }

    fn dialects(&self, check: &mut Check) {
        check.mounts("minilvb_v1.mounts", &self.minilvb_v1.mounts);
        check.time("minilvb_v1.guest_live_ttl", self.minilvb_v1.guest_live_ttl, Duration::ZERO..=TEN_YEARS);

        let v2 = &self.minilvb_v2;
        check.mounts("minilvb_v2.mounts", &v2.mounts);
        check.time("minilvb_v2.token_ttl", v2.token_ttl, SECOND..=TEN_YEARS);
        check.time("minilvb_v2.refresh_ttl", v2.refresh_ttl, SECOND..=TEN_YEARS);
        check.time("minilvb_v2.clock_skew", v2.clock_skew, Duration::ZERO..=TEN_YEARS);
        check.time("minilvb_v2.list_window", v2.list_window, Duration::ZERO..=TEN_YEARS);
        check.that(
            "minilvb_v2.refresh_ttl",
            v2.refresh_ttl >= v2.token_ttl,
            "must not be shorter than minilvb_v2.token_ttl",
        );

        let sxb = &self.sxb;
        check.mounts("sxb.mounts", &sxb.mounts);
        let are_routes = |routes: &[String]| routes.iter().all(|route| !route.is_empty() && is_prefix(route));
        check.that("sxb.client_profile", are_routes(&sxb.client_profile), PREFIX_RULE);
        check.that("sxb.array_playurl", are_routes(&sxb.array_playurl), PREFIX_RULE);
        check.time("sxb.token_ttl", sxb.token_ttl, SECOND..=TEN_YEARS);
        check.time("sxb.viewer_timeout", sxb.viewer_timeout, SECOND..=TEN_YEARS);
        check.time("sxb.host_timeout", sxb.host_timeout, SECOND..=TEN_YEARS);
        check.time("sxb.sign_window", sxb.sign_window, SECOND..=TEN_YEARS);
        let signed = !sxb.enabled || !sxb.require_sign || !sxb.sign_secret.is_empty();
        check.that("sxb.sign_secret", signed, "must be set, because sxb.require_sign is true");

        let roomservice = &self.roomservice;
        check.mounts("roomservice.mounts", &roomservice.mounts);
        check.time("roomservice.token_ttl", roomservice.token_ttl, SECOND..=TEN_YEARS);
        check.time("roomservice.anchor_timeout", roomservice.anchor_timeout, SECOND..=TEN_YEARS);
        check.time("roomservice.idle_room", roomservice.idle_room, SECOND..=TEN_YEARS);
        check.number("roomservice.max_anchors", roomservice.max_anchors, 1..=64);

        let qplus = &self.qplus;
        check.mounts("qplus.mounts", &qplus.mounts);
        check.time("qplus.session_idle", qplus.session_idle, SECOND..=TEN_YEARS);
        check.number("qplus.sessions_per_user", qplus.sessions_per_user, 1..=10_000);
        let command = match &qplus.auth_code_delivery {
            AuthCodeDelivery::Command(path) => path.is_absolute(),
            _ => true,
        };
        check.that("qplus.auth_code_delivery", command, "the command must be an absolute path");
        let decided = !qplus.enabled || qplus.password_reset.is_some() || self.http.listen.ip().is_loopback();
        check.that(
            "qplus.password_reset",
            decided,
            "must be set (open, proof or off) when qplus is enabled and http.listen is not loopback: with \"open\" \
             anyone who knows a user's phone number can set that user's password",
        );
    }
}

const PREFIX_RULE: &str = "each must start with / and have no / at its end, no empty part, no space, ? or #";

/// A path prefix: `""`, or `/` and unreserved text without a slash at the end.
fn is_prefix(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#%\\\"".contains(&byte);
    path.is_empty()
        || (path.starts_with('/') && !path.ends_with('/') && !path.contains("//") && path.bytes().all(plain))
}

#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn that(&mut self, key: &'static str, holds: bool, otherwise: &str) {
        if !holds {
            self.problems.push((key, otherwise.to_owned()));
        }
    }

    fn number<T: Copy + PartialOrd + std::fmt::Display>(
        &mut self,
        key: &'static str,
        value: T,
        range: RangeInclusive<T>,
    ) {
        let otherwise = format!("must be between {} and {}, not {value}", range.start(), range.end());
        self.that(key, range.contains(&value), &otherwise);
    }

    /// Checks the range of a time, and that it is whole seconds: the domain has no fractions of a second.
    fn time(&mut self, key: &'static str, value: Duration, range: RangeInclusive<Duration>) {
        let otherwise = format!(
            "must be whole seconds between {}s and {}s",
            range.start().as_secs(),
            range.end().as_secs()
        );
        self.that(key, range.contains(&value) && value.subsec_nanos() == 0, &otherwise);
    }

    fn host(&mut self, key: &'static str, value: &str) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
        self.that(
            key,
            value.bytes().all(plain),
            "must be a host name, optionally with :port, and nothing else",
        );
    }

    fn mounts(&mut self, key: &'static str, mounts: &[String]) {
        self.that(key, !mounts.is_empty(), "must not be empty; to switch the dialect off use its `enabled`");
        self.that(key, mounts.iter().all(|mount| is_prefix(mount)), PREFIX_RULE);
        let repeated =
            mounts.iter().enumerate().any(|(at, mount)| mounts.iter().take(at).any(|other| other == mount));
        self.that(key, !repeated, "names a prefix twice");
    }
}
