//! What every blocking store owes.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use octo_auth_core::{Claimed, Key, Record, Storage, Store, StoreFault, Stored, Version};

use super::run;
use crate::suite::{self, Report, Shelf, Swap};

/// Checks a store, which must be empty and whose clock must run.
///
/// It looks at what [`Store`] promises: whole records come back; a change is done against the stored version only,
/// and of several at once one is; versions grow; keys are compared in full; and, where [`Store::storage`] says that
/// the store is shared, claims keep others out until their owner releases them or their time is over. Its keys are
/// accounts whose names begin with `octo-auth-testkit`, and a few of the client itself.
pub fn check(store: &dyn Store) -> Report {
    run(suite::store::check(&Own(store), None))
}

/// The same for a store whose clock the test moves: `advance` lets it go on.
pub fn check_with_clock(store: &dyn Store, advance: &(dyn Fn(Duration) + Send + Sync)) -> Report {
    run(suite::store::check(&Own(store), Some(advance)))
}

struct Own<'a>(&'a dyn Store);

impl Shelf for Own<'_> {
    fn storage(&self) -> Storage {
        self.0.storage()
    }

    async fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
        self.0.load(key)
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, record: &Record) -> Swap {
        self.0.compare_and_swap(key, expected, record)
    }

    async fn race(&self, key: &Key, expected: Option<Version>, records: &[Record]) -> Vec<Swap> {
        let (store, start) = (self.0, &Barrier::new(records.len()));
        thread::scope(|scope| {
            let change = |record| {
                scope.spawn(move || {
                    start.wait();
                    store.compare_and_swap(key, expected, record)
                })
            };
            let threads: Vec<_> = records.iter().map(change).collect();
            let panicked = |_| Err(StoreFault::new("the store has panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
        })
    }

    async fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        self.0.claim(key, owner, lasting)
    }

    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        self.0.release(key, owner)
    }

    async fn pause(&self) {
        thread::yield_now();
    }
}
