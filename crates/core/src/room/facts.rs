//! What lists say about a room on air beyond its broadcast, and who follows what: kept in memory after it was asked for.
//!
//! Whatever changes a room or what somebody follows makes memory forget it; it is read again when somebody asks. Who
//! reads while something is forgotten may have read too early, and keeps nothing.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use diesel::prelude::*;
use indexmap::IndexMap;

use super::RoomRow;
use crate::{
    AccountId, BroadcastInfo, Fragment, PictureId, Random, Result, RoomNumber, random,
    store::{
        conn::{Conn, on},
        schema::{accounts, follows, rooms},
    },
};

/// Rooms, and accounts whose follows are known, at most; beyond, any one gives way.
const MOST: usize = 50_000;
/// Whoever follows more rooms than this is read every time.
const MANY: usize = 2_000;

/// A room but for what it has on air.
#[derive(Debug)]
pub(crate) struct CachedRoom {
    pub(super) room: RoomRow,
    pub(super) head_picture: Option<PictureId>,
    pub(super) followers: i64,
    /// How the dialect with rooms writes it, and the broadcast it had on air then.
    fragment: RwLock<Option<(Arc<BroadcastInfo>, Fragment)>>,
}

impl CachedRoom {
    /// Uses what is kept for this very broadcast, made now if it is the first time.
    pub(super) fn fragment(
        &self,
        on_air: &Arc<BroadcastInfo>,
        make: impl FnOnce() -> Fragment,
        used: &mut dyn FnMut(&Fragment),
    ) {
        if let Some((of, fragment)) = &*self.fragment.read().unwrap_or_else(PoisonError::into_inner)
            && Arc::ptr_eq(of, on_air)
        {
            return used(fragment);
        }
        let fragment = make();
        used(&fragment);
        *self.fragment.write().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(on_air), fragment));
    }
}

/// The rooms an account follows.
pub(crate) type Follows = Arc<HashSet<RoomNumber>>;

#[derive(Debug, Default)]
struct Inner {
    /// By owner.
    facts: IndexMap<AccountId, Arc<CachedRoom>>,
    follows: IndexMap<AccountId, Follows>,
    /// How often something was forgotten.
    forgotten: u64,
}

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct RoomCache(RwLock<Inner>);

/// What a page of rooms needs, as far as it is known.
pub(super) struct Known {
    pub(super) facts: HashMap<AccountId, Arc<CachedRoom>>,
    pub(super) follows: Option<Follows>,
    /// To hand to [`RoomCache::keep`].
    pub(super) mark: u64,
}

impl RoomCache {
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of some owners' rooms, and of what the caller follows.
    pub(super) fn known(&self, caller: AccountId, owners: impl Iterator<Item = AccountId>) -> Known {
        let inner = self.read();
        Known {
            facts: owners.filter_map(|owner| Some((owner, Arc::clone(inner.facts.get(&owner)?)))).collect(),
            follows: inner.follows.get(&caller).map(Arc::clone),
            mark: inner.forgotten,
        }
    }

    /// Keeps what was read, unless something was forgotten since the mark.
    pub(super) fn keep(&self, mark: u64, read: &Found, random: &dyn Random) {
        let mut inner = self.write();
        if inner.forgotten != mark {
            return;
        }
        for facts in &read.facts {
            put(&mut inner.facts, facts.room.account_id, Arc::clone(facts), random);
        }
        if let Some((caller, follows)) = read.follows.as_ref().filter(|(_, follows)| follows.len() <= MANY) {
            put(&mut inner.follows, *caller, Arc::clone(follows), random);
        }
    }

    /// A room is other than it was.
    pub(crate) fn forget_room(&self, owner: AccountId) {
        let mut inner = self.write();
        inner.forgotten += 1;
        inner.facts.swap_remove(&owner);
    }

    /// An account follows other rooms than it did.
    pub(crate) fn forget_follows(&self, account: AccountId) {
        let mut inner = self.write();
        inner.forgotten += 1;
        inner.follows.swap_remove(&account);
    }

    /// Anything may be other than it was.
    pub(crate) fn clear(&self) {
        let mut inner = self.write();
        *inner = Inner { forgotten: inner.forgotten + 1, ..Inner::default() };
    }
}

fn put<V>(kept: &mut IndexMap<AccountId, V>, key: AccountId, value: V, random: &dyn Random) {
    if kept.len() >= MOST && !kept.contains_key(&key) {
        let any = random::number(random) as usize % kept.len();
        kept.swap_remove_index(any);
    }
    kept.insert(key, value);
}

/// What was read of the tables.
pub(super) struct Found {
    pub(super) facts: Vec<Arc<CachedRoom>>,
    pub(super) follows: Option<(AccountId, Follows)>,
}

/// Reads the rooms of owners, and what an account follows if that is asked for.
pub(super) fn find(conn: &mut Conn, owners: &[AccountId], follower: Option<AccountId>) -> Result<Found> {
    let rows: Vec<(RoomRow, Option<PictureId>)> = on!(conn, |c| rooms::table
        .inner_join(accounts::table)
        .filter(rooms::account_id.eq_any(owners.iter().copied()))
        .select((rooms::all_columns, accounts::head_picture))
        .load(c))?;
    let numbers: Vec<RoomNumber> = rows.iter().map(|(room, _)| room.number).collect();
    let followers: HashMap<RoomNumber, i64> = on!(conn, |c| follows::table
        .filter(follows::room.eq_any(&numbers))
        .group_by(follows::room)
        .select((follows::room, diesel::dsl::count_star()))
        .load(c))?
    .into_iter()
    .collect();
    let facts = rows.into_iter().map(|(room, head_picture)| {
        let followers = followers.get(&room.number).copied().unwrap_or(0);
        Arc::new(CachedRoom { room, head_picture, followers, fragment: RwLock::default() })
    });
    let follows = follower.map(|follower| -> Result<_> {
        let rooms: Vec<RoomNumber> = on!(conn, |c| follows::table
            .filter(follows::account_id.eq(follower))
            .select(follows::room)
            .load(c))?;
        Ok((follower, Arc::new(rooms.into_iter().collect())))
    });
    Ok(Found { facts: facts.collect(), follows: follows.transpose()? })
}
