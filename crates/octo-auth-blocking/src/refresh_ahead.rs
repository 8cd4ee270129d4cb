//! The background threads: one refreshes tokens ahead, one retries failed saves.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use octo_auth_core::RefreshAhead;
use octo_auth_driver::Due;

use crate::context::Context;

/// The sleep while jobs wait for a thread, unless a change wakes it earlier. It is as long as a job waits for a
/// thread.
const NO_ROOM: Duration = Duration::from_secs(5);

/// Refreshes the tokens of a `TokenManager` ahead until it is dropped.
///
/// Its thread sleeps until the next renewal is due or a change wakes it, at most 30 s. It starts no renewal while
/// other jobs wait for a thread. It ends with a shutdown, or when the [`TokenManager`](crate::TokenManager) and
/// all its handles are dropped.
#[must_use = "dropping it stops refreshing ahead"]
pub struct RefreshTask {
    context: Weak<Context>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RefreshTask {
    pub(crate) fn new(context: &Arc<Context>, which: RefreshAhead) -> Self {
        let (context, is_over) = (Arc::downgrade(context), Arc::new(AtomicBool::new(false)));
        let (weak, ended) = (context.clone(), is_over.clone());
        let poll = move |context: &Arc<Context>| {
            let has_room = || context.requests.has_room() && context.store_calls.has_room();
            match ended.load(Ordering::Acquire) {
                true => Some(Due::Over),
                false => has_room().then(|| context.shared.poll_due(which)),
            }
        };
        let thread = thread::Builder::new().name("octo-auth-ahead".to_owned());
        Self { context, is_over, thread: thread.spawn(move || poll_due(&weak, poll)).ok() }
    }

    /// Returns whether its thread runs. The operating system may refuse the thread. Tokens are then renewed when a
    /// caller asks for them.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

/// Retries failed saves, on a thread that ends when everything is saved. If the operating system refuses the
/// thread, the next call for a token saves the record.
pub(crate) fn save_again(context: &Arc<Context>) {
    let weak = Arc::downgrade(context);
    context.shared.on_unsaved(move |saver| {
        let weak = weak.clone();
        let thread = thread::Builder::new().name("octo-auth-save".to_owned());
        let poll =
            move |context: &Arc<Context>| context.store_calls.has_room().then(|| saver.poll(&context.shared));
        let _ = thread.spawn(move || poll_due(&weak, poll));
    });
}

/// Runs the work that is due, until `poll` returns [`Due::Over`]. `poll` returns `None` while jobs wait for a
/// thread.
fn poll_due(weak: &Weak<Context>, poll: impl Fn(&Arc<Context>) -> Option<Due>) {
    while let Some(context) = weak.upgrade() {
        // Created before the poll, so that a change after the poll wakes this thread.
        let listener = context.shared.listen();
        let at_most = match poll(&context) {
            Some(Due::Run(guard)) => {
                context.spawn(guard);
                continue;
            }
            Some(Due::Wait(_, at_most)) => at_most,
            Some(Due::Over) => return,
            None => NO_ROOM,
        };
        drop(context);
        listener.wait_timeout(at_most);
    }
}

impl fmt::Debug for RefreshTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTask").field("is_running", &self.is_running()).finish()
    }
}

impl Drop for RefreshTask {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        if let Some(context) = self.context.upgrade() {
            context.shared.wake_watchers();
        }
    }
}
