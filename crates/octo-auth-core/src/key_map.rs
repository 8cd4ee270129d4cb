//! [`KeyMap`]: a map by token spec that grows in small steps.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use crate::spec::TokenSpec;

/// How many entries a part has on average before the next part is split.
const PART: usize = 128;

/// A map by [`TokenSpec`] that never moves more than a few hundred entries at once.
///
/// When a `HashMap` grows, it moves all its entries. With a million entries this takes a tenth of a second,
/// while the manager is locked. This map is linear hashing over small maps: after every 128 new entries it
/// splits one of the small maps in two.
pub struct KeyMap<V> {
    parts: Vec<HashMap<Arc<TokenSpec>, V>>,
    hasher: RandomState,
    len: usize,
}

impl<V> KeyMap<V> {
    /// Returns an empty map.
    #[must_use]
    pub fn new() -> Self {
        let hasher = RandomState::new();
        Self { parts: vec![HashMap::with_hasher(hasher.clone())], hasher, len: 0 }
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the stored spec and its value.
    #[must_use]
    pub fn get_key_value(&self, key: &TokenSpec) -> Option<(&Arc<TokenSpec>, &V)> {
        self.parts[self.place(key)].get_key_value(key)
    }

    /// Returns the value of a spec.
    #[must_use]
    pub fn get(&self, key: &TokenSpec) -> Option<&V> {
        self.parts[self.place(key)].get(key)
    }

    /// Returns the value of a spec, mutably.
    pub fn get_mut(&mut self, key: &TokenSpec) -> Option<&mut V> {
        let place = self.place(key);
        self.parts[place].get_mut(key)
    }

    /// Sets the value of a spec. Returns the previous value.
    pub fn insert(&mut self, key: Arc<TokenSpec>, value: V) -> Option<V> {
        if self.len >= self.parts.len() * PART {
            self.split();
        }
        let place = self.place(&key);
        let old = self.parts[place].insert(key, value);
        self.len += usize::from(old.is_none());
        old
    }

    /// Removes a spec. Returns its value.
    pub fn remove(&mut self, key: &TokenSpec) -> Option<V> {
        let place = self.place(key);
        let old = self.parts[place].remove(key);
        self.len -= usize::from(old.is_some());
        old
    }

    /// Returns the specs, unordered.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<TokenSpec>> {
        self.parts.iter().flat_map(HashMap::keys)
    }

    /// Splits the next part in turn.
    fn split(&mut self) {
        let turn = self.parts.len() - self.round();
        let split = std::mem::take(&mut self.parts[turn]);
        let room = split.len() / 2 + split.len() / 8;
        let part = || HashMap::with_capacity_and_hasher(room, self.hasher.clone());
        self.parts[turn] = part();
        self.parts.push(part());
        for (key, value) in split {
            let place = self.place(&key);
            self.parts[place].insert(key, value);
        }
    }

    /// Returns the number of parts at the beginning of the round. In a round each of them is split once.
    fn round(&self) -> usize {
        1 << self.parts.len().ilog2()
    }

    /// Returns the part to which a spec belongs.
    fn place(&self, key: &TokenSpec) -> usize {
        if self.parts.len() == 1 {
            return 0;
        }
        // The lowest and the highest bits determine the place within the part.
        let hash = usize::try_from((self.hasher.hash_one(key) >> 16) & 0x7fff_ffff).unwrap_or(0);
        let place = hash % (2 * self.round());
        if place < self.parts.len() { place } else { place - self.round() }
    }
}

impl<V> Default for KeyMap<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> fmt::Debug for KeyMap<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMap").field("len", &self.len).finish_non_exhaustive()
    }
}
