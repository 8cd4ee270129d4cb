//! The store of a scenario: records by version, claims that end by themselves, and how it is just now.

use std::collections::HashMap;
use std::time::Duration;

use octo_auth_core::{
    AccessToken, Fingerprint, Key, Lineage, Now, Profile, Record, Saved, Secret, Stored, TokenSet, Version,
};

use crate::leases::Leases;
use crate::scenario::step::{Foreign, Mood};

/// Whoever is none of the scenario's processes.
const SOMEBODY: &str = "somebody else";

/// The store.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    mood: Mood,
    records: HashMap<Key, Stored>,
    pub(super) leases: Leases,
    foreign: u8,
}

impl Foreign {
    /// The access token and the refresh token that it brings.
    pub(super) fn brings(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::SignIn(refresh_token) => (None, Some(refresh_token)),
            Self::Renewal(access_token, refresh_token) => (Some(access_token), Some(refresh_token)),
            Self::Same => (None, None),
        }
    }
}

impl Shelf {
    pub(super) fn mood(&self) -> Mood {
        self.mood
    }

    pub(super) fn set(&mut self, mood: Mood) {
        self.mood = mood;
    }

    pub(super) fn load(&self, key: &Key) -> Option<Stored> {
        self.records.get(key).cloned()
    }

    pub(super) fn compare_and_swap(
        &mut self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Saved {
        let held = self.load(key);
        if held.as_ref().map(|stored| stored.version) != expected {
            return Saved::Conflict(held.map(Box::new));
        }
        Saved::Done(self.put(key, record.clone()))
    }

    /// Somebody else claims a renewal for so long, or lets go of it.
    pub(super) fn claim_foreign(&mut self, key: &Key, lasting: Option<Duration>, now: Duration) {
        match lasting {
            Some(lasting) => drop(self.leases.claim(key, SOMEBODY, lasting, now)),
            None => self.leases.release(key, SOMEBODY),
        }
    }

    /// Somebody else writes a record, whatever is there.
    pub(super) fn write_foreign(&mut self, key: &Key, foreign: &Foreign, profile: &Profile, now: Now) {
        let held = self.load(key).map(|stored| stored.record).unwrap_or_default();
        let record = match foreign {
            Foreign::Same => held,
            Foreign::SignIn(refresh_token) => {
                self.foreign += 1;
                let mut record = Record::default();
                record.generation.lineage = Lineage::from_bytes([self.foreign; 16]);
                record.refresh_token = Some(Secret::new(refresh_token.as_str()));
                record
            }
            Foreign::Renewal(access_token, refresh_token) => {
                let mut record = Record { pending: None, ..held };
                record.generation.number += 1;
                record.parent = record.refresh_token.as_ref().map(Fingerprint::of);
                record.refresh_token = Some(Secret::new(refresh_token.as_str()));
                let lifetime = Some(Duration::from_secs(3600));
                record.token = AccessToken::new(access_token.as_str())
                    .map(|token| TokenSet::restore(profile, token, now.wall, lifetime, None));
                record
            }
        };
        self.put(key, record);
    }

    fn put(&mut self, key: &Key, record: Record) -> Version {
        let version = Version(self.records.get(key).map_or(1, |stored| stored.version.0 + 1));
        self.records.insert(key.clone(), Stored { record, version });
        version
    }
}
