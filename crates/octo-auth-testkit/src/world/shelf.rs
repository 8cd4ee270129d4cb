//! The store of a simulated world: records by version, claims that end by themselves.

use std::collections::HashMap;

use octo_auth_core::{Key, Record, Saved, Stored, Version};

use super::recent::Tokens;
use crate::leases::Leases;

/// The store.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    records: HashMap<Key, Stored>,
    pub(super) leases: Leases,
    /// The access tokens that were stored.
    pub(super) access_tokens: Tokens,
    /// How many exchanges had begun when each refresh token was stored first.
    refresh_tokens: Tokens<usize>,
    /// How often anything was written.
    pub(super) writes: u64,
}

impl Shelf {
    pub(super) fn load(&self, key: &Key) -> Option<Stored> {
        self.records.get(key).cloned()
    }

    pub(super) fn record(&self, key: &Key) -> Option<&Record> {
        self.records.get(key).map(|stored| &stored.record)
    }

    pub(super) fn version(&self, key: &Key) -> Option<Version> {
        self.records.get(key).map(|stored| stored.version)
    }

    /// How many exchanges had begun when a refresh token was stored first.
    pub(super) fn stored_at(&self, refresh_token: &str) -> Option<usize> {
        self.refresh_tokens.get(refresh_token).copied()
    }

    pub(super) fn compare_and_swap(
        &mut self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
        begun: usize,
    ) -> Saved {
        let stored = self.records.get(key);
        if stored.map(|stored| stored.version) != expected {
            return Saved::Conflict(stored.cloned().map(Box::new));
        }
        let version = Version(expected.map_or(0, |version| version.0) + 1);
        self.access_tokens.extend(record.token.as_ref().map(|set| set.access_token().expose().to_owned()));
        if let Some(token) = &record.refresh_token {
            if !self.refresh_tokens.contains(token.expose()) {
                self.refresh_tokens.insert(token.expose().to_owned(), begun);
            }
        }
        self.writes += 1;
        self.records.insert(key.clone(), Stored { record: record.clone(), version });
        Saved::Done(version)
    }
}
