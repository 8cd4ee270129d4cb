//! A store in memory: for programs without a disk, for several registrations of one process, and for tests.
//!
//! It keeps the whole protocol of a shared store (versions, claims that end by themselves) and nothing more: what is
//! in it ends with the process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use octo_auth_core::{Claimed, Key, Record, Saved, Storage, Store, StoreFault, Stored, Version};

use crate::clock::{Clock, SystemClock};

/// A store whose records live as long as the process. It is cheap to clone; the clones are one store.
///
/// A program that is started again has forgotten every account in it: refresh tokens that must outlive a restart
/// belong in a store of their own.
#[derive(Clone)]
pub struct MemoryStore {
    shelves: Arc<Mutex<HashMap<Key, Shelf>>>,
    clock: Arc<dyn Clock>,
}

/// What is kept of one key.
#[derive(Default)]
struct Shelf {
    stored: Option<Stored>,
    lease: Option<Lease>,
}

/// A claim in force.
struct Lease {
    owner: String,
    /// The moment on the boot clock at which it ends by itself.
    until: Duration,
}

impl MemoryStore {
    /// An empty store, whose claims run by the operating system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// An empty store, whose claims run by another clock, such as a simulated one.
    #[must_use]
    pub fn with_clock(clock: impl Clock + 'static) -> Self {
        Self { shelves: Arc::default(), clock: Arc::new(clock) }
    }

    fn shelves(&self) -> MutexGuard<'_, HashMap<Key, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn storage(&self) -> Storage {
        Storage::Shared
    }

    fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
        Ok(self.shelves().get(key).and_then(|shelf| shelf.stored.clone()))
    }

    fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Saved, StoreFault> {
        let mut shelves = self.shelves();
        let shelf = shelves.entry(key.clone()).or_default();
        if shelf.stored.as_ref().map(|stored| stored.version) != expected {
            return Ok(Saved::Conflict(shelf.stored.clone().map(Box::new)));
        }
        let version = Version(expected.map_or(0, |version| version.0).saturating_add(1));
        shelf.stored = Some(Stored { record: record.clone(), version });
        Ok(Saved::Done(version))
    }

    fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        let now = self.clock.boot();
        let mut shelves = self.shelves();
        let shelf = shelves.entry(key.clone()).or_default();
        if let Some(lease) = shelf.lease.as_ref().filter(|lease| lease.owner != owner && lease.until > now) {
            return Ok(Claimed::Held(lease.until - now));
        }
        shelf.lease = Some(Lease { owner: owner.to_owned(), until: now.saturating_add(lasting) });
        Ok(Claimed::Granted)
    }

    fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        if let Some(shelf) = self.shelves().get_mut(key) {
            shelf.lease.take_if(|lease| lease.owner == owner);
        }
        Ok(())
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("keys", &self.shelves().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use octo_auth_core::{Now, Secret, Timestamp};

    /// A clock that stands where the test puts it, in seconds.
    #[derive(Clone, Default)]
    struct Still(Arc<Mutex<u64>>);

    impl Clock for Still {
        fn now(&self) -> Now {
            let seconds = *self.0.lock().expect("no test panics while it holds the clock");
            Now { wall: Timestamp::from_unix_seconds(1_700_000_000), boot: Duration::from_secs(seconds) }
        }
    }

    fn record(refresh_token: &str) -> Record {
        Record { refresh_token: Some(Secret::new(refresh_token)), ..Record::default() }
    }

    #[test]
    fn a_record_comes_back_under_a_version_that_grows_with_each_change() {
        let (store, key) = (MemoryStore::new(), Key::account("inn"));
        assert_eq!(store.load(&key).expect("memory never fails"), None);
        let first = store.compare_and_swap(&key, None, &record("a")).expect("memory never fails");
        assert_eq!(first, Saved::Done(Version(1)));
        let second = store.compare_and_swap(&key, Some(Version(1)), &record("b"));
        assert_eq!(second.expect("memory never fails"), Saved::Done(Version(2)));
        let stored = Stored { record: record("b"), version: Version(2) };
        assert_eq!(store.clone().load(&key).expect("memory never fails"), Some(stored));
        assert_eq!(store.load(&Key::account("other")).expect("memory never fails"), None);
    }

    #[test]
    fn a_change_against_another_version_changes_nothing_and_shows_what_is_stored() {
        let (store, key) = (MemoryStore::new(), Key::account("inn"));
        let unexpected = store.compare_and_swap(&key, Some(Version(1)), &record("a"));
        assert_eq!(unexpected.expect("memory never fails"), Saved::Conflict(None));
        store.compare_and_swap(&key, None, &record("a")).expect("memory never fails");
        let stored = Stored { record: record("a"), version: Version(1) };
        let late = store.compare_and_swap(&key, None, &record("b")).expect("memory never fails");
        assert_eq!(late, Saved::Conflict(Some(Box::new(stored.clone()))));
        assert_eq!(store.load(&key).expect("memory never fails"), Some(stored));
    }

    #[test]
    fn a_claim_holds_against_others_until_released_by_its_owner_or_over() {
        let clock = Still::default();
        let (store, key) = (MemoryStore::with_clock(clock.clone()), Key::account("inn"));
        let claim = |owner| store.claim(&key, owner, Duration::from_secs(75)).expect("memory never fails");
        assert_eq!(claim("one"), Claimed::Granted);
        assert_eq!(claim("one"), Claimed::Granted);
        *clock.0.lock().expect("no test panics while it holds the clock") = 5;
        assert_eq!(claim("two"), Claimed::Held(Duration::from_secs(70)));
        store.release(&key, "two").expect("memory never fails");
        assert_eq!(claim("two"), Claimed::Held(Duration::from_secs(70)));
        store.release(&key, "one").expect("memory never fails");
        assert_eq!(claim("two"), Claimed::Granted);
        *clock.0.lock().expect("no test panics while it holds the clock") = 80;
        assert_eq!(claim("one"), Claimed::Granted);
    }

    #[test]
    fn the_store_shows_no_secret() {
        let (store, key) = (MemoryStore::new(), Key::account("inn"));
        store.compare_and_swap(&key, None, &record("rt-secret")).expect("memory never fails");
        assert_eq!(format!("{store:?}"), "MemoryStore { keys: 1, .. }");
    }
}
