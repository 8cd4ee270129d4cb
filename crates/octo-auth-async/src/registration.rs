//! What the handles and tasks of one registration share.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_driver::Shared;

use crate::store::Store;
use crate::transport::Transport;

/// What handles and tasks share.
pub(crate) struct Registration {
    pub(crate) shared: Arc<Shared>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) store: Option<Arc<dyn Store>>,
    /// How long callers wait unless they say otherwise.
    pub(crate) wait: Duration,
    pub(crate) exchange_deadline: Duration,
}

impl Drop for Registration {
    /// Ends the tasks that refresh ahead of time, which do not keep it alive.
    fn drop(&mut self) {
        self.shared.shut_down();
    }
}
