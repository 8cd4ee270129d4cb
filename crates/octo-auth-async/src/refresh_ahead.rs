//! The background tasks: one refreshes tokens ahead, one retries failed saves.

use std::fmt;
use std::sync::{Arc, Weak};

use octo_auth_core::RefreshAhead;
use octo_auth_driver::{Due, Shared};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use crate::job_runner;
use crate::registration::Registration;

/// Refreshes tokens ahead until it is dropped, on the runtime on which it was made.
///
/// It also ends with its runtime, with a shutdown, or when the [`TokenManager`](crate::TokenManager) and all its
/// handles are dropped; it does not keep them alive. A renewal that it has started continues to its end.
#[must_use = "it stops when it is dropped"]
pub struct RefreshTask {
    task: Option<JoinHandle<()>>,
}

impl RefreshTask {
    pub(crate) fn start(registration: &Arc<Registration>, which: RefreshAhead) -> Self {
        let task = poll_due(Arc::downgrade(registration), move |shared| shared.poll_due(which));
        Self { task: Handle::try_current().ok().map(|runtime| runtime.spawn(task)) }
    }

    /// Returns whether the task runs. It is `false` after a shutdown, and if it was made outside a tokio runtime.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.task.as_ref().is_some_and(|task| !task.is_finished())
    }
}

impl Drop for RefreshTask {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl fmt::Debug for RefreshTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTask").field("is_running", &self.is_running()).finish()
    }
}

/// Retries failed saves, in a task of the runtime on which the save failed. Without a runtime, the next call for a
/// token saves the record.
pub(crate) fn save_again(registration: &Arc<Registration>) {
    let weak = Arc::downgrade(registration);
    registration.shared.on_unsaved(move |saver| {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(poll_due(weak.clone(), move |shared| saver.poll(shared)));
        }
    });
}

async fn poll_due(registration: Weak<Registration>, poll: impl Fn(&Arc<Shared>) -> Due) {
    while let Some(registration) = registration.upgrade() {
        match poll(&registration.shared) {
            Due::Run(guard) => {
                job_runner::spawn(&registration, guard);
                drop(registration);
                // Many specs may be due at once, and other tasks share the thread.
                yield_now().await;
            }
            Due::Wait(listener, at_most) => {
                drop(registration);
                let _ = timeout(at_most, listener).await;
            }
            Due::Over => return,
        }
    }
}
