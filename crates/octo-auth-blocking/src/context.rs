//! What the handles and threads of one registration share.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use octo_auth_core::{Key, Store};
use octo_auth_driver::Shared;

use crate::thread_pool::ThreadPool;
use crate::transport::Transport;

/// What the jobs and callers of a registration need.
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) store: Arc<dyn Store>,
    /// Runs requests.
    pub(crate) requests: Arc<ThreadPool>,
    /// Runs calls of the store, on a quarter as many threads: one that hangs keeps no request from being sent.
    pub(crate) store_calls: Arc<ThreadPool>,
    /// The keys for which the store is being called.
    pub(crate) storing: Mutex<HashSet<Arc<Key>>>,
    /// How long a caller waits unless it says otherwise.
    pub(crate) wait: Duration,
    /// How long an exchange may take.
    pub(crate) exchange_deadline: Duration,
    /// Returns whether the current thread may block.
    pub(crate) may_block: fn() -> bool,
}

/// A call of the store for a key, until it has returned.
pub(crate) struct Calling<'a> {
    context: &'a Context,
    key: Arc<Key>,
}

impl Context {
    /// Begins a call of the store for a key. `None` while an earlier one has not returned.
    pub(crate) fn begin_call(&self, key: &Arc<Key>) -> Option<Calling<'_>> {
        self.storing().insert(key.clone()).then(|| Calling { context: self, key: key.clone() })
    }

    fn storing(&self) -> MutexGuard<'_, HashSet<Arc<Key>>> {
        self.storing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the current thread may block.
    pub(crate) fn may_block(&self) -> bool {
        (self.may_block)()
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.context.storing().remove(&self.key);
    }
}
