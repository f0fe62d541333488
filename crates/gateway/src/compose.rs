//! Builds the enabled adapters from the configuration.

use std::net::SocketAddr;

use relive_core::Core;

use crate::{
    code_delivery,
    config::{ExposeAnchorPassword, Guests, IndexMode, PasswordReset, Settings, seconds},
    mount::Mounted,
};

/// The enabled adapters, each with its prefixes.
pub(crate) fn adapters(core: &Core, settings: &Settings) -> Vec<Mounted> {
    let Settings { minilvb_v1, minilvb_v2, sxb, qplus, roomservice, .. } = settings;
    let mut adapters = Vec::new();
    if minilvb_v1.enabled {
        let config = minilvb_v1::Config {
            guests: minilvb_v1.guests != Guests::Closed,
            trust_imported: minilvb_v1.trust_imported,
            // Only minilvb-v2 clients sign requests to this adapter, so the tolerance for their clocks applies.
            clock_skew: seconds(minilvb_v2.clock_skew),
        };
        let adapter = minilvb_v1::MinilvbV1::new(core.clone(), config);
        adapters.push(Mounted::new(adapter, &minilvb_v1.mounts));
    }
    let mut callbacks: Vec<String> =
        [(minilvb_v1.enabled, &minilvb_v1.mounts), (minilvb_v2.enabled, &minilvb_v2.mounts)]
            .into_iter()
            .filter(|(enabled, _)| *enabled)
            .flat_map(|(_, mounts)| mounts.clone())
            .collect();
    callbacks.sort_unstable();
    callbacks.dedup();
    if !callbacks.is_empty() {
        adapters.push(Mounted::new(minilvb_v1::Callbacks::new(core.clone()), &callbacks));
    }
    if minilvb_v2.enabled {
        let config = minilvb_v2::Config {
            clock_skew: seconds(minilvb_v2.clock_skew),
            index_mode: match minilvb_v2.index_mode {
                IndexMode::Offset => minilvb_v2::IndexMode::Offset,
                IndexMode::Page => minilvb_v2::IndexMode::Page,
            },
            utc_offset: minilvb_v2.utc_offset.seconds(),
            list_window: seconds(minilvb_v2.list_window),
            cos_appid_as_number: minilvb_v2.cos_appid_as_number,
        };
        let adapter = minilvb_v2::MinilvbV2::new(core.clone(), config);
        adapters.push(Mounted::new(adapter, &minilvb_v2.mounts));
    }
    if sxb.enabled {
        let config = sxb::Config {
            client_profile: sxb.client_profile.clone(),
            array_playurl: sxb.array_playurl.clone(),
            require_sign: sxb.require_sign,
            sign_secret: sxb.sign_secret.text(),
            sign_window: seconds(sxb.sign_window),
            admins: sxb.admins.iter().map(|id| id.as_str().into()).collect(),
        };
        adapters.push(Mounted::new(sxb::Sxb::new(core.clone(), config), &sxb.mounts));
    }
    if qplus.enabled {
        let config = qplus::Config {
            password_reset: match qplus.password_reset() {
                PasswordReset::Open => qplus::PasswordReset::Open,
                PasswordReset::Proof => qplus::PasswordReset::Proof,
                PasswordReset::Off => qplus::PasswordReset::Off,
            },
            expose_anchor_password: match qplus.expose_anchor_password {
                ExposeAnchorPassword::Owner => qplus::ExposeAnchorPassword::Owner,
                ExposeAnchorPassword::All => qplus::ExposeAnchorPassword::All,
            },
            delivery: code_delivery::channel(&qplus.auth_code_delivery, settings.http.request_deadline),
        };
        adapters.push(Mounted::new(qplus::Qplus::new(core.clone(), config), &qplus.mounts));
    }
    if roomservice.enabled {
        let config = roomservice::Config {
            test_users: roomservice.test_users,
            sign_accelerate_url: roomservice.sign_accelerate_url,
        };
        let adapter = roomservice::RoomService::new(core.clone(), config);
        adapters.push(Mounted::new(adapter, &roomservice.mounts));
    }
    adapters
}

/// Dialects and the addresses to enter in their client apps, one for each enabled dialect and prefix.
pub(crate) fn addresses(listen: SocketAddr, settings: &Settings) -> Vec<(&'static str, String)> {
    let Settings { minilvb_v1, minilvb_v2, sxb, qplus, roomservice, .. } = settings;
    let dialects = [
        ("minilvb_v1", minilvb_v1.enabled, &minilvb_v1.mounts, "/interface.php"),
        ("minilvb_v2", minilvb_v2.enabled, &minilvb_v2.mounts, ""),
        ("sxb", sxb.enabled, &sxb.mounts, "/sxb_dev/index.php"),
        ("sxb", sxb.enabled, &sxb.mounts, "/index.php"),
        ("qplus", qplus.enabled, &qplus.mounts, ""),
        ("roomservice", roomservice.enabled, &roomservice.mounts, "/weapp/live_room"),
    ];
    let host = if listen.ip().is_unspecified() {
        format!("<this machine>:{}", listen.port())
    } else {
        listen.to_string()
    };
    dialects
        .into_iter()
        .filter(|(_, enabled, _, _)| *enabled)
        .flat_map(|(name, _, mounts, path)| mounts.iter().map(move |mount| (name, mount, path)))
        .map(|(name, mount, path)| (name, format!("http://{host}{mount}{path}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_enabled_dialect_has_an_address_under_every_prefix() {
        let mut settings = Settings::default();
        settings.qplus.enabled = false;
        settings.minilvb_v2.mounts.push("/lite".to_owned());
        let addresses = addresses("0.0.0.0:80".parse().unwrap(), &settings);
        let lines: Vec<_> = addresses.iter().map(|(name, url)| format!("{name} {url}")).collect();
        assert_eq!(
            lines,
            [
                "minilvb_v1 http://<this machine>:80/interface.php",
                "minilvb_v2 http://<this machine>:80",
                "minilvb_v2 http://<this machine>:80/lite",
                "sxb http://<this machine>:80/sxb_dev/index.php",
                "sxb http://<this machine>:80/index.php",
                "roomservice http://<this machine>:80/weapp/live_room",
                "roomservice http://<this machine>:80/roomservice/weapp/live_room",
            ]
        );
    }
}
