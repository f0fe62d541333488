//! The stream codes whose earlier push URLs are refused.

use std::collections::{HashMap, VecDeque};

use crate::{
    StreamCode, UnixSeconds,
    model::stream::{Revocation, live_of_link_mic},
};

/// Stream codes with the time up to which their push URLs were revoked.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    by_code: HashMap<StreamCode, UnixSeconds>,
    /// In the order in which they were added, which is that of their times but for the skew of clocks.
    queue: VecDeque<(UnixSeconds, StreamCode)>,
}

impl Revocations {
    /// Adds a revocation; without effect if a later one of the code is known.
    pub(crate) fn put(&mut self, revocation: Revocation) {
        let Revocation { code, valid_from, .. } = revocation;
        let known = self.by_code.entry(code.clone()).or_insert(UnixSeconds(i64::MIN));
        if *known < valid_from {
            *known = valid_from;
            self.queue.push_back((valid_from, code));
        }
    }

    /// The last second in which a push URL of the code was issued that is refused now. A link-mic stream shares the revocation
    /// of the live of its user.
    pub(crate) fn revoked_until(&self, code: &StreamCode) -> Option<UnixSeconds> {
        let live = live_of_link_mic(code).and_then(|live| self.by_code.get(live));
        self.by_code.get(code).max(live).copied()
    }

    /// Whether a revocation before a time is known.
    pub(crate) fn has_before(&self, time: UnixSeconds) -> bool {
        self.queue.front().is_some_and(|(valid_from, _)| *valid_from < time)
    }

    /// Forgets revocations before a time.
    pub(crate) fn forget_before(&mut self, time: UnixSeconds) {
        while self.has_before(time) {
            let Some((valid_from, code)) = self.queue.pop_front() else { return };
            if self.by_code.get(&code) == Some(&valid_from) {
                self.by_code.remove(&code);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccountId;

    fn revocation(code: &str, valid_from: i64) -> Revocation {
        Revocation { code: code.into(), account: AccountId(1), valid_from: UnixSeconds(valid_from) }
    }

    #[test]
    fn the_latest_revocation_of_a_code_counts_until_it_is_forgotten() {
        let mut revocations = Revocations::default();
        for (code, valid_from) in [("1000_anna", 5), ("1000_bob", 7), ("1000_anna", 9), ("1000_anna", 5)] {
            revocations.put(revocation(code, valid_from));
        }
        let until = |revocations: &Revocations, code: &str| revocations.revoked_until(&code.into());
        assert_eq!(until(&revocations, "1000_anna"), Some(UnixSeconds(9)));
        assert_eq!(until(&revocations, "1000_anna_6553f100"), Some(UnixSeconds(9)), "link mic");
        for other in ["1000", "1000_ann", "1000_anna_lee", "1000_anna_6553f1", "1000_anna_6553f100_6553f100"]
        {
            assert_eq!(until(&revocations, other), None, "{other}");
        }
        revocations.forget_before(UnixSeconds(8));
        assert_eq!(until(&revocations, "1000_bob"), None);
        assert_eq!(until(&revocations, "1000_anna"), Some(UnixSeconds(9)));
        revocations.forget_before(UnixSeconds(10));
        assert!(revocations.by_code.is_empty() && revocations.queue.is_empty());
    }
}
