//! A map by numbers.

use std::collections::HashMap;

/// A map by numbers that no client can choose: every beat looks several of them up, and the hash has nothing to withstand.
pub(super) type ById<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
