//! Advice: what is valid, but keeps clients from something that they need, or opens something to strangers.

use secrecy::ExposeSecret as _;

use super::Settings;

/// The secrets that the operator gave; the others were or will be generated.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnSecrets {
    /// `tencent.im.secret`.
    pub(super) im: bool,
    /// `media.push_key`.
    pub(super) push: bool,
    /// `callback.key`.
    pub(super) callback: bool,
}

impl Settings {
    /// What an operator most likely has forgotten or should know, one sentence each.
    pub(super) fn advice(&self, own: OwnSecrets) -> Vec<String> {
        let (media, tencent) = (&self.media, &self.tencent);
        let has_cos =
            !tencent.cos.secret_key.text().expose_secret().is_empty() && !tencent.cos.bucket.is_empty();
        let has_im_clients = self.minilvb_v2.enabled || self.sxb.enabled || self.roomservice.enabled;
        let mut advice = Vec::new();
        if media.push_host.is_empty() || media.play_host.is_empty() {
            advice.push(format!(
                "media.push_host or media.play_host is not set: streams go to the vendor's cloud as business {}",
                media.bizid
            ));
        }
        for (key, is_own, effect) in [
            ("media.push_key", own.push, "push URLs are signed with a generated key"),
            ("callback.key", own.callback, "notices are checked with a generated key"),
        ] {
            if !media.push_host.is_empty() && !is_own {
                advice.push(format!(
                    "media.push_host is set and {key} is not: {effect}, which the media server has to be given"
                ));
            }
        }
        if has_im_clients && tencent.im.sdkappid == 0 {
            advice.push(
                "tencent.im.sdkappid is 0: 随心播 and second-generation 小直播 do not get past their login, because they log in \
                 to IM first"
                    .to_owned(),
            );
        }
        if has_im_clients && tencent.im.sdkappid != 0 && !own.im {
            advice.push(
                "tencent.im.sdkappid is set and tencent.im.secret is not: IM tickets are signed with a generated key, which the \
                 cloud refuses (70009)"
                    .to_owned(),
            );
        }
        if self.minilvb_v1.enabled && self.minilvb_v1.trust_imported {
            advice.push(
                "minilvb_v1.trust_imported is true: every client that knows the id of an imported account can act as that account \
                 through minilvb-v1, go live as it included"
                    .to_owned(),
            );
        }
        if self.roomservice.enabled && self.roomservice.test_users {
            advice.push(
                "roomservice.test_users is true: everybody gets an account under a random name, and may act as any such name"
                    .to_owned(),
            );
        }
        if self.roomservice.enabled && self.roomservice.sign_accelerate_url {
            advice.push(
                "roomservice.sign_accelerate_url is true: every viewer of a live may publish under its host's name"
                    .to_owned(),
            );
        }
        if (self.minilvb_v1.enabled || self.minilvb_v2.enabled || self.sxb.enabled) && !has_cos {
            advice.push("tencent.cos is not set: 小直播 and 随心播 cannot upload covers".to_owned());
        }
        advice
    }
}
