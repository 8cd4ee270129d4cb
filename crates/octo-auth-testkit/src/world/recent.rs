//! A map that forgets: what was put in last is kept, so that years of a world fit into memory.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::server::key_of;

/// How much is kept: far more than anything that is still of use to anybody in the world.
const KEPT: usize = 4096;

/// The newest entries by the order in which their keys came.
#[derive(Debug)]
pub(super) struct Recent<K, V = ()> {
    known: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { known: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    /// Sets the value of a key.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.known.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > KEPT {
            self.order.pop_front().and_then(|oldest| self.known.remove(&oldest));
        }
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.known.get(key)
    }

    pub(super) fn contains<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.known.contains_key(key)
    }

    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.order.clear();
    }
}

impl<K: Hash + Eq + Clone> Extend<K> for Recent<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        keys.into_iter().for_each(|key| self.insert(key, ()));
    }
}

/// What is known of tokens, the newest of each key: keys that nobody asks for lose nothing to those that renew often.
#[derive(Debug)]
pub(super) struct Tokens<V = ()>(HashMap<Option<usize>, Recent<String, V>>);

impl<V> Default for Tokens<V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<V> Tokens<V> {
    pub(super) fn insert(&mut self, token: String, value: V) {
        self.0.entry(key_of(&token)).or_default().insert(token, value);
    }

    pub(super) fn get(&self, token: &str) -> Option<&V> {
        self.0.get(&key_of(token))?.get(token)
    }

    pub(super) fn contains(&self, token: &str) -> bool {
        self.get(token).is_some()
    }
}

impl Extend<String> for Tokens {
    fn extend<I: IntoIterator<Item = String>>(&mut self, tokens: I) {
        tokens.into_iter().for_each(|token| self.insert(token, ()));
    }
}
