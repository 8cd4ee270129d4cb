//! The claims of a simulated store. Each has one holder until it is released, expires, or its process ends.

use std::collections::HashMap;
use std::time::Duration;

use octo_auth_core::{Claimed, RecordName};

/// The latest claim of each record.
#[derive(Debug, Default)]
pub(crate) struct Leases(HashMap<RecordName, Lease>);

#[derive(Debug)]
struct Lease {
    owner: String,
    /// When it ends, on the store's boot clock; zero after a release.
    until: Duration,
    /// Whether the store knows that the owner's process has ended.
    has_ended: bool,
}

impl Leases {
    pub(crate) fn claim(&mut self, name: &RecordName, owner: &str, ttl: Duration, now: Duration) -> Claimed {
        let lease = Lease { owner: owner.to_owned(), until: now.saturating_add(ttl), has_ended: false };
        let before = self.0.get(name).filter(|before| before.owner != owner);
        let claimed = match before {
            Some(before) if before.has_ended => Claimed::TakenOver { from: before.owner.clone() },
            Some(before) if before.until > now => return Claimed::Held(before.until - now),
            _ => Claimed::Granted,
        };
        self.0.insert(name.clone(), lease);
        claimed
    }

    /// Records that the process of an owner has ended.
    pub(crate) fn owner_has_ended(&mut self, owner: &str) {
        self.0.values_mut().filter(|lease| lease.owner == owner).for_each(|lease| lease.has_ended = true);
    }

    /// Returns the owner of a record's latest claim if the store knows that its process has ended.
    pub(crate) fn ended_owner(&self, name: &RecordName) -> Option<&str> {
        self.0.get(name).filter(|lease| lease.has_ended).map(|lease| lease.owner.as_str())
    }

    /// Returns when the claim of a record ends, or zero if there is none.
    pub(crate) fn until(&self, name: &RecordName) -> Duration {
        self.0.get(name).filter(|lease| !lease.has_ended).map_or(Duration::ZERO, |lease| lease.until)
    }

    pub(crate) fn release(&mut self, name: &RecordName, owner: &str) {
        if let Some(lease) = self.0.get_mut(name).filter(|lease| lease.owner == owner) {
            lease.until = Duration::ZERO;
        }
    }
}
