//! Signatures with the configured keys, with which clients call cloud services directly.

use super::core::Cloud;
use crate::{
    CloudConfig, RoomNumber, Seconds, UnixSeconds, UserId,
    model::random,
    sign::{Key, cos, digest, room_service, usersig, vod},
};

/// COS v5: a key for signing requests, and its validity.
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
    /// Time of expiry.
    pub expires: UnixSeconds,
    /// 32 lower-case hex digits.
    pub sign: String,
}

/// The content of a permit for an AV room (contract tencent-cloud b.2).
#[derive(Debug, Clone, Copy)]
pub struct RoomPermit {
    /// The room.
    pub room: RoomNumber,
    /// Rights of the user in the room, one bit each. Of this number, as of the others, only the lower 32 bits are sealed.
    pub privileges: i64,
    /// Kind of account, 0 for an ordinary one.
    pub kind: i64,
}

impl RoomPermit {
    /// Time for which a permit is valid.
    const TTL: Seconds = Seconds(600);

    /// The binary form, big-endian: version 0, length of the user id and the id, application, room, expiry, privileges,
    /// kind of account.
    fn bytes(self, application: i64, user_id: &UserId, expires: UnixSeconds) -> Option<Vec<u8>> {
        let length = u16::try_from(user_id.len()).ok()?;
        let mut bytes = vec![0];
        bytes.extend(length.to_be_bytes());
        bytes.extend(user_id.as_bytes());
        for number in [application, self.room.0, expires.0, self.privileges, self.kind] {
            let [_, _, _, _, low @ ..] = number.to_be_bytes();
            bytes.extend(low);
        }
        Some(bytes)
    }
}

impl Cloud<'_> {
    fn config(&self) -> &CloudConfig {
        &self.0.config().cloud
    }

    /// The IM ticket of a user.
    pub fn user_sig(&self, user_id: &UserId) -> Option<String> {
        self.user_sig_for(user_id, self.config().usersig_ttl)
    }

    /// An IM ticket that is also a permit for an AV room, both for ten minutes. `None` also for a user id of more than
    /// 65535 bytes.
    pub fn room_permit(&self, user_id: &UserId, permit: RoomPermit) -> Option<String> {
        let config = self.config();
        let key = Key::from(&config.im_secret);
        let now = self.0.now();
        let sealed = permit.bytes(config.im_sdkappid, user_id, now + RoomPermit::TTL)?;
        let ticket = usersig::Ticket {
            sdkappid: config.im_sdkappid,
            user_id,
            issued: now,
            ttl: RoomPermit::TTL,
            userbuf: Some(&sealed),
        };
        (!key.is_empty()).then(|| ticket.seal(key))
    }

    /// Whether an IM ticket belongs to a user and is valid.
    pub fn verify_user_sig(&self, user_sig: &str, user_id: &UserId) -> bool {
        let config = self.config();
        let key = Key::from(&config.im_secret);
        usersig::verify(user_sig, config.im_sdkappid, user_id, key, self.0.now()).is_ok()
    }

    /// The time at which an IM ticket was made, if it is valid for a user and an application.
    pub(crate) fn ticket_made_at(
        self,
        ticket: &str,
        application: i64,
        user_id: &UserId,
    ) -> Option<UnixSeconds> {
        let config = self.config();
        if application != config.im_sdkappid {
            return None;
        }
        let key = Key::from(&config.im_secret);
        usersig::verify(ticket, application, user_id, key, self.0.now()).ok()?;
        let opened = usersig::inspect(ticket).ok()?;
        (opened.issued >= UnixSeconds(0) && opened.ttl >= Seconds(0)).then_some(opened.issued)
    }

    /// The time at which a sign for the room service was made, if it is valid for a user. The text that is signed has no
    /// separators: without an upper bound the sign of `1bob` would be one of `bob`, with a later time.
    pub(crate) fn room_service_made_at(
        self,
        user_id: &UserId,
        expires: UnixSeconds,
        sign: &str,
    ) -> Option<UnixSeconds> {
        /// Longest time between now and the expiry of a sign, which allows for the clocks of other signers.
        const LONGEST: Seconds = Seconds(900);
        let (key, now) = (Key::from(&self.config().api_key), self.0.now());
        let in_time = now <= expires && expires <= now + LONGEST;
        let valid =
            !key.is_empty() && in_time && digest::eq(&room_service::sign(key, expires, user_id), sign);
        valid.then(|| expires - room_service::LIFETIME)
    }

    /// An IM ticket of a user that is valid for a time, as [`Cloud::user_sig`] makes it.
    pub fn user_sig_for(&self, user_id: &UserId, ttl: Seconds) -> Option<String> {
        let config = self.config();
        let key = Key::from(&config.im_secret);
        let (sdkappid, issued) = (config.im_sdkappid, self.0.now());
        let ticket = usersig::Ticket { sdkappid, user_id, issued, ttl, userbuf: None };
        (!key.is_empty()).then(|| ticket.seal(key))
    }

    /// COS v4: a signature for uploads to the whole bucket.
    pub fn cos_v4(&self) -> Option<String> {
        let config = self.config();
        let now = self.0.now();
        let key = Key::from(&config.cos_secret_key);
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
        let key = Key::from(&config.cos_secret_key);
        (!key.is_empty()).then(|| {
            let key_time = cos::key_time(now, config.cos_sign_ttl);
            CosKey { sign_key: cos::sign_key(key, &key_time), key_time }
        })
    }

    /// A signature for uploading a video.
    pub fn vod_upload(&self) -> Option<String> {
        let config = self.config();
        let key = Key::from(&config.vod_secret_key);
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
    pub fn room_service(&self, user_id: &UserId) -> Option<RoomServiceSign> {
        let key = Key::from(&self.config().api_key);
        let expires = self.0.now() + room_service::LIFETIME;
        (!key.is_empty())
            .then(|| RoomServiceSign { expires, sign: room_service::sign(key, expires, user_id) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_in_bytes() {
        let permit = RoomPermit { room: RoomNumber(0x0102), privileges: -1, kind: 7 };
        let bytes = permit.bytes(0x5370_4000, &"mei".into(), UnixSeconds(0x6553_f100)).unwrap();
        let expected = b"\x00\x00\x03mei\x53\x70\x40\x00\x00\x00\x01\x02\x65\x53\xf1\x00\xff\xff\xff\xff\x00\x00\x00\x07";
        assert_eq!(bytes, expected);
        assert_eq!(permit.bytes(1, &"x".repeat(65_536).as_str().into(), UnixSeconds(0)), None);
    }
}
