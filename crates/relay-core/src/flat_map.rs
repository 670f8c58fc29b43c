//! A map for the few devices of one space: pairs in one piece of memory, ascending by key.
//!
//! A tree or a hash table takes memory for a dozen pairs when it holds one; most spaces have one or two devices.

/// Up to this length the memory grows by one pair at a time.
const GROWN_BY_ONE_MAX: usize = 8;

/// See the module. Finding is a binary search, adding moves what is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for FlatMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord + Copy, V> FlatMap<K, V> {
    fn place(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by_key(key, |(held, _)| *held)
    }

    fn insert_at(&mut self, place: usize, key: K, value: V) {
        if self.0.len() < GROWN_BY_ONE_MAX {
            self.0.reserve_exact(1);
        }
        self.0.insert(place, (key, value));
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.place(key).ok().and_then(|place| self.0.get(place)).map(|(_, value)| value)
    }

    /// Puts a value in the place of the one before.
    pub fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => {
                if let Some(pair) = self.0.get_mut(place) {
                    pair.1 = value;
                }
            }
            Err(place) => self.insert_at(place, key, value),
        }
    }

    /// Changes the value of a key, which is `value` when there was none; returns what `change` does.
    pub fn update<R>(&mut self, key: K, value: V, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let place = self.place(&key).unwrap_or_else(|place| {
            self.insert_at(place, key, value);
            place
        });
        self.0.get_mut(place).map(|(_, value)| change(value))
    }

    /// Keeps what `stays` says.
    pub fn retain(&mut self, mut stays: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|(key, value)| stays(key, value));
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Number of pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The values, ascending by key.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values to be changed, ascending by key.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

impl<K: Ord + Copy, V> Extend<(K, V)> for FlatMap<K, V> {
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, pairs: T) {
        pairs.into_iter().for_each(|(key, value)| self.insert(key, value));
    }
}

impl<K: Ord + Copy, V> FromIterator<(K, V)> for FlatMap<K, V> {
    /// Of several values of one key the last stays.
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        let mut map = Self::default();
        map.extend(pairs);
        map
    }
}

#[cfg(test)]
mod tests {
    use super::FlatMap;
    use std::collections::BTreeMap;

    #[test]
    fn it_holds_what_a_tree_holds() {
        let (mut flat, mut tree) = (FlatMap::default(), BTreeMap::new());
        let mut seed = 1_u32;
        for step in 0..2000_u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (seed >> 24) % 40;
            match step % 7 {
                0 => flat.retain(|held, _| *held != key),
                1 => drop(flat.update(key, 0, |value| *value += 1)),
                _ => flat.insert(key, step),
            }
            match step % 7 {
                0 => drop(tree.remove(&key)),
                1 => *tree.entry(key).or_insert(0) += 1,
                _ => drop(tree.insert(key, step)),
            }
            assert_eq!(flat.get(&key), tree.get(&key));
            assert!(flat.iter().eq(tree.iter()) && flat.values().eq(tree.values()) && flat.len() == tree.len());
        }
    }

    #[test]
    fn a_few_pairs_take_no_more_memory_than_they_need() {
        let mut flat = FlatMap::default();
        for key in 0..5 {
            flat.insert(key, key);
            assert_eq!(flat.0.capacity(), flat.len());
        }
    }
}
