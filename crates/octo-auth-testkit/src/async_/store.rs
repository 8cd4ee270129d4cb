//! What every asynchronous store owes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use octo_auth_async::Store;
use octo_auth_core::{Claimed, Key, Record, Storage, StoreFault, Stored, Version};

use crate::suite::{self, Report, Shelf, Swap};

/// Checks a store, which must be empty and whose clock must run.
///
/// It looks at what [`Store`] promises: whole records come back; a change is done against the stored version only,
/// and of several at once one is; versions grow; keys are compared in full; and, where [`Store::storage`] says that
/// the store is shared, claims keep others out until their owner releases them or their time is over. Its keys are
/// accounts whose names begin with `octo-auth-testkit`, and a few of the client itself.
pub async fn check(store: &dyn Store) -> Report {
    suite::store::check(&Own(store), None).await
}

/// The same for a store whose clock the test moves: `advance` lets it go on.
pub async fn check_with_clock(store: &dyn Store, advance: &(dyn Fn(Duration) + Send + Sync)) -> Report {
    suite::store::check(&Own(store), Some(advance)).await
}

struct Own<'a>(&'a dyn Store);

impl Shelf for Own<'_> {
    fn storage(&self) -> Storage {
        self.0.storage()
    }

    async fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
        self.0.load(key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, record: &Record) -> Swap {
        self.0.compare_and_swap(key, expected, record).await
    }

    async fn race(&self, key: &Key, expected: Option<Version>, records: &[Record]) -> Vec<Swap> {
        together(records.iter().map(|record| self.0.compare_and_swap(key, expected, record)).collect()).await
    }

    async fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        self.0.claim(key, owner, lasting).await
    }

    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        self.0.release(key, owner).await
    }

    async fn pause(&self) {
        super::pause().await;
    }
}

/// Lets all go on until each has ended.
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
