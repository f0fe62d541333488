//! The longest time for which a push URL that may be in use was signed: the configured time, or a longer one of an earlier
//! configuration. Without it, a shorter `push_ttl` would make a revoked URL look younger than its revocation.

use crate::{Result, Seconds, UnixSeconds, store::conn::Conn, table::settings};

/// Time after which no URL of an earlier configuration is valid: the longest `push_ttl` that an operator may configure.
pub(crate) const LONGEST: Seconds = Seconds(7 * 24 * 3_600);

const NAME: &str = "push_ttl";

/// The configured times, as kept in the table of settings: `<current>`, or `<current> <longer> <second of its end>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PushTtls {
    current: Seconds,
    /// A longer time of an earlier configuration, and the second of a start with a shorter one.
    longer: Option<(Seconds, UnixSeconds)>,
}

impl PushTtls {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(|word| word.parse::<i64>().ok());
        let current = Seconds(numbers.next()??);
        let longer = match (numbers.next(), numbers.next()) {
            (Some(longer), Some(ended)) => Some((Seconds(longer?), UnixSeconds(ended?))),
            _ => None,
        };
        Some(Self { current, longer })
    }

    fn format(self) -> String {
        let current = self.current.0;
        match self.longer {
            Some((longer, ended)) => format!("{current} {} {ended}", longer.0),
            None => current.to_string(),
        }
    }

    /// The times after a start with a configured time.
    fn after_start(self, configured: Seconds, now: UnixSeconds) -> Self {
        let earlier = self.longer.filter(|(_, ended)| now < *ended + LONGEST);
        let ended = (self.current > configured).then_some((self.current, now));
        let longer = match (earlier, ended) {
            // One pair is kept: the longer time, until the later end.
            (Some((longer, _)), Some((current, now))) => Some((longer.max(current), now)),
            (earlier, ended) => earlier.or(ended),
        };
        Self { current: configured, longer: longer.filter(|(longer, _)| *longer > configured) }
    }

    fn longest(self) -> Seconds {
        self.longer.map_or(self.current, |(longer, _)| longer)
    }
}

/// Keeps the time of a configuration at a start; returns the longest time of any push URL that may still be valid.
pub(crate) fn keep(conn: &mut Conn, configured: Seconds, now: UnixSeconds) -> Result<Seconds> {
    let text = settings::value(conn, NAME)?;
    let known = text.as_deref().and_then(PushTtls::parse);
    let ttls = known.unwrap_or(PushTtls { current: configured, longer: None }).after_start(configured, now);
    if known != Some(ttls) {
        settings::set(conn, NAME, &ttls.format())?;
    }
    Ok(ttls.longest())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    fn ttls(text: &str) -> PushTtls {
        PushTtls::parse(text).unwrap()
    }

    #[test]
    fn a_longer_time_counts_for_a_week_after_its_end() {
        let week_ago = NOW - LONGEST;
        for (before, configured, after, longest) in [
            ("10800", 10_800, "10800".to_owned(), 10_800),
            ("10800", 86_400, "86400".to_owned(), 86_400),
            ("86400", 10_800, format!("10800 86400 {NOW}"), 86_400),
            (
                &format!("10800 86400 {}", week_ago + Seconds(1)),
                10_800,
                format!("10800 86400 {}", week_ago + Seconds(1)),
                86_400,
            ),
            (&format!("10800 86400 {week_ago}"), 10_800, "10800".to_owned(), 10_800),
            (&format!("10800 86400 {}", NOW - Seconds(9)), 3_600, format!("3600 86400 {NOW}"), 86_400),
            (&format!("10800 86400 {}", NOW - Seconds(9)), 86_400, "86400".to_owned(), 86_400),
        ] {
            let found = ttls(before).after_start(Seconds(configured), NOW);
            assert_eq!(found, ttls(&after), "{before}, then {configured}");
            assert_eq!(found.format(), after);
            assert_eq!(found.longest(), Seconds(longest), "{before}, then {configured}");
        }
        for broken in ["", "x", "1 x 2"] {
            assert_eq!(PushTtls::parse(broken), None, "{broken}");
        }
    }
}
