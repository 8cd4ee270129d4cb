//! The claims of a simulated store: one holder each, until it lets go or its time is over.

use std::collections::HashMap;
use std::time::Duration;

use octo_auth_core::{Claimed, Key};

/// Who holds the claim of each key, and until when on the store's boot clock.
#[derive(Debug, Default)]
pub(crate) struct Leases(HashMap<Key, (String, Duration)>);

impl Leases {
    pub(crate) fn claim(&mut self, key: &Key, owner: &str, lasting: Duration, now: Duration) -> Claimed {
        match self.0.get(key) {
            Some((holder, until)) if holder != owner && *until > now => Claimed::Held(*until - now),
            _ => {
                self.0.insert(key.clone(), (owner.to_owned(), now.saturating_add(lasting)));
                Claimed::Granted
            }
        }
    }

    /// When the claim of a key ends; zero if nobody holds it.
    pub(crate) fn until(&self, key: &Key) -> Duration {
        self.0.get(key).map_or(Duration::ZERO, |(_, until)| *until)
    }

    pub(crate) fn release(&mut self, key: &Key, owner: &str) {
        if self.0.get(key).is_some_and(|(holder, _)| holder == owner) {
            self.0.remove(key);
        }
    }
}
