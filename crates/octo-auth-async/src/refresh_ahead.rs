//! The tasks that no caller waits for: one renews tokens ahead of time, one saves again what could not be saved.

use std::fmt;
use std::sync::{Arc, Weak};

use octo_auth_core::RefreshAhead;
use octo_auth_driver::{Due, Shared};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use crate::job_runner;
use crate::registration::Registration;

/// Keeps tokens warm as long as it lives, on the runtime on which it was made.
///
/// It ends when it is dropped, with its runtime, with a shutdown, or when the [`TokenManager`](crate::Accounts) and all
/// its handles are gone, which it does not keep alive. A renewal it has begun goes on to its end.
#[must_use = "it stops when it is dropped"]
pub struct RefreshTask {
    task: Option<JoinHandle<()>>,
}

impl RefreshTask {
    pub(crate) fn start(registration: &Arc<Registration>, which: RefreshAhead) -> Self {
        let task = poll_due(Arc::downgrade(registration), move |shared| shared.poll_due(which));
        Self { task: Handle::try_current().ok().map(|runtime| runtime.spawn(task)) }
    }

    /// Whether it is at work: not so after a shutdown, nor if it was made outside a tokio runtime.
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

/// Saves again what no store holds, in a task of the runtime that has met it. Without one, what is asked next saves it.
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
                // Many keys may be due at once, and other tasks share the thread.
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
