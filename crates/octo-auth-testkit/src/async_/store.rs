//! The suite for asynchronous stores.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use octo_auth_async::Store;
use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Storage, StoreError, Stored, Version,
};

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
pub async fn check(store: &dyn Store) -> SuiteReport {
    suite::store::check(&Own(store), None).await
}

/// Checks a store whose clock the test moves: `advance` moves it forward.
pub async fn check_with_clock(store: &dyn Store, advance: &(dyn Fn(Duration) + Send + Sync)) -> SuiteReport {
    suite::store::check(&Own(store), Some(advance)).await
}

/// Checks two handles of one store, as two processes hold them. Each handle reads what the other wrote, and claims of
/// one exclude the other. If [`Store::changes`] returns `true`, a listener of `one` hears within 5 s what `other`
/// wrote.
pub async fn check_handles(one: &dyn Store, other: &dyn Store) -> SuiteReport {
    suite::store::check_handles(&Own(one), &Own(other)).await
}

struct Own<'a>(&'a dyn Store);

impl Shelf for Own<'_> {
    fn storage(&self) -> Storage {
        self.0.storage()
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.0.load(name).await
    }

    async fn swap(&self, name: &RecordName, expected: Option<Version>, content: &RecordBytes) -> Swap {
        self.0.compare_and_swap(name, expected, content).await
    }

    async fn race(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        contents: &[RecordBytes],
    ) -> Vec<Swap> {
        together(contents.iter().map(|content| self.0.compare_and_swap(name, expected, content)).collect())
            .await
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        self.0.claim(name, owner, ttl).await
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        self.0.release(name, owner).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        self.0.list(prefix).await
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        self.0.changes(listener)
    }

    async fn pause(&self) {
        super::pause().await;
    }
}

/// Polls all futures until each has completed.
async fn together<F: Future + Unpin>(mut futures: Vec<F>) -> Vec<F::Output> {
    let mut ended: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, end) in futures.iter_mut().zip(&mut ended) {
            if end.is_none() {
                if let Poll::Ready(output) = pin!(future).poll(context) {
                    *end = Some(output);
                }
            }
        }
        if ended.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    ended.into_iter().flatten().collect()
}
