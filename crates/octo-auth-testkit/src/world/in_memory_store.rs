//! The store of a simulated world: records with versions, claims that expire.

use std::collections::HashMap;
use std::sync::Arc;

use octo_auth_core::{RecordBytes, RecordName, Saved, Stored, Version};

use crate::StoredRecord;
use crate::leases::Leases;

/// The store.
#[derive(Debug, Default)]
pub(super) struct InMemoryStore {
    /// The stored bytes, and their parsed form.
    records: HashMap<RecordName, (Stored, Option<Arc<StoredRecord>>)>,
    pub(super) leases: Leases,
    /// The total number of writes.
    pub(super) writes: u64,
}

impl InMemoryStore {
    pub(super) fn load(&self, name: &RecordName) -> Option<Stored> {
        self.records.get(name).map(|(stored, _)| stored.clone())
    }

    pub(super) fn record(&self, name: &RecordName) -> Option<&Arc<StoredRecord>> {
        self.records.get(name).and_then(|(_, record)| record.as_ref())
    }

    pub(super) fn version(&self, name: &RecordName) -> Option<Version> {
        self.records.get(name).map(|(stored, _)| stored.version)
    }

    /// Stores content and its parsed form if the stored version is the expected one.
    pub(super) fn compare_and_swap(
        &mut self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
        record: Option<Arc<StoredRecord>>,
    ) -> Saved {
        if self.version(name) != expected {
            return Saved::Conflict(self.load(name));
        }
        let version = Version(expected.map_or(0, |version| version.0) + 1);
        self.writes += 1;
        self.records.insert(name.clone(), (Stored { version, content: content.clone() }, record));
        Saved::Done(version)
    }
}
