//! The claims of a simulated store: one holder each, until it lets go or its time is over.

use std::collections::HashMap;
use std::time::Duration;

use octo_auth_core::{Claimed, RecordName};

/// Who holds the claim of each record, and until when on the store's boot clock.
#[derive(Debug, Default)]
pub(crate) struct Leases(HashMap<RecordName, (String, Duration)>);

impl Leases {
    pub(crate) fn claim(&mut self, name: &RecordName, owner: &str, ttl: Duration, now: Duration) -> Claimed {
        match self.0.get(name) {
            Some((holder, until)) if holder != owner && *until > now => Claimed::Held(*until - now),
            _ => {
                self.0.insert(name.clone(), (owner.to_owned(), now.saturating_add(ttl)));
                Claimed::Granted
            }
        }
    }

    /// When the claim of a record ends; zero if there is none.
    pub(crate) fn until(&self, name: &RecordName) -> Duration {
        self.0.get(name).map_or(Duration::ZERO, |(_, until)| *until)
    }

    pub(crate) fn release(&mut self, name: &RecordName, owner: &str) {
        if self.0.get(name).is_some_and(|(holder, _)| holder == owner) {
            self.0.remove(name);
        }
    }
}
