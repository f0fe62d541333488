//! Types of configuration values that serde does not know: secrets, durations, addresses, offsets.
//!
//! Every type parses the text that an operator writes, and serialises to the same form, so that `config show` prints
//! values as they stand in the file. A secret serialises to a mask.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Shown in place of a secret.
pub(crate) const MASK: &str = "********";

/// A secret that may be absent. Absent and empty are different: an absent one may be generated at the first start,
/// an empty one never is.
#[derive(Debug, Clone, Default)]
pub struct Secret(Option<SecretString>);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<SecretString>) -> Self {
        Self(Some(text.into()))
    }

    /// Whether the operator or an earlier start gave a value, which may be empty.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the secret is absent or has an empty text.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|text| text.expose_secret().is_empty())
    }

    /// The text; empty if the secret is absent.
    pub fn text(&self) -> SecretString {
        self.0.clone().unwrap_or_default()
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.0.is_none()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SecretString::deserialize(deserializer).map(|text| Self(Some(text)))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { MASK })
    }
}

/// A listener's address, or `""` for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OptionalAddress(pub Option<SocketAddr>);

impl Serialize for OptionalAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(address) => serializer.collect_str(&address),
            None => serializer.serialize_str(""),
        }
    }
}

impl<'de> Deserialize<'de> for OptionalAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() { Ok(Self(None)) } else { parse_address(&text).map(|address| Self(Some(address))) }
    }
}

/// Reads a listener's address.
pub(crate) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    parse_address(&String::deserialize(deserializer)?)
}

fn parse_address<E: de::Error>(text: &str) -> Result<SocketAddr, E> {
    text.parse().map_err(|_| {
        E::custom(format!("{text:?} is not an IP address and a port, such as 0.0.0.0:8080 or [::]:8080"))
    })
}

/// Reads networks: CIDRs or single addresses.
pub(crate) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    Vec::<String>::deserialize(deserializer)?
        .iter()
        .map(|text| {
            text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                de::Error::custom(format!("{text:?} is neither a CIDR such as 10.0.0.0/8 nor an IP address"))
            })
        })
        .collect()
}

/// An offset from UTC, written `+08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UtcOffset {
    seconds: i32,
}

impl UtcOffset {
    /// The offset of China, where the original servers ran.
    pub const CHINA: Self = Self { seconds: 8 * 3600 };

    /// Seconds east of UTC, within ±18 h.
    pub const fn seconds(self) -> i32 {
        self.seconds
    }
}

impl FromStr for UtcOffset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = || {
            let (sign, rest) = match text.split_at_checked(1)? {
                ("+", rest) => (1, rest),
                ("-", rest) => (-1, rest),
                _ => return None,
            };
            let (hours, minutes) = rest.split_once(':')?;
            let number = |part: &str, below: i32| {
                (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
                    .then(|| part.parse::<i32>().ok())
                    .flatten()
                    .filter(|number| *number < below)
            };
            Some(Self { seconds: sign * (number(hours, 19)? * 3600 + number(minutes, 60)? * 60) })
        };
        parsed()
            .filter(|offset: &Self| offset.seconds.abs() <= 18 * 3600)
            .ok_or_else(|| format!("{text:?} is not an offset from UTC such as +08:00"))
    }
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.seconds < 0 { '-' } else { '+' };
        let minutes = self.seconds.abs() / 60;
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// How qplus verification codes are sent: contract qplus, `GetAuthCode`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AuthCodeDelivery {
    /// `""`: codes are not sent.
    #[default]
    None,
    /// `log`: writes codes to the log, for development.
    Log,
    /// `command:<path>`: runs a program for each code.
    Command(PathBuf),
    /// An `http://` or `https://` URL: sends each code in a `POST`.
    Webhook(String),
}

impl FromStr for AuthCodeDelivery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Ok(Self::None),
            "log" => Ok(Self::Log),
            _ => match text.strip_prefix("command:") {
                Some(path) if !path.is_empty() => Ok(Self::Command(path.into())),
                None if is_web_url(text) => Ok(Self::Webhook(text.to_owned())),
                // The error does not quote the value, which may hold the credentials of a web hook.
                _ => Err("expected \"\", log, command:<path> or an http(s) URL".to_owned()),
            },
        }
    }
}

fn is_web_url(text: &str) -> bool {
    text.parse::<http::Uri>()
        .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}

impl fmt::Display for AuthCodeDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Log => f.write_str("log"),
            Self::Command(path) => write!(f, "command:{}", path.display()),
            Self::Webhook(url) => f.write_str(url),
        }
    }
}

/// Serialises with `Display` and deserialises with `FromStr`.
pub(crate) mod text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Durations as text: parsed from `1h 30m` or `10s`, serialised in the largest unit that leaves no remainder.
pub(crate) mod duration {
    use std::time::Duration;

    use serde::Serializer;

    pub(crate) use humantime_serde::deserialize;

    pub(crate) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        const UNITS: [(u128, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        let millis = value.as_millis();
        let (amount, unit) = UNITS
            .into_iter()
            .find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit))
            .map_or((millis, "ms"), |(unit, name)| (millis / unit, name));
        serializer.collect_str(&format_args!("{amount}{}", if millis == 0 { "s" } else { unit }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_round_trip_and_have_bounds() {
        for text in ["+08:00", "-03:30", "+00:00", "+18:00"] {
            assert_eq!(text.parse::<UtcOffset>().unwrap().to_string(), text);
        }
        assert_eq!("-03:30".parse::<UtcOffset>().unwrap().seconds(), -12_600);
        for text in
            ["", "8", "+8:00", "+08:60", "+18:01", "+19:00", "08:00", "+0a:00", "＋08:00", "+08:00:00"]
        {
            assert!(text.parse::<UtcOffset>().is_err(), "{text}");
        }
    }

    #[test]
    fn deliveries_are_parsed_and_never_quoted_in_errors() {
        assert_eq!("".parse(), Ok(AuthCodeDelivery::None));
        assert_eq!("command:/bin/sms".parse(), Ok(AuthCodeDelivery::Command("/bin/sms".into())));
        assert_eq!("https://sms/x".parse(), Ok(AuthCodeDelivery::Webhook("https://sms/x".to_owned())));
        for text in ["command:", "ftp://hunter2@sms/", "hunter2"] {
            let error = text.parse::<AuthCodeDelivery>().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn an_absent_secret_differs_from_an_empty_one() {
        assert!(!Secret::default().is_given() && Secret::default().is_empty());
        assert!(Secret::new("").is_given() && Secret::new("").is_empty());
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(serde_json::to_string(&secret).unwrap(), format!("\"{MASK}\""));
    }
}
