//! The shared state of one `TokenManager`.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::Store;
use octo_auth_driver::Shared;

use crate::thread_pool::ThreadPool;
use crate::transport::Transport;

/// The state that the jobs and callers of one `TokenManager` share.
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) store: Arc<dyn Store>,
    /// The threads for requests.
    pub(crate) requests: Arc<ThreadPool>,
    /// The threads for store calls, a quarter as many. Calls for the same spec run one after another. A store that
    /// hangs blocks one thread for each spec, and does not stop requests from being sent.
    pub(crate) store_calls: Arc<ThreadPool>,
    /// The default wait of a caller.
    pub(crate) wait: Duration,
    /// The deadline of an exchange.
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
