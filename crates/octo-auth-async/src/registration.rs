//! The shared state of one `TokenManager`.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_driver::Shared;

use crate::store::Store;
use crate::transport::Transport;

/// The state that the handles and tasks of one `TokenManager` share.
pub(crate) struct Registration {
    pub(crate) shared: Arc<Shared>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) store: Option<Arc<dyn Store>>,
    /// The default wait of a caller.
    pub(crate) wait: Duration,
    pub(crate) exchange_deadline: Duration,
}

impl Drop for Registration {
    /// Ends the refresh-ahead tasks, which do not keep this value alive.
    fn drop(&mut self) {
        self.shared.shut_down();
    }
}
