//! What every asynchronous store owes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use octo_auth_async::Store;
use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Storage, StoreError, Stored, Version,
};

use crate::suite::{self, Report, Shelf, Swap};

/// Checks a store, which must be empty and whose clock must run.
///
/// It looks at what [`Store`] promises: any content comes back byte for byte; a change is done against the stored version
/// only, and of several at once one is; versions grow by one; names are compared byte for byte and listed by prefix; and,
/// where [`Store::storage`] says that several processes use the store, claims keep others out until their owner releases
/// them or their time is over. It also looks at what the library makes of the store: registrations do not see each
/// other's records, and a record that cannot be used is neither served nor overwritten.
pub async fn check(store: &dyn Store) -> Report {
    suite::store::check(&Own(store), None).await
}

/// Checks a store whose clock the test moves: `advance` lets it go on.
pub async fn check_with_clock(store: &dyn Store, advance: &(dyn Fn(Duration) + Send + Sync)) -> Report {
    suite::store::check(&Own(store), Some(advance)).await
}

/// Checks two handles of one store, as two processes have them: each reads what the other wrote, claims of one keep the
/// other out, and where [`Store::changes`] returns `true`, a listener of `one` hears what `other` wrote within 5 s.
pub async fn check_handles(one: &dyn Store, other: &dyn Store) -> Report {
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
