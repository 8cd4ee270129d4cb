//! A synchronous store for an asynchronous program. It runs on its own threads.
//!
//! A call that hangs cannot be stopped. So at most one call for each record runs at a time, and the number of
//! threads is limited. The runtime does not wait for these threads when it ends.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, StoreError, Stored, Version,
};
use tokio::sync::oneshot;

use crate::store::Store;

/// The most calls that run concurrently.
const THREADS: usize = 16;

/// Runs the reads and writes of a synchronous store on its own threads. There are at most 16 threads, and none
/// without work. For each record at most one call runs at a time. [`Store::storage`] and [`Store::changes`] run on
/// the caller's thread.
///
/// A store that hangs does not prevent the runtime or the program from ending.
#[derive(Clone)]
pub struct BlockingStore(Arc<Shared>);

struct Shared {
    store: Arc<dyn octo_auth_core::Store>,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    threads: usize,
    queue: VecDeque<Queued>,
    /// The records that have a running call.
    busy: HashSet<RecordName>,
}

/// A call that waits for a thread.
struct Queued {
    /// The record of the call, or `None` if it concerns no particular record.
    name: Option<RecordName>,
    call: Box<dyn Call>,
}

trait Call: Send {
    /// Returns whether the caller was dropped.
    fn is_given_up(&self) -> bool;

    fn run(self: Box<Self>, store: &dyn octo_auth_core::Store);
}

struct Pending<R, F> {
    call: F,
    caller: oneshot::Sender<Result<R, StoreError>>,
}

impl<R, F> Call for Pending<R, F>
where
    R: Send,
    F: FnOnce(&dyn octo_auth_core::Store) -> Result<R, StoreError> + Send,
{
    fn is_given_up(&self) -> bool {
        self.caller.is_closed()
    }

    fn run(self: Box<Self>, store: &dyn octo_auth_core::Store) {
        let result = (self.call)(store);
        let _ = self.caller.send(result);
    }
}

impl BlockingStore {
    /// Wraps a synchronous store.
    #[must_use]
    pub fn new(store: impl octo_auth_core::Store + 'static) -> Self {
        Self(Arc::new(Shared { store: Arc::new(store), calls: Mutex::default() }))
    }

    async fn call<R: Send + 'static>(
        &self,
        name: Option<&RecordName>,
        call: impl FnOnce(&dyn octo_auth_core::Store) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let (caller, result) = oneshot::channel();
        self.0.run(Queued { name: name.cloned(), call: Box::new(Pending { call, caller }) });
        // Leave out the message of the panic: it may contain a secret.
        let ended = |_| Err(StoreError::new("the thread of the store's call ended early"));
        result.await.unwrap_or_else(ended)
    }
}

impl Shared {
    /// Queues a call for a thread. If no thread can be started, the call is dropped, and its caller gets an error.
    fn run(self: &Arc<Self>, queued: Queued) {
        let mut calls = self.lock();
        calls.queue.retain(|waiting| !waiting.call.is_given_up());
        calls.queue.push_back(queued);
        if calls.threads == THREADS {
            return;
        }
        calls.threads += 1;
        drop(calls);
        let shared = self.clone();
        let thread = thread::Builder::new().name("octo-auth-store".to_owned());
        if thread.spawn(move || shared.work()).is_err() {
            let mut calls = self.lock();
            calls.threads -= 1;
            let left = if calls.threads == 0 { std::mem::take(&mut calls.queue) } else { VecDeque::new() };
            drop(calls);
            drop(left);
        }
    }

    fn work(&self) {
        while let Some(Queued { name, call }) = self.next() {
            // A panic of the store fails only its own call.
            let _ = catch_unwind(AssertUnwindSafe(|| call.run(&*self.store)));
            name.map(|name| self.lock().busy.remove(&name));
        }
    }

    /// Returns the next call whose record has no running call. If there is none, the thread ends, under the same
    /// lock. A call that waits for a busy record is run by the thread that works on that record.
    fn next(&self) -> Option<Queued> {
        let mut calls = self.lock();
        calls.queue.retain(|waiting| !waiting.call.is_given_up());
        let Calls { queue, busy, .. } = &mut *calls;
        let is_free = |waiting: &Queued| waiting.name.as_ref().is_none_or(|name| !busy.contains(name));
        let place = queue.iter().position(is_free);
        let next = place.and_then(|place| queue.remove(place));
        match &next {
            Some(queued) => busy.extend(queued.name.clone()),
            None => calls.threads -= 1,
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for BlockingStore {
    fn storage(&self) -> Storage {
        self.0.store.storage()
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        let record = name.clone();
        self.call(Some(name), move |store| store.load(&record)).await
    }

    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        let (record, content) = (name.clone(), content.clone());
        self.call(Some(name), move |store| store.compare_and_swap(&record, expected, &content)).await
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        let (record, owner) = (name.clone(), owner.to_owned());
        self.call(Some(name), move |store| store.claim(&record, &owner, ttl)).await
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        let (record, owner) = (name.clone(), owner.to_owned());
        self.call(Some(name), move |store| store.release(&record, &owner)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        let prefix = prefix.to_owned();
        self.call(None, move |store| store.list(&prefix)).await
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        self.0.store.changes(listener)
    }
}

impl fmt::Debug for BlockingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingStore").field("storage", &self.0.store.storage()).finish_non_exhaustive()
    }
}
