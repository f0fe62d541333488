//! Translates the configuration into that of the core.

use std::time::Duration;

use relive_core::Seconds;

use super::{Guests, Registration, Settings};

/// Whole seconds, the unit of the domain; `validate` has checked their range.
pub(crate) fn seconds(duration: Duration) -> Seconds {
    Seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}

impl Settings {
    /// The configuration of the core.
    pub fn core(&self) -> relive_core::Config {
        // Sizes of queues are not configurable: the core knows best.
        let own = relive_core::Config::sqlite("");
        let hash_threads = match self.accounts.hash_threads {
            0 => own.accounts.hash_threads,
            threads => threads,
        };
        let (media, tencent) = (&self.media, &self.tencent);
        relive_core::Config {
            database: self.database(),
            accounts: relive_core::AccountConfig {
                bind_guests: self.minilvb_v1.guests == Guests::Bound,
                open_registration: self.accounts.registration == Registration::Open,
                argon2_memory_kib: self.accounts.argon2.memory_kib,
                argon2_iterations: self.accounts.argon2.iterations,
                argon2_parallelism: self.accounts.argon2.parallelism,
                hash_threads,
                ..own.accounts
            },
            limits: relive_core::LimitConfig {
                login_failures: self.limits.login_failures_per_account,
                address_login_failures: self.limits.login_failures_per_ip,
                registrations_per_hour: self.limits.register_per_ip_per_hour,
                guests_per_minute: self.limits.guests_per_ip_per_minute,
                lives_per_minute: self.limits.lives_per_ip_per_minute,
                guest_lives: self.limits.guest_lives_per_ip,
                enters_per_minute: self.limits.enters_per_ip_per_minute,
                counts_per_minute: self.limits.counts_per_ip_per_minute,
                uploads_per_minute: self.limits.uploads_per_ip_per_minute,
                codes_per_hour: self.limits.codes_per_ip_per_hour,
                all_codes_per_hour: self.limits.codes_per_hour,
            },
            sessions: relive_core::SessionConfig {
                v2_token_ttl: seconds(self.minilvb_v2.token_ttl),
                v2_refresh_ttl: seconds(self.minilvb_v2.refresh_ttl),
                sxb_idle: seconds(self.sxb.token_ttl),
                qplus_idle: seconds(self.qplus.session_idle),
                qplus_per_account: self.qplus.sessions_per_user,
                room_service_idle: seconds(self.roomservice.token_ttl),
            },
            timeouts: relive_core::TimeoutConfig {
                sxb_viewer: seconds(self.sxb.viewer_timeout),
                sxb_host: seconds(self.sxb.host_timeout),
                guest_live: seconds(self.minilvb_v1.guest_live_ttl),
                anchor: seconds(self.roomservice.anchor_timeout),
                idle_room: seconds(self.roomservice.idle_room),
            },
            most_anchors: self.roomservice.max_anchors,
            media: relive_core::MediaConfig {
                bizid: media.bizid.clone(),
                push_host: media.push_host.clone(),
                play_host: media.play_host.clone(),
                play_scheme: media.play_scheme.as_str().to_owned(),
                app: media.app.clone(),
                push_key: media.push_key.text(),
                push_ttl: seconds(media.push_ttl),
                play_key: media.play_key.text(),
                record: media.record,
                shortest_recording: seconds(media.shortest_recording),
            },
            cloud: relive_core::CloudConfig {
                callback_key: self.callback.key.text(),
                api_key: tencent.api_key.text(),
                im_sdkappid: tencent.im.sdkappid,
                im_secret: tencent.im.secret.text(),
                im_account_type: tencent.im.account_type.clone(),
                usersig_ttl: seconds(tencent.im.usersig_ttl),
                cos_appid: tencent.cos.appid.clone(),
                cos_bucket: tencent.cos.bucket.clone(),
                cos_region: tencent.cos.region.clone(),
                cos_secret_id: tencent.cos.secret_id.clone(),
                cos_secret_key: tencent.cos.secret_key.text(),
                cos_sign_ttl: seconds(tencent.cos.sign_ttl),
                vod_secret_id: tencent.vod.secret_id.clone(),
                vod_secret_key: tencent.vod.secret_key.text(),
                vod_sign_ttl: seconds(tencent.vod.sign_ttl),
                vod_procedure: tencent.vod.procedure.clone(),
            },
            background: true,
        }
    }

    /// The database in the configuration of the core; commands that need no core use it alone.
    pub fn database(&self) -> relive_core::DatabaseConfig {
        let database = &self.database;
        let own = relive_core::Config::sqlite("").database;
        let readers = match database.readers {
            0 if database.is_shared() => 4,
            0 => own.readers,
            readers => readers,
        };
        relive_core::DatabaseConfig {
            url: database.url.clone(),
            readers,
            writers: database.writers,
            statement_timeout: database.statement_timeout,
            connect_timeout: database.connect_timeout,
            reconnect_pause: database.reconnect_pause,
            ..own
        }
    }
}
