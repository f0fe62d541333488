//! A map of bounded size that forgets the entries that were not used for the longest time.

use std::{collections::HashMap, hash::Hash, mem};

/// Keeps at least half as many entries as its capacity, the most recently used ones, and never more than its capacity. Each call
/// takes constant time on average: when the younger half is full, it becomes the older half, and the entries of the older half are
/// forgotten.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    /// Entries used since the halves were last exchanged.
    younger: HashMap<K, V>,
    older: HashMap<K, V>,
    half: usize,
}

impl<K: Copy + Eq + Hash, V> Recent<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { younger: HashMap::new(), older: HashMap::new(), half: (capacity / 2).max(1) }
    }

    /// The value of a key.
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        if let Some(value) = self.older.remove(&key) {
            self.insert(key, value);
        }
        self.younger.get_mut(&key)
    }

    /// The value of a key, made if there is none.
    pub(crate) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if let Some(value) = self.older.remove(&key) {
            self.insert(key, value);
        } else {
            self.make_room(key);
        }
        self.younger.entry(key).or_insert_with(make)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.make_room(key);
        self.older.remove(&key);
        self.younger.insert(key, value);
    }

    pub(crate) fn remove(&mut self, key: K) {
        self.younger.remove(&key);
        self.older.remove(&key);
    }

    fn make_room(&mut self, key: K) {
        if self.younger.len() >= self.half && !self.younger.contains_key(&key) {
            self.older = mem::take(&mut self.younger);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_recently_used_entries_are_kept() {
        let mut map = Recent::new(8);
        for key in 0..4 {
            map.insert(key, key);
        }
        for key in 4..1_000 {
            assert_eq!(map.get_mut(0), Some(&mut 0), "entry 0 is used all the time, also at {key}");
            map.insert(key, key);
            assert!(map.younger.len() + map.older.len() <= 8);
            assert_eq!(map.get_mut(key - 1), Some(&mut (key - 1)));
        }
        assert_eq!(map.get_mut(1), None);
        assert_eq!(map.get_mut(900), None);
    }

    #[test]
    fn a_key_has_one_value() {
        let mut map = Recent::new(2);
        for round in 0..10 {
            map.insert(1, round);
            map.insert(2, 0);
            *map.get_or_insert_with(1, || 77) += 100;
            assert_eq!(map.get_mut(1), Some(&mut (round + 100)));
            map.remove(1);
            assert_eq!(map.get_mut(1), None);
            assert_eq!(map.get_or_insert_with(1, || 7), &7);
        }
    }
}
