//! Makes signatures with the configured keys, as the server makes them for clients. A single signature is printed
//! without a label, so that it can be piped; several are printed one per line, labelled as in the protocol.

use anyhow::{bail, ensure};
use relive_core::{
    Config, Seconds, StreamCode, UnixSeconds,
    sign::{callback, cos, room_service, usersig, vod},
};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{GENERATED, Secret, Settings};

/// The inputs that all signatures have in common.
pub(super) struct Maker<'a> {
    pub(super) settings: &'a Settings,
    pub(super) now: UnixSeconds,
    pub(super) random: u32,
    /// Reasons why a signature that was made may be refused, or missing, later.
    pub(super) warnings: Vec<String>,
}

impl Maker<'_> {
    fn config(&self) -> Config {
        self.settings.core()
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }

    /// The `UserSig` of a user.
    pub(super) fn usersig(&mut self, user_id: &str) -> anyhow::Result<String> {
        let im = &self.settings.tencent.im;
        let key = key("tencent.im.secret", &im.secret)?;
        if im.sdkappid == 0 {
            self.warn(
                "tencent.im.sdkappid is not configured: no IM cloud accepts a UserSig for application 0",
            );
        }
        let ttl = self.config().cloud.usersig_ttl;
        let ticket = usersig::Ticket { sdkappid: im.sdkappid, user_id, issued: self.now, ttl, userbuf: None };
        Ok(ticket.seal(key.expose_secret()) + "\n")
    }

    /// The push and play URLs of a stream.
    pub(super) fn urls(&mut self, stream: &str) -> anyhow::Result<String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        ensure!(
            !stream.is_empty() && stream.bytes().all(allowed),
            "the name of a stream consists of letters, digits, '-', '_' and '.'"
        );
        let media = &self.settings.media;
        if !media.push_key.is_given() {
            key("media.push_key", &media.push_key)?;
        }
        if media.push_key.is_empty() {
            self.warn("media.push_key is empty: the push URL is not signed");
        }
        let prefix = format!("{}_", media.bizid);
        if !stream.starts_with(&prefix) {
            self.warn(format!("names of this server's streams begin with {prefix} (media.bizid)"));
        }
        let media = self.config().media;
        let code = StreamCode::from(stream);
        let (push, play) = (media.push_url(&code, self.now), media.play_urls(&code, self.now));
        Ok(format!("push  {push}\nrtmp  {}\nflv   {}\nhls   {}\n", play.rtmp, play.flv, play.hls))
    }

    /// Signatures for uploads to object storage.
    pub(super) fn cos(&self) -> anyhow::Result<String> {
        let config = &self.settings.tencent.cos;
        require("tencent.cos.appid", &config.appid)?;
        require("tencent.cos.bucket", &config.bucket)?;
        require("tencent.cos.secret_id", &config.secret_id)?;
        let key = key("tencent.cos.secret_key", &config.secret_key)?;
        let until = self.now + self.config().cloud.cos_sign_ttl;
        let v4 = cos::V4 {
            appid: &config.appid,
            bucket: &config.bucket,
            secret_id: &config.secret_id,
            scope: cos::Scope::Reusable { until },
            now: self.now,
            random: self.random,
            order: cos::FieldOrder::Abketrf,
        };
        let key_time = cos::key_time(self.now, until);
        let sign_key = cos::sign_key(key.expose_secret(), &key_time);
        let v4 = v4.sign(key.expose_secret());
        Ok(format!("v4 sign     {v4}\nv5 signKey  {sign_key}\nv5 keyTime  {key_time}\n"))
    }

    /// A signature for uploading a video.
    pub(super) fn vod(&self) -> anyhow::Result<String> {
        let config = &self.settings.tencent.vod;
        require("tencent.vod.secret_id", &config.secret_id)?;
        let key = key("tencent.vod.secret_key", &config.secret_key)?;
        let upload = vod::Upload {
            secret_id: &config.secret_id,
            now: self.now,
            ttl: self.config().cloud.vod_sign_ttl,
            procedure: &config.procedure,
            random: self.random,
        };
        Ok(vod::signature(key.expose_secret(), &upload.original()) + "\n")
    }

    /// The sign of a callback.
    pub(super) fn callback(&self, t: &str) -> anyhow::Result<String> {
        let digits = !t.is_empty() && t.bytes().all(|byte| byte.is_ascii_digit());
        ensure!(digits, "t is a Unix time in seconds, such as {}", self.now + Seconds(600));
        let key = key("callback.key", &self.settings.callback.key)?;
        Ok(callback::sign(key.expose_secret(), t) + "\n")
    }

    /// The room-service sign of a user.
    pub(super) fn room_service(&self, user_id: &str) -> anyhow::Result<String> {
        let key = key("tencent.api_key", &self.settings.tencent.api_key)?;
        let expires = self.now + room_service::LIFETIME;
        let sign = room_service::sign(key.expose_secret(), expires, user_id);
        Ok(format!("txTime  {expires}\nsign    {sign}\n"))
    }
}

/// The text of a secret; an error with the secret's name if it is not configured.
fn key(name: &str, secret: &Secret) -> anyhow::Result<SecretString> {
    if !secret.is_empty() {
        return Ok(secret.text());
    }
    if !secret.is_given() && GENERATED.contains(&name) {
        bail!("{name} is not configured; the first start of a server generates it");
    }
    bail!("{name} is not configured");
}

fn require(name: &str, value: &str) -> anyhow::Result<()> {
    ensure!(!value.is_empty(), "{name} is not configured");
    Ok(())
}
