//! The room cache: the data that lists show of a room beyond its broadcast, and the rooms that an account follows.
//!
//! A commit that changes a room, or the follows of an account, removes the entry; the next caller reads it again. A caller
//! that was reading while an entry was removed may have read an older state, so it caches nothing.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use indexmap::IndexMap;

use crate::{
    AccountId, Broadcast, BroadcastInfo, Fragment, Random, Room, RoomNumber,
    model::{random, room::RoomDetails},
};

/// Largest number of cached rooms, and of accounts with cached follows. Beyond it, a random entry is removed.
const ENTRIES: usize = 50_000;
/// Largest number of cached follows of one account; the follows of an account with more are read every time.
const FOLLOWS_PER_ACCOUNT: usize = 2_000;

/// A room without its broadcast.
#[derive(Debug)]
pub(crate) struct CachedRoom {
    details: RoomDetails,
    /// The room's fragment for qplus, and the broadcast that was on air when it was made.
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

    /// Passes the fragment for the broadcast on air to `used`; makes it if there is none for this broadcast.
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

/// The rooms that an account follows.
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

/// The cached part of the data for a page of rooms.
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

    /// The cached rooms of some owners, and the cached follows of the caller.
    pub(crate) fn known(&self, caller: AccountId, owners: impl Iterator<Item = AccountId>) -> KnownRooms {
        let inner = self.read();
        KnownRooms {
            rooms: owners.filter_map(|owner| Some((owner, Arc::clone(inner.rooms.get(&owner)?)))).collect(),
            follows: inner.follows.get(&caller).map(Arc::clone),
            mark: inner.removed,
        }
    }

    /// Caches rows read from the tables, unless an entry was removed since the mark.
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

    /// Removes the follows of an account.
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
    /// Rooms off air, the newest owner first. Only for [`Listing::Followed`](crate::Listing::Followed).
    pub off_air: Vec<Room>,
}

/// A room on air, as one caller sees it.
#[derive(Debug, Clone)]
pub struct RoomOnAir {
    /// The broadcast on air.
    pub broadcast: Broadcast,
    /// Whether the caller follows the room.
    pub followed: bool,
    cached: Arc<CachedRoom>,
}

impl RoomOnAir {
    pub(crate) fn new(broadcast: Broadcast, followed: bool, cached: Arc<CachedRoom>) -> Self {
        Self { broadcast, followed, cached }
    }

    /// All data of the room.
    pub fn room(&self) -> Room {
        let owner_name = self.broadcast.nickname.clone();
        let broadcast = self.broadcast.clone();
        self.cached.details.room(owner_name, Some(&self.broadcast.title), self.followed, Some(broadcast))
    }

    /// Number of accounts that follow the room.
    pub fn followers(&self) -> i64 {
        self.cached.details.followers
    }

    /// Passes the fragment of the room to `used`. If there is none, `make` makes it; it is kept until the room or its
    /// broadcast changes. Only one dialect may use it.
    pub fn fragment(&self, make: impl FnOnce(Room) -> Fragment, mut used: impl FnMut(&Fragment)) {
        self.cached.fragment(self.broadcast.info(), || make(self.room()), &mut used);
    }
}
