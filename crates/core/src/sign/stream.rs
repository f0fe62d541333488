//! Stream codes (the name under which a broadcast is pushed and played) and the URLs that carry them.
//! Does not know which codes were handed out, nor to whom: that is stored.

use secrecy::ExposeSecret as _;

use super::{
    digest::md5_hex,
    url::{self, Address, HexCase, PlayUrls, Protection},
};
use crate::{MediaConfig, UnixSeconds};

/// The stream code `<bizid>_<user id>[_<suffix>]`, where every character of the user id outside `[A-Za-z0-9_]` is replaced
/// by one `_`, because the code stands unescaped in URLs and clients cut it out at the first `?` or `.`.
/// Lossy: two users may get one code, and it is the caller who gives the later one a suffix.
///
/// ```
/// use relive_core::sign::stream::live_code;
/// assert_eq!(live_code("8888", "86-13800000000@qq#1", None), "8888_86_13800000000_qq_1");
/// assert_eq!(live_code("8888", "anna", Some("6553f100")), "8888_anna_6553f100");
/// ```
///
/// Source: contract minilvb-v1 §6.1 (1), tencent-cloud a.4.
pub fn live_code(bizid: &str, user_id: &str, suffix: Option<&str>) -> String {
    let tame: String = user_id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    match suffix {
        Some(suffix) => format!("{bizid}_{tame}_{suffix}"),
        None => format!("{bizid}_{tame}"),
    }
}

/// Which picture of a host a bypass stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// The camera: `main`.
    Camera,
    /// The shared screen: `aux`.
    Screen,
}

/// The text a bypass stream is named after: `<room>_<host>_main` or `<room>_<host>_aux`.
///
/// Source: contract sxb §7, tencent-cloud a.6 (1).
pub fn bypass_plain(room: i64, host: &str, picture: Picture) -> String {
    let which = match picture {
        Picture::Camera => "main",
        Picture::Screen => "aux",
    };
    format!("{room}_{host}_{which}")
}

/// `md5(plain)`, 32 lower-case hex digits: the part after the last `_` of a bypass stream's code, by which callbacks find
/// the room.
pub fn bypass_digest(room: i64, host: &str, picture: Picture) -> String {
    md5_hex(bypass_plain(room, host, picture))
}

/// The stream code of a bypass stream: `<bizid>_` + [`bypass_digest`].
///
/// ```
/// use relive_core::sign::stream::{Picture, bypass_code};
/// assert_eq!(bypass_code("8888", 10007, "wilder4", Picture::Camera), "8888_0f2c9a07ddbb2b9bcba863705d240bbc");
/// ```
///
/// Source: contract sxb §7, tencent-cloud a.6 (2).
pub fn bypass_code(bizid: &str, room: i64, host: &str, picture: Picture) -> String {
    format!("{bizid}_{}", bypass_digest(room, host, picture))
}

impl MediaConfig {
    /// The push URL of a stream code, valid for the configured time:
    /// `rtmp://<push host>/<app>/<code>?bizid=…[&record_interval=10800&record=flv|hls][&txSecret=…&txTime=…]`,
    /// `txTime` in lower case.
    ///
    /// ```
    /// let media = relive_core::Config::sqlite("example.db").media;
    /// assert_eq!(
    ///     media.push_url("1000_anna", 1_700_000_000),
    ///     "rtmp://1000.livepush2.myqcloud.com/live/1000_anna?bizid=1000&record_interval=10800&record=flv|hls",
    /// );
    /// assert_eq!(media.play_urls("1000_anna", 0).flv, "http://1000.liveplay.myqcloud.com/live/1000_anna.flv");
    /// ```
    ///
    /// Source: contract minilvb-v1 §6.1 (2–4), tencent-cloud a.4.
    pub fn push_url(&self, code: &str, now: UnixSeconds) -> String {
        let host = host(&self.push_host, &self.bizid, "livepush2");
        let mut params = vec![("bizid", self.bizid.as_str())];
        if self.record {
            params.extend([("record_interval", "10800"), ("record", "flv|hls")]);
        }
        let protection = self.protection(self.push_key.expose_secret(), now);
        url::push_url(Address { host: &host, app: &self.app, stream: code }, &params, Some(protection))
    }

    /// The play URLs of a stream code; with a play key, signed and valid as long as a push URL.
    ///
    /// Source: contract minilvb-v1 §6.1 (5), sxb §7, tencent-cloud a.5 and a.6 (3).
    pub fn play_urls(&self, code: &str, now: UnixSeconds) -> PlayUrls {
        let host = host(&self.play_host, &self.bizid, "liveplay");
        let protection = self.protection(self.play_key.expose_secret(), now);
        let address = Address { host: &host, app: &self.app, stream: code };
        url::play_urls(&self.play_scheme, address, Some(protection))
    }

    fn protection<'a>(&self, key: &'a str, now: UnixSeconds) -> Protection<'a> {
        Protection { key, expires: now.saturating_add(self.push_ttl), case: HexCase::Lower }
    }
}

fn host(configured: &str, bizid: &str, service: &str) -> String {
    if configured.is_empty() { format!("{bizid}.{service}.myqcloud.com") } else { configured.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn one_character_becomes_one_underscore() {
        assert_eq!(live_code("1000", "小a.b?/é", None), "1000__a_b___");
    }

    #[test]
    fn configured_hosts_app_scheme_and_play_key_are_used() {
        let media = MediaConfig {
            push_host: "push.example.com:1935".to_owned(),
            play_host: "play.example.com".to_owned(),
            play_scheme: "https".to_owned(),
            app: "show".to_owned(),
            play_key: "demoPlayKey0001".to_owned().into(),
            push_ttl: 10,
            record: false,
            ..Config::sqlite("unused").media
        };
        assert_eq!(media.push_url("1000_a", 90), "rtmp://push.example.com:1935/show/1000_a?bizid=1000");
        let urls = media.play_urls("1000_a", 90);
        let secret = url::tx_secret("demoPlayKey0001", "1000_a", "64");
        assert_eq!(urls.flv, format!("https://play.example.com/show/1000_a.flv?txSecret={secret}&txTime=64"));
        assert_eq!(urls.rtmp, format!("rtmp://play.example.com/show/1000_a?txSecret={secret}&txTime=64"));
    }
}
