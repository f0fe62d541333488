//! Caches what lists show of a room beyond its broadcast, and the rooms an account follows.
//!
//! A commit that changes a room, or what an account follows, removes the entry; the next caller reads it again. A caller that
//! was reading while an entry was removed may have read an older state and puts nothing into the cache.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use indexmap::IndexMap;

use crate::{
    AccountId, Broadcast, BroadcastInfo, Fragment, Random, Room, RoomNumber,
    model::{random, room::RoomDetails},
};

/// Rooms cached at most, and as many accounts with their follows; beyond, a random entry gives way.
const ENTRIES: usize = 50_000;
/// Follows of one account cached at most; an account that follows more rooms is read every time.
const FOLLOWS_PER_ACCOUNT: usize = 2_000;

/// A room without its broadcast.
#[derive(Debug)]
pub(crate) struct CachedRoom {
    details: RoomDetails,
    /// How the dialect with rooms (qplus) writes the room, and the broadcast it had on air then.
    fragment: RwLock<Option<(Arc<BroadcastInfo>, Fragment)>>,
}

impl CachedRoom {
    /// A room as it was read, without a fragment.
    pub(crate) fn new(details: RoomDetails) -> Self {
        Self { details, fragment: RwLock::default() }
    }

    /// The room's number.
    pub(crate) fn number(&self) -> RoomNumber {
        self.details.number
    }

    /// The room's owner.
    pub(crate) fn owner(&self) -> AccountId {
        self.details.owner
    }

    /// Passes the fragment of this very broadcast to `used`, made now if there is none yet.
    fn fragment(
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
struct CachedRooms {
    /// By owner.
    rooms: IndexMap<AccountId, Arc<CachedRoom>>,
    follows: IndexMap<AccountId, Follows>,
    /// Counts removed entries.
    removed: u64,
}

/// The cache.
#[derive(Debug, Default)]
pub(crate) struct RoomCache(RwLock<CachedRooms>);

/// The cached part of what a page of rooms needs.
pub(crate) struct KnownRooms {
    pub(crate) rooms: HashMap<AccountId, Arc<CachedRoom>>,
    pub(crate) follows: Option<Follows>,
    /// The state of the cache, for [`RoomCache::keep`].
    pub(crate) mark: u64,
}

impl RoomCache {
    fn read(&self) -> RwLockReadGuard<'_, CachedRooms> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, CachedRooms> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cached rooms of some owners, and what the caller follows if that is cached.
    pub(crate) fn known(&self, caller: AccountId, owners: impl Iterator<Item = AccountId>) -> KnownRooms {
        let inner = self.read();
        KnownRooms {
            rooms: owners.filter_map(|owner| Some((owner, Arc::clone(inner.rooms.get(&owner)?)))).collect(),
            follows: inner.follows.get(&caller).map(Arc::clone),
            mark: inner.removed,
        }
    }

    /// Caches what was read, unless an entry was removed since the mark.
    pub(crate) fn keep(&self, mark: u64, read: &FoundRooms, random: &dyn Random) {
        let mut inner = self.write();
        if inner.removed != mark {
            return;
        }
        for room in &read.rooms {
            put(&mut inner.rooms, room.owner(), Arc::clone(room), random);
        }
        if let Some((caller, follows)) =
            read.follows.as_ref().filter(|(_, follows)| follows.len() <= FOLLOWS_PER_ACCOUNT)
        {
            put(&mut inner.follows, *caller, Arc::clone(follows), random);
        }
    }

    /// Removes the room of an owner.
    pub(crate) fn forget_room(&self, owner: AccountId) {
        let mut inner = self.write();
        inner.removed += 1;
        inner.rooms.swap_remove(&owner);
    }

    /// Removes what an account follows.
    pub(crate) fn forget_follows(&self, account: AccountId) {
        let mut inner = self.write();
        inner.removed += 1;
        inner.follows.swap_remove(&account);
    }

    /// Removes everything.
    pub(crate) fn clear(&self) {
        let mut inner = self.write();
        *inner = CachedRooms { removed: inner.removed + 1, ..CachedRooms::default() };
    }
}

fn put<V>(kept: &mut IndexMap<AccountId, V>, key: AccountId, value: V, random: &dyn Random) {
    if kept.len() >= ENTRIES && !kept.contains_key(&key) {
        let any = random::number(random) as usize % kept.len();
        kept.swap_remove_index(any);
    }
    kept.insert(key, value);
}

/// Rows read for a page of rooms.
pub(crate) struct FoundRooms {
    pub(crate) rooms: Vec<Arc<CachedRoom>>,
    pub(crate) follows: Option<(AccountId, Follows)>,
}

/// A page of a list.
#[derive(Debug, Clone, Default)]
pub struct RoomList {
    /// Rooms on air, newest start first.
    pub on_air: Vec<RoomOnAir>,
    /// Rooms off air, the newest owner first. Only for [`Listing::Followed`].
    pub off_air: Vec<Room>,
}

/// A room on air, as the caller sees it.
#[derive(Debug, Clone)]
pub struct RoomOnAir {
    /// What it has on air.
    pub broadcast: Broadcast,
    /// Whether the caller follows the room.
    pub followed: bool,
    cached: Arc<CachedRoom>,
}

impl RoomOnAir {
    pub(crate) fn new(broadcast: Broadcast, followed: bool, cached: Arc<CachedRoom>) -> Self {
        Self { broadcast, followed, cached }
    }

    /// Everything about it.
    pub fn room(&self) -> Room {
        let owner_name = self.broadcast.nickname.clone();
        let broadcast = self.broadcast.clone();
        self.cached.details.room(owner_name, Some(&self.broadcast.title), self.followed, Some(broadcast))
    }

    /// Accounts that follow it.
    pub fn followers(&self) -> i64 {
        self.cached.details.followers
    }

    /// Passes the fragment of the room to `used`. The fragment is made now if there is none, and kept as long as neither the
    /// room nor its broadcast changes. For one dialect only.
    pub fn fragment(&self, make: impl FnOnce(Room) -> Fragment, mut used: impl FnMut(&Fragment)) {
        self.cached.fragment(self.broadcast.info(), || make(self.room()), &mut used);
    }
}
