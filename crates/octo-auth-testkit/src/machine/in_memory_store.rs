//! A store in memory. Several machines can share it, and a test can make it fail.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use octo_auth_core::{Claimed, RecordBytes, RecordName, Saved, StoreError, Stored, Version};

use crate::StoredRecord;

/// A store in memory. A clone shares the same data.
#[derive(Debug, Clone, Default)]
pub struct InMemoryStore(Rc<RefCell<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    records: HashMap<RecordName, Stored>,
    claims: HashMap<RecordName, (String, Duration)>,
    history: Vec<RecordBytes>,
    is_down: bool,
    refuses_writing: bool,
    conflicts: bool,
    writes: usize,
}

impl InMemoryStore {
    /// Makes all calls of the store fail from now on, or succeed again.
    pub fn set_down(&self, is_down: bool) {
        self.0.borrow_mut().is_down = is_down;
    }

    /// Makes all writes fail from now on, or succeed again.
    pub fn refuse_writing(&self, refuses: bool) {
        self.0.borrow_mut().refuses_writing = refuses;
    }

    /// Makes all writes conflict with another version from now on, or compares versions again.
    pub fn conflict(&self, conflicts: bool) {
        self.0.borrow_mut().conflicts = conflicts;
    }

    /// Returns the number of attempted writes.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.0.borrow().writes
    }

    /// Returns the content stored under a name, or `None`.
    #[must_use]
    pub fn content(&self, name: &RecordName) -> Option<RecordBytes> {
        self.0.borrow().records.get(name).map(|stored| stored.content.clone())
    }

    /// Returns all records that the machines have written, oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<StoredRecord> {
        self.0.borrow().history.iter().filter_map(StoredRecord::read).collect()
    }

    /// Returns the owner of the claim of a record, or `None`.
    #[must_use]
    pub fn holder(&self, name: &RecordName) -> Option<String> {
        self.0.borrow().claims.get(name).map(|(owner, _)| owner.clone())
    }

    /// Writes a record as another program would.
    pub fn put(&self, name: &RecordName, content: RecordBytes) {
        let mut inside = self.0.borrow_mut();
        let version = inside.records.get(name).map_or(1, |stored| stored.version.0 + 1);
        inside.records.insert(name.clone(), Stored { version: Version(version), content });
    }

    /// Restores an earlier version of a record, as a lagging replica does.
    pub fn fall_back(&self, name: &RecordName, content: RecordBytes) {
        let mut inside = self.0.borrow_mut();
        let version = inside.records.get(name).map_or(0, |stored| stored.version.0.saturating_sub(1));
        inside.records.insert(name.clone(), Stored { version: Version(version), content });
    }

    pub(super) fn claim(
        &self,
        name: &RecordName,
        owner: &str,
        now: Duration,
        ttl: Duration,
    ) -> Result<Claimed, StoreError> {
        let mut inside = self.0.borrow_mut();
        if inside.is_down {
            return Err(down());
        }
        match inside.claims.get(name) {
            Some((holder, until)) if holder != owner && *until > now => Ok(Claimed::Held(*until - now)),
            _ => {
                inside.claims.insert(name.clone(), (owner.to_owned(), now + ttl));
                Ok(Claimed::Granted)
            }
        }
    }

    pub(super) fn release(&self, name: &RecordName, owner: &str) {
        let mut inside = self.0.borrow_mut();
        if inside.claims.get(name).is_some_and(|(holder, _)| holder == owner) {
            inside.claims.remove(name);
        }
    }

    pub(super) fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        let inside = self.0.borrow();
        if inside.is_down { Err(down()) } else { Ok(inside.records.get(name).cloned()) }
    }

    pub(super) fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        let mut inside = self.0.borrow_mut();
        inside.writes += 1;
        if inside.is_down || inside.refuses_writing {
            return Err(down());
        }
        let held = inside.records.get(name).cloned();
        if inside.conflicts || held.as_ref().map(|stored| stored.version) != expected {
            return Ok(Saved::Conflict(held));
        }
        let version = Version(expected.map_or(1, |version| version.0 + 1));
        inside.records.insert(name.clone(), Stored { version, content: content.clone() });
        inside.history.push(content.clone());
        Ok(Saved::Done(version))
    }
}

fn down() -> StoreError {
    StoreError::new("the store is down")
}
