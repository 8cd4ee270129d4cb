//! What the handles and threads of one registration share.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::Store;
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
    /// Runs calls of the store, on a quarter as many threads, for one key one call at a time: a store that hangs holds one
    /// thread for each key, and keeps no request from being sent.
    pub(crate) store_calls: Arc<ThreadPool>,
    /// How long a caller waits unless it says otherwise.
    pub(crate) wait: Duration,
    /// How long an exchange may take.
    pub(crate) exchange_deadline: Duration,
    /// Returns whether the current thread may block.
    pub(crate) may_block: fn() -> bool,
}

impl Context {
    /// Returns whether the current thread may block.
    pub(crate) fn may_block(&self) -> bool {
        (self.may_block)()
    }
}
