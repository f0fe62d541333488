//! Signatures with the configured keys: what clients need to talk to the cloud services themselves.

use secrecy::ExposeSecret as _;

use crate::{
    CloudConfig, Core, UnixSeconds, random,
    sign::{cos, room_service, usersig, vod},
};

/// Signs with the configured keys. From [`Core::cloud`]. `None` everywhere means: that service is not configured.
#[derive(Debug, Clone, Copy)]
pub struct Cloud<'a>(pub(crate) &'a Core);

/// COS v5: a key for signing requests, and when it is valid.
#[derive(Clone)]
pub struct CosKey {
    /// 40 lower-case hex digits.
    pub sign_key: String,
    /// `start;end`.
    pub key_time: String,
}

/// The room-service sign.
#[derive(Clone)]
pub struct RoomServiceSign {
    /// When it expires.
    pub expires: UnixSeconds,
    /// 32 lower-case hex digits.
    pub sign: String,
}

impl Cloud<'_> {
    fn config(&self) -> &CloudConfig {
        &self.0.config().cloud
    }

    /// The IM ticket of a user.
    pub fn user_sig(&self, user_id: &str) -> Option<String> {
        let config = self.config();
        let key = config.im_secret.expose_secret();
        let ticket = usersig::Ticket {
            sdkappid: config.im_sdkappid,
            user_id,
            issued: self.0.now(),
            ttl: config.usersig_ttl,
            userbuf: None,
        };
        (!key.is_empty()).then(|| ticket.seal(key))
    }

    /// Whether an IM ticket is this user's and valid.
    pub fn verify_user_sig(&self, user_sig: &str, user_id: &str) -> bool {
        let config = self.config();
        let key = config.im_secret.expose_secret();
        usersig::verify(user_sig, config.im_sdkappid, user_id, key, self.0.now()).is_ok()
    }

    /// COS v4: a signature for uploads to the whole bucket.
    pub fn cos_v4(&self) -> Option<String> {
        let config = self.config();
        let now = self.0.now();
        let key = config.cos_secret_key.expose_secret();
        (!key.is_empty() && !config.cos_bucket.is_empty()).then(|| {
            cos::V4 {
                appid: &config.cos_appid,
                bucket: &config.cos_bucket,
                secret_id: &config.cos_secret_id,
                scope: cos::Scope::Reusable { until: now + config.cos_sign_ttl },
                now,
                random: random::number(self.0.random()),
                order: cos::FieldOrder::Abketrf,
            }
            .sign(key)
        })
    }

    /// COS v5: a key for signing uploads.
    pub fn cos_v5(&self) -> Option<CosKey> {
        let config = self.config();
        let now = self.0.now();
        let key = config.cos_secret_key.expose_secret();
        (!key.is_empty()).then(|| {
            let key_time = cos::key_time(now, now + config.cos_sign_ttl);
            CosKey { sign_key: cos::sign_key(key, &key_time), key_time }
        })
    }

    /// A signature for uploading a video.
    pub fn vod_upload(&self) -> Option<String> {
        let config = self.config();
        let key = config.vod_secret_key.expose_secret();
        (!key.is_empty()).then(|| {
            let upload = vod::Upload {
                secret_id: &config.vod_secret_id,
                now: self.0.now(),
                ttl: config.vod_sign_ttl,
                procedure: &config.vod_procedure,
                random: random::number(self.0.random()),
            };
            vod::signature(key, &upload.original())
        })
    }

    /// The room-service sign of a user.
    pub fn room_service(&self, user_id: &str) -> Option<RoomServiceSign> {
        let key = self.config().api_key.expose_secret();
        let expires = self.0.now() + room_service::LIFETIME;
        (!key.is_empty())
            .then(|| RoomServiceSign { expires, sign: room_service::sign(key, expires, user_id) })
    }
}
