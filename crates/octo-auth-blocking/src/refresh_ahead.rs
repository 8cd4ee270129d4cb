//! The threads that no caller waits for: one renews tokens ahead of time, one saves again what could not be saved.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use octo_auth_core::RefreshAhead;
use octo_auth_driver::Due;

use crate::context::Context;

/// How long it waits while jobs wait for a thread, unless it is woken: as long as a job waits for one.
const NO_ROOM: Duration = Duration::from_secs(5);

/// Keeps the tokens of a registration warm until it is dropped.
///
/// Its thread sleeps until the next renewal is due, or something changes, at most 30 s. It begins no renewal while
/// others wait for a thread to carry them. It ends by itself once the
/// [`TokenManager`](crate::Accounts) and all their handles are gone or shut down.
#[must_use = "dropping it ends the keeping warm"]
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

    /// Whether its thread runs. Without one, which the operating system may refuse, tokens are renewed when they are
    /// asked for, as if nothing kept them warm.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

/// Saves again what no store holds, on a thread that ends once nothing is left. Without a thread, which the operating system may
/// refuse, what is asked next saves it.
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

/// Runs what is due, until that is over. The answer to a poll is `None` while jobs wait for a thread.
fn poll_due(weak: &Weak<Context>, poll: impl Fn(&Arc<Context>) -> Option<Due>) {
    while let Some(context) = weak.upgrade() {
        // Made before anything is looked at: what changes after that wakes.
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
