//! The caller of a job: the client for which the job runs, and what the client has paid for it.

use crate::{
    Client, Result, UnixSeconds,
    limit::{Budgets, Limit},
};

/// The caller of a job. A job that is run again, because its transaction was given up, is not paid for again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Caller {
    client: Option<Client>,
    /// What all runs have paid together, by the number of the limit.
    paid: [u8; Limit::ALL.len()],
    /// What this run has used.
    used: [u8; Limit::ALL.len()],
}

impl Caller {
    pub(crate) fn new(client: Option<Client>) -> Self {
        Self { client, ..Self::default() }
    }

    pub(super) fn client(&self) -> Option<Client> {
        self.client
    }

    /// Begins a run of the job.
    pub(super) fn begin(&mut self) {
        self.used = Self::default().used;
    }

    /// Gives back what the job has paid.
    pub(super) fn refund(&mut self, budgets: &Budgets) {
        let Some(client) = self.client else { return };
        for (limit, paid) in Limit::ALL.into_iter().zip(&mut self.paid) {
            for _ in 0..std::mem::take(paid) {
                budgets.give_back(limit, client);
            }
        }
    }

    /// Uses one of the client's budget, unless an earlier run has paid for it.
    pub(super) fn spend(&mut self, limit: Limit, budgets: &Budgets, now: UnixSeconds) -> Result<()> {
        let Some(client) = self.client else { return Ok(()) };
        let number = limit as usize;
        let (Some(used), Some(paid)) = (self.used.get_mut(number), self.paid.get_mut(number)) else {
            return Ok(());
        };
        if used == paid {
            budgets.spend(limit, client, now)?;
            *paid = paid.saturating_add(1);
        }
        *used = used.saturating_add(1).min(*paid);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LimitConfig;

    #[test]
    fn a_job_that_is_run_again_is_paid_for_once() {
        let budgets = Budgets::new(LimitConfig { guests_per_minute: 3, ..LimitConfig::default() });
        let client = Client { address: [192, 0, 2, 1].into(), is_exempt: false };
        let mut caller = Caller::new(Some(client));
        let mut run = |guests: usize| {
            caller.begin();
            (0..guests).all(|_| caller.spend(Limit::Guests, &budgets, UnixSeconds(0)).is_ok())
        };
        assert!(run(2) && run(2), "paid in the first run");
        assert!(run(3), "one more than the first run");
        assert!(!run(4));
        assert!(budgets.spend(Limit::Guests, client, UnixSeconds(0)).is_err(), "three were paid");
        caller.refund(&budgets);
        assert!(
            (0..3).all(|_| budgets.spend(Limit::Guests, client, UnixSeconds(0)).is_ok()),
            "a job that has failed is not paid for"
        );
    }
}
