//! A sorted set with access by index: the n-th element costs about the same for every n.

/// Largest number of elements in a chunk. A full chunk splits in two, unless the new element is the first or the last of the set:
/// sets that grow at an end have full chunks.
const CHUNK_CAPACITY: usize = 512;

/// Two neighbours that both have fewer elements become one chunk.
const SMALL_CHUNK: usize = CHUNK_CAPACITY / 4;

/// A sorted set in chunks. Insert and remove move the elements of at most one chunk; the search for the n-th element adds up
/// the lengths of chunks.
///
/// The live list needs deep pages and totals at the cost of a first page, and a member list changes with every entry. A
/// sorted vector moves all elements, and a B-tree has no access by index.
#[derive(Debug, Clone)]
pub(crate) struct Ranked<K> {
    chunks: Vec<Vec<K>>,
    len: usize,
}

impl<K> Default for Ranked<K> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<K: Ord + Copy> Ranked<K> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The index of the chunk that `key` belongs to.
    fn chunk_of(&self, key: &K) -> usize {
        self.chunks
            .partition_point(|chunk| chunk.last().is_some_and(|last| last < key))
            .min(self.chunks.len().saturating_sub(1))
    }

    /// Adds an element; nothing happens if it is there already.
    pub(crate) fn insert(&mut self, key: K) {
        if self.chunks.is_empty() {
            self.chunks.push(Vec::with_capacity(4));
        }
        let index = self.chunk_of(&key);
        let Some(chunk) = self.chunks.get_mut(index) else { return };
        let Err(at) = chunk.binary_search(&key) else { return };
        self.len += 1;
        if chunk.len() < CHUNK_CAPACITY {
            chunk.insert(at, key);
        } else if at == CHUNK_CAPACITY {
            // No later chunk has a smaller element, so this is the last chunk.
            self.chunks.push(vec![key]);
        } else if at == 0 && index == 0 {
            self.chunks.insert(0, vec![key]);
        } else {
            let mut tail = chunk.split_off(CHUNK_CAPACITY / 2);
            match at.checked_sub(chunk.len()) {
                Some(at) => tail.insert(at, key),
                None => chunk.insert(at, key),
            }
            self.chunks.insert(index + 1, tail);
        }
    }

    /// Removes an element; returns whether it was there.
    pub(crate) fn remove(&mut self, key: &K) -> bool {
        let index = self.chunk_of(key);
        let Some(chunk) = self.chunks.get_mut(index) else { return false };
        let Ok(at) = chunk.binary_search(key) else { return false };
        chunk.remove(at);
        if chunk.is_empty() {
            self.chunks.remove(index);
        } else if chunk.len() < SMALL_CHUNK {
            self.merge_small(index.saturating_sub(1));
            self.merge_small(index);
        }
        self.len -= 1;
        true
    }

    /// Merges a chunk with the next one if both are small, so that removing elements does not leave many small chunks.
    fn merge_small(&mut self, index: usize) {
        let are_small = self
            .chunks
            .get(index..index + 2)
            .is_some_and(|pair| pair.iter().all(|chunk| chunk.len() < SMALL_CHUNK));
        if are_small {
            let next = self.chunks.remove(index + 1);
            if let Some(chunk) = self.chunks.get_mut(index) {
                chunk.extend(next);
                chunk.shrink_to(2 * SMALL_CHUNK);
            }
        }
    }

    /// The element at a position.
    pub(crate) fn get(&self, position: usize) -> Option<K> {
        self.from(position).next()
    }

    /// The elements from a position on.
    pub(crate) fn from(&self, position: usize) -> impl Iterator<Item = K> + '_ {
        let mut left = position;
        let mut start = self.chunks.len();
        for (index, chunk) in self.chunks.iter().enumerate() {
            if left < chunk.len() {
                start = index;
                break;
            }
            left -= chunk.len();
        }
        self.chunks.iter().skip(start).flatten().copied().skip(left)
    }

    /// How many elements are smaller than `key`.
    pub(crate) fn rank(&self, key: &K) -> usize {
        let index = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last < key));
        let earlier: usize = self.chunks.iter().take(index).map(Vec::len).sum();
        earlier + self.chunks.get(index).map_or(0, |chunk| chunk.partition_point(|element| element < key))
    }
}

impl<K: Ord + Copy> FromIterator<K> for Ranked<K> {
    /// Makes full chunks, many times faster than inserting the elements one by one.
    fn from_iter<I: IntoIterator<Item = K>>(elements: I) -> Self {
        let mut elements: Vec<K> = elements.into_iter().collect();
        elements.sort_unstable();
        elements.dedup();
        Self { chunks: elements.chunks(CHUNK_CAPACITY).map(<[K]>::to_vec).collect(), len: elements.len() }
    }
}

/// The elements of two sets merged, from a position of the merged sequence on.
pub(crate) fn merged_from<'a, K: Ord + Copy>(
    left: &'a Ranked<K>,
    right: &'a Ranked<K>,
    position: usize,
) -> impl Iterator<Item = K> + 'a {
    // Binary search for how many of the first `position` merged elements come from the left set.
    let mut low = position.saturating_sub(right.len()).min(left.len());
    let mut high = position.min(left.len());
    while low < high {
        let middle = low.midpoint(high);
        let smaller =
            match (left.get(middle), (position - middle).checked_sub(1).and_then(|at| right.get(at))) {
                (Some(ours), Some(theirs)) => ours < theirs,
                (Some(_), None) | (None, _) => false,
            };
        if smaller {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let mut left = left.from(low).peekable();
    let mut right = right.from(position.saturating_sub(low)).peekable();
    std::iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some(ours), Some(theirs)) if theirs < ours => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_sorted_set(steps in proptest::collection::vec((any::<bool>(), 0_u32..3000), 0..3000)) {
            let mut model = BTreeSet::new();
            let mut ranked = Ranked::default();
            for (add, key) in steps {
                if add {
                    ranked.insert(key);
                    model.insert(key);
                } else {
                    prop_assert_eq!(ranked.remove(&key), model.remove(&key));
                }
            }
            prop_assert_eq!(ranked.len(), model.len());
            prop_assert_eq!(ranked.is_empty(), model.is_empty());
            prop_assert!(ranked.from(0).eq(model.iter().copied()));
            for (position, key) in model.iter().enumerate().step_by(37) {
                prop_assert_eq!(ranked.get(position), Some(*key));
                prop_assert_eq!(ranked.rank(key), position);
                prop_assert!(ranked.from(position).eq(model.iter().copied().skip(position)));
            }
            prop_assert_eq!(ranked.rank(&5000), model.len());
            prop_assert_eq!(ranked.get(model.len()), None);
        }

        #[test]
        fn a_set_made_of_many_elements_is_that_of_inserting_each(
            elements in proptest::collection::vec(0_u32..3000, 0..3000),
            late in 0_u32..3000,
        ) {
            let mut whole: Ranked<u32> = elements.iter().copied().collect();
            let mut single = Ranked::default();
            for element in elements {
                single.insert(element);
            }
            whole.insert(late);
            single.insert(late);
            prop_assert_eq!((whole.len(), whole.rank(&late)), (single.len(), single.rank(&late)));
            prop_assert!(whole.from(0).eq(single.from(0)));
        }

        #[test]
        fn merging_is_sorting(
            left in proptest::collection::btree_set(0_u32..2000, 0..700),
            right in proptest::collection::btree_set(2000_u32..4000, 0..700),
            position in 0_usize..1500,
        ) {
            // Interleave the two ranges so that neither comes first as a whole.
            let spread = |key: u32| (key % 2000, key);
            let (mut a, mut b) = (Ranked::default(), Ranked::default());
            for key in &left {
                a.insert(spread(*key));
            }
            for key in &right {
                b.insert(spread(*key));
            }
            let mut all: Vec<_> = left.iter().chain(&right).map(|key| spread(*key)).collect();
            all.sort_unstable();
            prop_assert!(merged_from(&a, &b, position).eq(all.into_iter().skip(position)));
        }
    }

    #[test]
    fn a_set_that_shrinks_has_few_chunks() {
        let mut set: Ranked<u32> = (0..100_000).collect();
        for key in (0..100_000).filter(|key| key % 500 != 0) {
            set.remove(&key);
        }
        assert!(set.from(0).eq((0..100_000).step_by(500)));
        assert!(set.chunks.len() <= 4, "{} chunks for {} elements", set.chunks.len(), set.len());
    }

    #[test]
    fn a_set_that_grows_at_an_end_has_full_chunks() {
        let mut down = Ranked::default();
        let mut up = Ranked::default();
        for key in 0..10_000_u32 {
            up.insert(key);
            down.insert(20_000 - key);
        }
        let full = 10_000_usize.div_ceil(CHUNK_CAPACITY);
        assert_eq!((up.chunks.len(), down.chunks.len()), (full, full));
        assert!(up.from(0).eq(0..10_000) && down.from(0).eq(10_001..=20_000));
    }
}
