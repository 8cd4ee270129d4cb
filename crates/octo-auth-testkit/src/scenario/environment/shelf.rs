//! The store of a scenario: records with versions, claims that expire, and its present condition.

use std::collections::HashMap;
use std::time::Duration;

use octo_auth_core::{Client, Now, RecordBytes, RecordName, Saved, Stored, TokenSpec, Version};

use crate::StoredRecord;
use crate::leases::Leases;
use crate::scenario::step::{Foreign, Mood};

/// The name of a process outside of the scenario.
const OTHER_OWNER: &str = "another owner";

/// The store.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    mood: Mood,
    records: HashMap<RecordName, Stored>,
    pub(super) leases: Leases,
    foreign: u8,
}

impl Foreign {
    /// Returns the access token and the refresh token that it contains.
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

    pub(super) fn load(&self, name: &RecordName) -> Option<Stored> {
        self.records.get(name).cloned()
    }

    pub(super) fn compare_and_swap(
        &mut self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Saved {
        let held = self.load(name);
        if held.as_ref().map(|stored| stored.version) != expected {
            return Saved::Conflict(held);
        }
        Saved::Done(self.put(name, content.clone()))
    }

    /// Claims a renewal for this duration in the name of another process, or releases its claim.
    pub(super) fn claim_foreign(&mut self, name: &RecordName, lasting: Option<Duration>, now: Duration) {
        match lasting {
            Some(lasting) => drop(self.leases.claim(name, OTHER_OWNER, lasting, now)),
            None => self.leases.release(name, OTHER_OWNER),
        }
    }

    /// Writes a record in the name of another process, over any present record.
    pub(super) fn write_foreign(&mut self, client: &Client, key: &TokenSpec, foreign: &Foreign, now: Now) {
        let name = RecordName::new(client, key);
        let held = self.load(&name).and_then(|stored| StoredRecord::read(&stored.content));
        let unused = || StoredRecord::empty(client, key).with("number", 0);
        let held = held.unwrap_or_else(unused);
        let record = match foreign {
            Foreign::Same => held,
            Foreign::SignIn(refresh_token) => {
                self.foreign += 1;
                let family = format!("{:02x}", self.foreign).repeat(16);
                unused().with("family", family).with("refresh_token", refresh_token.as_str())
            }
            Foreign::Renewal(access_token, refresh_token) => {
                let number = held.number() + 1;
                let parent = held.refresh_token().map(StoredRecord::digest);
                held.without("attempt")
                    .with("number", number)
                    .with("parent", parent)
                    .with("refresh_token", refresh_token.as_str())
                    .with_access_token(access_token, now.wall, Duration::from_secs(3600))
            }
        };
        self.put(&name, record.content());
    }

    fn put(&mut self, name: &RecordName, content: RecordBytes) -> Version {
        let version = Version(self.records.get(name).map_or(1, |stored| stored.version.0 + 1));
        self.records.insert(name.clone(), Stored { version, content });
        version
    }
}
