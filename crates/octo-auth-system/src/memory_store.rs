//! A store in memory: for programs without a disk, for several `TokenManager`s in one process, and for tests.
//!
//! It implements the whole protocol of a shared store (versions, leases that expire, notifications of changes).
//! Its content is lost when the process ends.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version,
};

use crate::clock::{Clock, SystemClock};

/// A store that keeps its records in memory. It is cheap to clone, and all clones share their records.
///
/// After a restart of the program, all accounts in it are lost. Keep refresh tokens that must survive a restart in
/// a store on disk or in a database. Its listeners are called for every write, including the writes of their own
/// `TokenManager`.
#[derive(Clone)]
pub struct MemoryStore {
    content: Arc<Mutex<Content>>,
    clock: Arc<dyn Clock>,
}

/// The state that the clones share.
#[derive(Default)]
struct Content {
    records: HashMap<RecordName, Stored>,
    claims: HashMap<RecordName, Claim>,
    listeners: Vec<ChangeListener>,
}

/// A lease, current or expired.
struct Claim {
    owner: String,
    /// The moment on the boot clock at which it expires.
    until: Duration,
}

impl MemoryStore {
    /// Returns an empty store. Its leases use the clock of the operating system.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// Returns an empty store. Its leases use another clock, such as a simulated one.
    #[must_use]
    pub fn with_clock(clock: impl Clock + 'static) -> Self {
        Self { content: Arc::default(), clock: Arc::new(clock) }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn compare_and_swap(
        &mut self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Saved {
        let stored = self.records.get(name);
        if stored.map(|stored| stored.version) != expected {
            return Saved::Conflict(stored.cloned());
        }
        let version = Version(expected.map_or(0, |version| version.0).saturating_add(1));
        self.records.insert(name.clone(), Stored { version, content: content.clone() });
        Saved::Done(version)
    }
}

impl Store for MemoryStore {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        Ok(self.content().records.get(name).cloned())
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        let mut shared = self.content();
        let saved = shared.compare_and_swap(name, expected, content);
        let listeners = if matches!(saved, Saved::Done(_)) { shared.listeners.clone() } else { Vec::new() };
        // A listener may use the store, so release the lock.
        drop(shared);
        listeners.iter().for_each(|listener| listener(name));
        Ok(saved)
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        let now = self.clock.boot();
        let claims = &mut self.content().claims;
        if let Some(other) = claims.get(name).filter(|claim| claim.owner != owner && claim.until > now) {
            return Ok(Claimed::Held(other.until - now));
        }
        let claim = Claim { owner: owner.to_owned(), until: now.saturating_add(ttl) };
        claims.insert(name.clone(), claim);
        Ok(Claimed::Granted)
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        let claims = &mut self.content().claims;
        if claims.get(name).is_some_and(|claim| claim.owner == owner) {
            claims.remove(name);
        }
        Ok(())
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        let shared = self.content();
        Ok(shared.records.keys().filter(|name| name.as_str().starts_with(prefix)).cloned().collect())
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        self.content().listeners.push(listener);
        true
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.content().records.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use octo_auth_core::{Now, Timestamp};

    /// A clock that shows the seconds that the test sets.
    #[derive(Clone, Default)]
    struct Still(Arc<Mutex<u64>>);

    impl Clock for Still {
        fn now(&self) -> Now {
            let seconds = *self.0.lock().expect("no test panics while it holds the clock");
            Now { wall: Timestamp::from_unix_seconds(1_700_000_000), boot: Duration::from_secs(seconds) }
        }
    }

    /// Returns a record name with this beginning.
    fn name(account: &str) -> RecordName {
        RecordName::parse(&format!("{account}.{}", "0".repeat(32))).expect("a sound name")
    }

    fn content(text: &str) -> RecordBytes {
        RecordBytes::from(text.as_bytes())
    }

    /// Writes a new record.
    fn write(store: &MemoryStore, name: &RecordName, text: &str) -> Saved {
        store.compare_and_swap(name, None, &content(text)).expect("memory never fails")
    }

    #[test]
    fn a_record_comes_back_under_a_version_that_grows_with_each_change() {
        let (store, inn) = (MemoryStore::new(), name("inn"));
        assert_eq!(store.load(&inn).expect("memory never fails"), None);
        assert_eq!(write(&store, &inn, "a"), Saved::Done(Version(1)));
        let second = store.compare_and_swap(&inn, Some(Version(1)), &content("b"));
        assert_eq!(second.expect("memory never fails"), Saved::Done(Version(2)));
        let stored = Stored { version: Version(2), content: content("b") };
        assert_eq!(store.clone().load(&inn).expect("memory never fails"), Some(stored));
        assert_eq!(store.load(&name("other")).expect("memory never fails"), None);
    }

    #[test]
    fn a_change_against_another_version_changes_nothing_and_shows_what_is_stored() {
        let (store, inn) = (MemoryStore::new(), name("inn"));
        let unexpected = store.compare_and_swap(&inn, Some(Version(1)), &content("a"));
        assert_eq!(unexpected.expect("memory never fails"), Saved::Conflict(None));
        write(&store, &inn, "a");
        let stored = Stored { version: Version(1), content: content("a") };
        assert_eq!(write(&store, &inn, "b"), Saved::Conflict(Some(stored.clone())));
        assert_eq!(store.load(&inn).expect("memory never fails"), Some(stored));
    }

    #[test]
    fn a_claim_holds_against_others_until_released_by_its_owner_or_over() {
        let clock = Still::default();
        let (store, inn) = (MemoryStore::with_clock(clock.clone()), name("inn"));
        let claim = |owner| store.claim(&inn, owner, Duration::from_secs(75)).expect("memory never fails");
        assert_eq!(claim("one"), Claimed::Granted);
        assert_eq!(claim("one"), Claimed::Granted);
        *clock.0.lock().expect("no test panics while it holds the clock") = 5;
        assert_eq!(claim("two"), Claimed::Held(Duration::from_secs(70)));
        store.release(&inn, "two").expect("memory never fails");
        assert_eq!(claim("two"), Claimed::Held(Duration::from_secs(70)));
        store.release(&inn, "one").expect("memory never fails");
        assert_eq!(claim("two"), Claimed::Granted);
        *clock.0.lock().expect("no test panics while it holds the clock") = 80;
        assert_eq!(claim("one"), Claimed::Granted);
    }

    #[test]
    fn records_are_listed_by_the_beginning_of_their_names_and_claims_are_not() {
        let store = MemoryStore::new();
        let [inn, inner, other] = ["inn", "inner", "other"].map(name);
        for name in [&inn, &inner, &other] {
            write(&store, name, "a");
        }
        store.claim(&name("inn-2"), "one", Duration::from_secs(75)).expect("memory never fails");
        let list = |prefix| {
            let mut names = store.list(prefix).expect("memory never fails");
            names.sort();
            names
        };
        assert_eq!(list("inn"), [inn.clone(), inner.clone()]);
        assert_eq!(list(""), [inn, inner, other]);
        assert_eq!(list("nn"), []);
    }

    #[test]
    fn a_listener_is_called_for_each_write_through_any_clone_and_may_use_the_store() {
        let (store, inn, heard) = (MemoryStore::new(), name("inn"), Arc::new(Mutex::new(Vec::new())));
        write(&store, &name("earlier"), "a");
        let (inside, listening) = (store.clone(), heard.clone());
        let is_notified = store.changes(Arc::new(move |name| {
            let stored = inside.load(name).expect("memory never fails").expect("a record");
            listening.lock().expect("no listener panics").push((name.clone(), stored.version));
        }));
        assert!(is_notified);
        write(&store.clone(), &inn, "a");
        write(&store, &inn, "this is a conflict");
        store.compare_and_swap(&inn, Some(Version(1)), &content("b")).expect("memory never fails");
        let expected = [(inn.clone(), Version(1)), (inn, Version(2))];
        assert_eq!(*heard.lock().expect("no listener panics"), expected);
    }

    #[test]
    fn the_store_shows_no_secret() {
        let store = MemoryStore::new();
        write(&store, &name("inn"), "rt-secret");
        assert_eq!(format!("{store:?}"), "MemoryStore { records: 1, .. }");
    }
}
