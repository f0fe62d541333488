//! Budgets of client addresses: how much an address may create, enter and count in a span of time (`docs/OPERATIONS.md`, Limits).

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{Client, Error, LimitConfig, Result, Seconds, UnixSeconds};

/// Largest number of budgets that are remembered.
const CAPACITY: usize = 100_000;
/// Budgets forgotten at a time if all that are remembered are in use.
const FORGOTTEN_AT_ONCE: usize = CAPACITY / 8;

/// A limit on what clients may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Registrations from an address.
    Registrations,
    /// Guests made by an address.
    Guests,
    /// Lives begun by an address.
    Lives,
    /// Lives that guests of an address have on air at once.
    GuestLives,
    /// Audiences entered by an address.
    Enters,
    /// Likes and other steps of counters by an address.
    Counts,
    /// Clips, pictures and reports stored by an address.
    Uploads,
    /// Codes by short message asked for by an address.
    Codes,
    /// Codes by short message asked for by everybody.
    AllCodes,
    /// Failed logins of an account or from an address, which are counted apart from the budgets.
    LoginFailures,
}

impl Limit {
    /// All limits, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Registrations,
        Self::Guests,
        Self::Lives,
        Self::GuestLives,
        Self::Enters,
        Self::Counts,
        Self::Uploads,
        Self::Codes,
        Self::AllCodes,
        Self::LoginFailures,
    ];

    /// The name in metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Registrations => "register_per_ip",
            Self::Guests => "guests_per_ip",
            Self::Lives => "lives_per_ip",
            Self::GuestLives => "guest_lives_per_ip",
            Self::Enters => "enters_per_ip",
            Self::Counts => "counts_per_ip",
            Self::Uploads => "uploads_per_ip",
            Self::Codes => "codes_per_ip",
            Self::AllCodes => "codes",
            Self::LoginFailures => "login_failures",
        }
    }

    /// The largest amount in a window; 0 = no limit.
    const fn of(self, config: &LimitConfig) -> u32 {
        match self {
            Self::Registrations => config.registrations_per_hour,
            Self::Guests => config.guests_per_minute,
            Self::Lives => config.lives_per_minute,
            Self::GuestLives => config.guest_lives,
            Self::Enters => config.enters_per_minute,
            Self::Counts => config.counts_per_minute,
            Self::Uploads => config.uploads_per_minute,
            Self::Codes => config.codes_per_hour,
            Self::AllCodes => config.all_codes_per_hour,
            Self::LoginFailures => config.login_failures,
        }
    }

    /// The address for which a use by a client is counted; `None`: it is not counted.
    fn counted_for(self, client: Client) -> Option<IpAddr> {
        match self {
            Self::AllCodes => Some(Ipv4Addr::UNSPECIFIED.into()),
            _ => client.share(),
        }
    }

    /// The length of a window, which begins with the first use after the last window.
    const fn window(self) -> Seconds {
        match self {
            Self::Registrations | Self::Codes | Self::AllCodes => Seconds(3_600),
            Self::Guests | Self::Lives | Self::GuestLives | Self::Enters | Self::Counts | Self::Uploads => {
                Seconds(60)
            }
            Self::LoginFailures => Seconds(600),
        }
    }
}

/// What an address has used of a budget in the current window.
#[derive(Debug, Clone, Copy)]
struct Used {
    amount: u32,
    since: UnixSeconds,
}

/// The budgets of all addresses, in memory of bounded size.
#[derive(Debug)]
pub(crate) struct Budgets {
    config: LimitConfig,
    used: Mutex<HashMap<(Limit, IpAddr), Used>>,
    /// How often each limit has refused a client, in the order of [`Limit::ALL`].
    refused: [AtomicU64; Limit::ALL.len()],
}

impl Budgets {
    pub(crate) fn new(config: LimitConfig) -> Self {
        Self { config, used: Mutex::default(), refused: Default::default() }
    }

    /// Uses one of a client's budget, or of the budget that all clients have together; without effect for an exempt client's own.
    ///
    /// Errors: [`Error::RateLimited`] if the budget is used up.
    pub(crate) fn spend(&self, limit: Limit, client: Client, now: UnixSeconds) -> Result<()> {
        let Some(address) = limit.counted_for(client) else { return Ok(()) };
        let most = limit.of(&self.config);
        if most == 0 {
            return Ok(());
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= CAPACITY {
            make_room(&mut used, now);
        }
        let none = Used { amount: 0, since: now };
        let used = used.entry((limit, address)).or_insert(none);
        if used.since + limit.window() <= now {
            *used = none;
        }
        if used.amount >= most {
            return Err(self.refuse(limit));
        }
        used.amount += 1;
        Ok(())
    }

    /// Gives one back to a client's budget, because what it was for did not happen.
    pub(crate) fn give_back(&self, limit: Limit, client: Client) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = limit.counted_for(client).and_then(|address| used.get_mut(&(limit, address))) {
            used.amount = used.amount.saturating_sub(1);
        }
    }

    /// Checks an amount that is counted elsewhere against a limit.
    ///
    /// Errors: [`Error::RateLimited`] if one more would be too many.
    pub(crate) fn check(&self, limit: Limit, amount: i64) -> Result<()> {
        let most = limit.of(&self.config);
        if most == 0 || amount < i64::from(most) { Ok(()) } else { Err(self.refuse(limit)) }
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&self, limit: Limit) -> Error {
        if let Some(refused) = self.refused.get(limit as usize) {
            refused.fetch_add(1, Ordering::Relaxed);
        }
        Error::RateLimited
    }

    /// How often each limit has refused a client since the start.
    pub(crate) fn refused(&self) -> [(Limit, u64); Limit::ALL.len()] {
        Limit::ALL.map(|limit| {
            (limit, self.refused.get(limit as usize).map_or(0, |refused| refused.load(Ordering::Relaxed)))
        })
    }
}

/// Forgets the budgets whose window is over; if there are too few of them, also some others, so that the search for them is not
/// repeated at each call.
fn make_room(used: &mut HashMap<(Limit, IpAddr), Used>, now: UnixSeconds) {
    used.retain(|(limit, _), used| used.since + limit.window() > now);
    let mut surplus = (used.len() + FORGOTTEN_AT_ONCE).saturating_sub(CAPACITY);
    used.retain(|_, _| {
        let stays = surplus == 0;
        surplus = surplus.saturating_sub(1);
        stays
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        Client { address: address.parse().unwrap(), is_exempt: false }
    }

    fn budgets(guests: u32) -> Budgets {
        Budgets::new(LimitConfig { guests_per_minute: guests, ..LimitConfig::default() })
    }

    #[test]
    fn a_budget_is_used_up_within_its_window_and_full_in_the_next() {
        let (budgets, here) = (budgets(2), client("192.0.2.1"));
        let spend = |now| budgets.spend(Limit::Guests, here, UnixSeconds(now)).is_ok();
        assert!(spend(1_000) && spend(1_030));
        assert!(!spend(1_059));
        assert!(spend(1_060), "the next minute begins");
        budgets.give_back(Limit::Guests, here);
        assert!(spend(1_060) && spend(1_060) && !spend(1_060));
        assert!(budgets.spend(Limit::Lives, here, UnixSeconds(1_060)).is_ok(), "another budget");
        assert_eq!(budgets.refused().iter().find(|(limit, _)| *limit == Limit::Guests).unwrap().1, 2);
    }

    #[test]
    fn addresses_have_budgets_of_their_own_and_a_household_has_one() {
        let budgets = budgets(1);
        let spend = |client| budgets.spend(Limit::Guests, client, UnixSeconds(0)).is_ok();
        assert!(spend(client("192.0.2.1")) && spend(client("192.0.2.2")));
        assert!(!spend(client("::ffff:192.0.2.1")));
        assert!(spend(client("2001:db8:0:1::1")) && spend(client("2001:db8:0:2::1")));
        assert!(!spend(client("2001:db8:0:1:ffff::")));
        let exempt = Client { is_exempt: true, ..client("192.0.2.1") };
        assert!(spend(exempt) && spend(exempt));
    }

    #[test]
    fn a_limit_of_zero_is_none() {
        let budgets = budgets(0);
        assert!(
            (0..1_000).all(|_| budgets.spend(Limit::Guests, client("192.0.2.1"), UnixSeconds(0)).is_ok())
        );
        assert!(budgets.used.lock().unwrap().is_empty());
    }

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest_windows_first() {
        let budgets = budgets(1);
        let spend = |number: u32, now| {
            let address = Ipv4Addr::from_bits(number).into();
            budgets.spend(Limit::Guests, Client { address, is_exempt: false }, UnixSeconds(now)).is_ok()
        };
        let most = u32::try_from(CAPACITY).unwrap();
        assert!((1..most).all(|number| spend(number, 0)));
        assert!(spend(most, 59) && spend(most + 1, 60), "the first window is over");
        assert!(!spend(most, 60), "this one is not");
        assert!((0..3 * most).all(|number| spend(2 * most + number, 60)));
        assert!(budgets.used.lock().unwrap().len() <= CAPACITY);
    }

    #[test]
    fn the_number_of_a_limit_is_its_place() {
        assert!(Limit::ALL.iter().enumerate().all(|(at, limit)| *limit as usize == at));
    }
}
