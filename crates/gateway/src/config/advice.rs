//! Advice: what is valid, but keeps clients from something that they need, or opens something to strangers.

use secrecy::ExposeSecret as _;

use super::Settings;

impl Settings {
    /// What an operator most likely has forgotten or should know, one sentence each. `own_im_secret`: the operator gave the key of the IM
    /// tickets; otherwise it was or will be generated.
    pub(super) fn advice(&self, own_im_secret: bool) -> Vec<String> {
        let (media, tencent) = (&self.media, &self.tencent);
        let has_cos =
            !tencent.cos.secret_key.text().expose_secret().is_empty() && !tencent.cos.bucket.is_empty();
        let has_im_clients = self.minilvb_v2.enabled || self.sxb.enabled;
        let mut advice = Vec::new();
        if media.push_host.is_empty() || media.play_host.is_empty() {
            advice.push(format!(
                "media.push_host or media.play_host is not set: streams go to the vendor's cloud as business {}",
                media.bizid
            ));
        }
        if has_im_clients && tencent.im.sdkappid == 0 {
            advice.push(
                "tencent.im.sdkappid is 0: apps cannot log in to IM, which chat and calls need".to_owned(),
            );
        }
        if has_im_clients && tencent.im.sdkappid != 0 && !own_im_secret {
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
        if self.sxb.enabled && !has_cos {
            advice.push("tencent.cos is not set: covers of 随心播 cannot be uploaded".to_owned());
        }
        advice
    }
}
