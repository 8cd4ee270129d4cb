//! The suite for blocking stores.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Storage, Store, StoreError, Stored, Version,
};

use super::run;
use crate::suite::{self, Shelf, SuiteReport, Swap};

/// Checks a store. The store must be empty, and its clock must run.
///
/// The suite tests what [`Store`] promises:
///
/// - Content comes back byte for byte.
/// - A change succeeds only against the stored version, and only one of several concurrent changes succeeds.
/// - Versions grow with each change.
/// - Names are compared byte for byte and listed by prefix.
/// - If [`Store::storage`] says that several processes use the store, a claim excludes others until its owner
///   releases it or it expires.
///
/// It also tests how the library uses the store: registrations do not see each other's records, and an unusable
/// record is neither served nor overwritten.
pub fn check(store: &dyn Store) -> SuiteReport {
    run(suite::store::check(&Own(store), None))
}

/// Checks a store whose clock the test moves: `advance` moves it forward.
pub fn check_with_clock(store: &dyn Store, advance: &(dyn Fn(Duration) + Send + Sync)) -> SuiteReport {
    run(suite::store::check(&Own(store), Some(advance)))
}

/// Checks two handles of one store, as two processes hold them. Each handle reads what the other wrote, and claims of
/// one exclude the other. If [`Store::changes`] returns `true`, a listener of `one` hears within 5 s what `other`
/// wrote.
pub fn check_handles(one: &dyn Store, other: &dyn Store) -> SuiteReport {
    run(suite::store::check_handles(&Own(one), &Own(other)))
}

struct Own<'a>(&'a dyn Store);

impl Shelf for Own<'_> {
    fn storage(&self) -> Storage {
        self.0.storage()
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.0.load(name)
    }

    async fn swap(&self, name: &RecordName, expected: Option<Version>, content: &RecordBytes) -> Swap {
        self.0.compare_and_swap(name, expected, content)
    }

    async fn race(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        contents: &[RecordBytes],
    ) -> Vec<Swap> {
        let (store, start) = (self.0, &Barrier::new(contents.len()));
        thread::scope(|scope| {
            let change = |content| {
                scope.spawn(move || {
                    start.wait();
                    store.compare_and_swap(name, expected, content)
                })
            };
            let threads: Vec<_> = contents.iter().map(change).collect();
            let panicked = |_| Err(StoreError::new("the store has panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
        })
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        self.0.claim(name, owner, ttl)
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        self.0.release(name, owner)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        self.0.list(prefix)
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        self.0.changes(listener)
    }

    async fn pause(&self) {
        thread::yield_now();
    }
}
