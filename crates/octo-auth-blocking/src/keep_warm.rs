//! Refreshes tokens ahead of time, on a thread of its own.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use octo_auth_core::Warm;
use octo_auth_driver::Due;

use crate::context::Context;

/// How long it waits while jobs wait for a thread, unless it is woken: as long as a job waits for one.
const NO_ROOM: Duration = Duration::from_secs(5);

/// Keeps the tokens of a registration warm until it is dropped.
///
/// Its thread sleeps until the next renewal is due, or something changes, at most 30 s. It begins no renewal while
/// others wait for a thread to carry them. It ends by itself once the
/// [`Accounts`](crate::Accounts) and all their handles are gone or shut down.
#[must_use = "dropping it ends the keeping warm"]
pub struct KeepWarm {
    context: Weak<Context>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread works with. It keeps no registration alive.
struct Driver {
    context: Weak<Context>,
    is_over: Arc<AtomicBool>,
    which: Warm,
}

impl KeepWarm {
    pub(crate) fn new(context: &Arc<Context>, which: Warm) -> Self {
        let (context, is_over) = (Arc::downgrade(context), Arc::new(AtomicBool::new(false)));
        let driver = Driver { context: context.clone(), is_over: is_over.clone(), which };
        let thread = thread::Builder::new().name("octo-auth-warm".to_owned());
        Self { context, is_over, thread: thread.spawn(move || driver.run()).ok() }
    }

    /// Whether its thread runs. Without one, which the operating system may refuse, tokens are renewed when they are
    /// asked for, as if nothing kept them warm.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Driver {
    fn run(self) {
        while let Some(context) = self.context.upgrade() {
            // Made before anything is looked at: what changes after that wakes.
            let listener = context.shared.listen();
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            if !context.requests.has_room() || !context.store_calls.has_room() {
                drop(context);
                listener.wait_timeout(NO_ROOM);
                continue;
            }
            match context.shared.poll_due(self.which) {
                Due::Run(guard) => context.spawn(guard),
                Due::Wait(_, at_most) => {
                    drop(context);
                    listener.wait_timeout(at_most);
                }
                Due::Over => return,
            }
        }
    }
}

impl fmt::Debug for KeepWarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepWarm").field("is_running", &self.is_running()).finish()
    }
}

impl Drop for KeepWarm {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        if let Some(context) = self.context.upgrade() {
            context.shared.wake_watchers();
        }
    }
}
