//! Stream codes (the name under which a broadcast is pushed and played) and the URLs that carry them.
//! Does not know which codes are in use: the database keeps them.

use secrecy::SecretString;

use super::{
    Key,
    digest::md5_hex,
    url::{self, Address, HexCase, PlayUrls, Protection, tx_time},
};
use crate::{MediaConfig, RoomNumber, StreamCode, UnixSeconds, UserId};

/// The stream code `<bizid>_<user id>[_<suffix>]`, where every character of the user id outside `[A-Za-z0-9_]` is replaced
/// by one `_`, because the code stands unescaped in URLs and clients cut it out at the first `?` or `.`.
/// Lossy: two user ids may give one code, so the caller adds a suffix to the second user's code.
///
/// ```
/// use relive_core::sign::stream::live_code;
/// assert_eq!(live_code("8888", &"86-13800000000@qq#1".into(), None), "8888_86_13800000000_qq_1");
/// assert_eq!(live_code("8888", &"anna".into(), Some("6553f100")), "8888_anna_6553f100");
/// ```
///
/// Source: contract minilvb-v1 §6.1 (1), tencent-cloud a.4.
pub fn live_code(bizid: &str, user_id: &UserId, suffix: Option<&str>) -> StreamCode {
    let plain: String = user_id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    match suffix {
        Some(suffix) => format!("{bizid}_{plain}_{suffix}"),
        None => format!("{bizid}_{plain}"),
    }
    .into()
}

/// The stream code of a link-mic stream: `<live>_<expires>`, the code of the user's own live and the second at which the push
/// URL expires, in lower-case hex digits.
///
/// ```
/// use relive_core::{UnixSeconds, sign::stream::link_mic_code};
/// assert_eq!(link_mic_code(&"1000_anna".into(), UnixSeconds(1_700_010_800)), "1000_anna_65541b30");
/// ```
///
/// Source: contract minilvb-v1 §7, tencent-cloud a.4 (2).
pub fn link_mic_code(live: &StreamCode, expires: UnixSeconds) -> StreamCode {
    format!("{live}_{}", tx_time(expires, HexCase::Lower)).into()
}

/// The source of the video in a host's bypass stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoSource {
    /// The camera: `main`.
    Camera,
    /// The shared screen: `aux`.
    Screen,
}

/// The text whose digest names a bypass stream: `<room>_<host>_main` or `<room>_<host>_aux`.
///
/// Source: contract sxb §7, tencent-cloud a.6 (1).
pub fn bypass_plain(room: RoomNumber, host: &UserId, source: VideoSource) -> String {
    let which = match source {
        VideoSource::Camera => "main",
        VideoSource::Screen => "aux",
    };
    format!("{room}_{host}_{which}")
}

/// `md5(plain)`, 32 lower-case hex digits: the part after the last `_` of a bypass stream's code, by which callbacks find
/// the room.
pub fn bypass_digest(room: RoomNumber, host: &UserId, source: VideoSource) -> String {
    md5_hex(bypass_plain(room, host, source))
}

/// The stream code of a bypass stream: `<bizid>_` + [`bypass_digest`].
///
/// ```
/// use relive_core::{
///     RoomNumber,
///     sign::stream::{VideoSource, bypass_code},
/// };
/// let code = bypass_code("8888", RoomNumber(10007), &"wilder4".into(), VideoSource::Camera);
/// assert_eq!(code, "8888_0f2c9a07ddbb2b9bcba863705d240bbc");
/// ```
///
/// Source: contract sxb §7, tencent-cloud a.6 (2).
pub fn bypass_code(bizid: &str, room: RoomNumber, host: &UserId, source: VideoSource) -> StreamCode {
    format!("{bizid}_{}", bypass_digest(room, host, source)).into()
}

impl MediaConfig {
    /// The push URL of a stream code, valid for the configured time:
    /// `rtmp://<push host>/<app>/<code>?bizid=…[&record_interval=10800&record=flv|hls][&txSecret=…&txTime=…]`,
    /// `txTime` in lower case.
    ///
    /// ```
    /// use relive_core::{Config, StreamCode, UnixSeconds};
    /// let (media, code) = (Config::sqlite("example.db").media, StreamCode::from("1000_anna"));
    /// assert_eq!(
    ///     media.push_url(&code, UnixSeconds(1_700_000_000)),
    ///     "rtmp://1000.livepush2.myqcloud.com/live/1000_anna?bizid=1000&record_interval=10800&record=flv|hls",
    /// );
    /// assert_eq!(media.play_urls(&code, UnixSeconds(0)).flv, "http://1000.liveplay.myqcloud.com/live/1000_anna.flv");
    /// ```
    ///
    /// Source: contract minilvb-v1 §6.1 (2–4), tencent-cloud a.4.
    pub fn push_url(&self, code: &StreamCode, now: UnixSeconds) -> String {
        let host = host(&self.push_host, &self.bizid, "livepush2");
        let mut params = vec![("bizid", self.bizid.as_str())];
        if self.record {
            params.extend([("record_interval", "10800"), ("record", "flv|hls")]);
        }
        let protection = self.protection(&self.push_key, now);
        url::push_url(Address { host: &host, app: &self.app, stream: code }, &params, Some(protection))
    }

    /// Whether play URLs never expire: without a play key they are not signed.
    pub fn has_lasting_play_urls(&self) -> bool {
        Key::from(&self.play_key).is_empty()
    }

    /// The play URLs of a stream code; with a play key, signed and valid as long as a push URL.
    ///
    /// Source: contract minilvb-v1 §6.1 (5), sxb §7, tencent-cloud a.5 and a.6 (3).
    pub fn play_urls(&self, code: &StreamCode, now: UnixSeconds) -> PlayUrls {
        let host = host(&self.play_host, &self.bizid, "liveplay");
        let protection = self.protection(&self.play_key, now);
        let address = Address { host: &host, app: &self.app, stream: code };
        url::play_urls(&self.play_scheme, address, Some(protection))
    }

    /// Signs a play URL: `<url>?[txSecret=…&txTime=…&]bizid=…`, with `&` instead of `?` if the URL has a query already.
    /// `None` unless the last path segment, up to the first `.`, is a stream code of the configured business id. The play
    /// key signs the URL, never the push key: a `txSecret` made with the push key would allow publishing.
    ///
    /// ```
    /// use relive_core::{Config, UnixSeconds};
    /// let media = Config::sqlite("example.db").media;
    /// let signed = media.signed_play_url("rtmp://play.example.com/live/1000_anna", UnixSeconds(1_700_000_000));
    /// assert_eq!(signed.as_deref(), Some("rtmp://play.example.com/live/1000_anna?bizid=1000"));
    /// assert_eq!(media.signed_play_url("rtmp://play.example.com/live/8888_anna", UnixSeconds(1_700_000_000)), None);
    /// ```
    ///
    /// Source: contract minilvb-v1 §7.
    pub fn signed_play_url(&self, url: &str, now: UnixSeconds) -> Option<String> {
        let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
        let (_, segment) = path.rsplit_once('/')?;
        let code = segment.split('.').next()?;
        let user = code.strip_prefix(self.bizid.as_str())?.strip_prefix('_')?;
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if user.is_empty() || !is_plain(user) || url.contains('#') {
            return None;
        }
        let mut params: Vec<_> =
            query.filter(|query| !query.is_empty()).map(str::to_owned).into_iter().collect();
        params.extend(url::tokens(&code.into(), Some(self.protection(&self.play_key, now))));
        params.push(format!("bizid={}", self.bizid));
        Some(format!("{path}?{}", params.join("&")))
    }

    fn protection<'a>(&self, key: &'a SecretString, now: UnixSeconds) -> Protection<'a> {
        Protection { key: key.into(), expires: now + self.push_ttl, case: HexCase::Lower }
    }
}

fn host(configured: &str, bizid: &str, service: &str) -> String {
    if configured.is_empty() { format!("{bizid}.{service}.myqcloud.com") } else { configured.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Seconds};

    #[test]
    fn one_character_becomes_one_underscore() {
        assert_eq!(live_code("1000", &"小a.b?/é".into(), None), "1000__a_b___");
    }

    #[test]
    fn configured_hosts_app_scheme_and_play_key_are_used() {
        let media = MediaConfig {
            push_host: "push.example.com:1935".to_owned(),
            play_host: "play.example.com".to_owned(),
            play_scheme: "https".to_owned(),
            app: "show".to_owned(),
            play_key: "demoPlayKey0001".to_owned().into(),
            push_ttl: Seconds(10),
            record: false,
            ..Config::sqlite("unused").media
        };
        assert_eq!(
            media.push_url(&"1000_a".into(), UnixSeconds(90)),
            "rtmp://push.example.com:1935/show/1000_a?bizid=1000"
        );
        let urls = media.play_urls(&"1000_a".into(), UnixSeconds(90));
        let secret = url::tx_secret(Key("demoPlayKey0001"), &"1000_a".into(), "64");
        assert_eq!(urls.flv, format!("https://play.example.com/show/1000_a.flv?txSecret={secret}&txTime=64"));
        assert_eq!(urls.rtmp, format!("rtmp://play.example.com/show/1000_a?txSecret={secret}&txTime=64"));
        assert_eq!(
            media.signed_play_url("rtmp://other.example.com/show/1000_a.flv", UnixSeconds(90)),
            Some(format!("rtmp://other.example.com/show/1000_a.flv?txSecret={secret}&txTime=64&bizid=1000"))
        );
    }

    #[test]
    fn only_play_urls_of_own_streams_are_signed() {
        let media = Config::sqlite("unused").media;
        assert_eq!(
            media.signed_play_url("http://h/live/1000_a.flv?x=1", UnixSeconds(0)).as_deref(),
            Some("http://h/live/1000_a.flv?x=1&bizid=1000")
        );
        for url in ["", "1000_a", "http://h/1000_", "http://h/1000", "http://h/10000_a", "http://h/1000_a/"] {
            assert_eq!(media.signed_play_url(url, UnixSeconds(0)), None, "{url}");
        }
        for url in ["http://h/1000_a-b", "http://h/1000_é", "http://h/1000_a#x", "http://h/x?y=/1000_a"] {
            assert_eq!(media.signed_play_url(url, UnixSeconds(0)), None, "{url}");
        }
    }
}
