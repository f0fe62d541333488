//! A map with numeric keys.

use std::collections::HashMap;

/// A map with numeric keys that clients cannot choose, so its fast hash need not resist attacks. Every beat looks several
/// keys up.
pub(super) type ById<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
