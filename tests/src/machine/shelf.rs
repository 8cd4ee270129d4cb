//! A store in memory that several machines can share and that fails when it is told to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use octo_auth_core::{Claimed, Key, Record, Saved, StoreFault, Stored, Version};

/// A store in memory. A clone is the same store.
#[derive(Debug, Clone, Default)]
pub struct Shelf(Rc<RefCell<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    records: HashMap<Key, Stored>,
    claims: HashMap<Key, (String, Duration)>,
    history: Vec<Record>,
    is_down: bool,
    refuses_writing: bool,
}

impl Shelf {
    /// Lets everything asked of the store fail from now on, or succeed again.
    pub fn set_down(&self, is_down: bool) {
        self.0.borrow_mut().is_down = is_down;
    }

    /// Lets writing fail from now on, or succeed again.
    pub fn refuse_writing(&self, refuses: bool) {
        self.0.borrow_mut().refuses_writing = refuses;
    }

    /// What the store holds of a key.
    #[must_use]
    pub fn record(&self, key: &Key) -> Option<Record> {
        self.0.borrow().records.get(key).map(|stored| stored.record.clone())
    }

    /// All records that were written, oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Record> {
        self.0.borrow().history.clone()
    }

    /// Who has the claim of a key.
    #[must_use]
    pub fn holder(&self, key: &Key) -> Option<String> {
        self.0.borrow().claims.get(key).map(|(owner, _)| owner.clone())
    }

    /// Writes a record as somebody else would, whatever is there.
    pub fn put(&self, key: &Key, record: Record) {
        let mut inside = self.0.borrow_mut();
        let version = inside.records.get(key).map_or(1, |stored| stored.version.0 + 1);
        inside.records.insert(key.clone(), Stored { record, version: Version(version) });
    }

    /// Claims a key; a claim whose time is over is nobody's.
    ///
    /// # Errors
    ///
    /// A fault while the store is down.
    pub fn claim(
        &self,
        key: &Key,
        owner: &str,
        now: Duration,
        lasting: Duration,
    ) -> Result<Claimed, StoreFault> {
        let mut inside = self.0.borrow_mut();
        if inside.is_down {
            return Err(down());
        }
        match inside.claims.get(key) {
            Some((holder, until)) if holder != owner && *until > now => Ok(Claimed::Held(*until - now)),
            _ => {
                inside.claims.insert(key.clone(), (owner.to_owned(), now + lasting));
                Ok(Claimed::Granted)
            }
        }
    }

    /// Gives a claim of this owner up.
    pub fn release(&self, key: &Key, owner: &str) {
        let mut inside = self.0.borrow_mut();
        if inside.claims.get(key).is_some_and(|(holder, _)| holder == owner) {
            inside.claims.remove(key);
        }
    }

    pub(super) fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
        let inside = self.0.borrow();
        if inside.is_down { Err(down()) } else { Ok(inside.records.get(key).cloned()) }
    }

    pub(super) fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Saved, StoreFault> {
        let mut inside = self.0.borrow_mut();
        if inside.is_down || inside.refuses_writing {
            return Err(down());
        }
        let held = inside.records.get(key).cloned();
        if held.as_ref().map(|stored| stored.version) != expected {
            return Ok(Saved::Conflict(held.map(Box::new)));
        }
        let version = Version(expected.map_or(1, |version| version.0 + 1));
        inside.records.insert(key.clone(), Stored { record: record.clone(), version });
        inside.history.push(record.clone());
        Ok(Saved::Done(version))
    }
}

fn down() -> StoreFault {
    StoreFault::new("the store is down")
}
