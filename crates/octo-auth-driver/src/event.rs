//! Waiting for a change, as a future or by blocking.
//!
//! A listener receives every notification after its creation. Wakers are called and dropped without any lock held:
//! a waker may own the task that it wakes, and dropping that task may call this crate again.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::sync::{Mutex, MutexGuard, Thread, current, park_timeout};

/// An event that can happen repeatedly.
#[derive(Default)]
pub(crate) struct Event(Arc<Mutex<Waiting>>);

/// The listeners that were not notified yet, oldest first, each with its waker once it was polled.
#[derive(Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Option<Waker>>,
}

/// Waits for the next change. Await it, or block in [`Listener::wait_timeout`].
#[must_use = "a listener does nothing unless it is awaited"]
pub struct Listener {
    waiting: Arc<Mutex<Waiting>>,
    id: u64,
}

/// Wakes a thread.
struct ThreadWaker(Thread);

impl Event {
    pub(crate) fn listen(&self) -> Listener {
        let mut waiting = lock(&self.0);
        let id = waiting.next;
        waiting.next += 1;
        waiting.wakers.insert(id, None);
        Listener { waiting: self.0.clone(), id }
    }

    /// Notifies every listener. Adds the wakers to call when no lock is held.
    pub(crate) fn notify(&self, wakers: &mut Vec<Waker>) {
        let notified = std::mem::take(&mut lock(&self.0).wakers);
        wakers.extend(notified.into_values().flatten());
    }
}

impl Listener {
    /// Blocks the thread until the change, at most for a duration. Returns whether there was a change.
    pub fn wait_timeout(mut self, at_most: Duration) -> bool {
        let waker = Waker::from(Arc::new(ThreadWaker(current())));
        let start = Instant::now();
        while Pin::new(&mut self).poll(&mut Context::from_waker(&waker)).is_pending() {
            let left = at_most.saturating_sub(start.elapsed());
            if left.is_zero() {
                return false;
            }
            park_timeout(left);
        }
        true
    }
}

impl Future for Listener {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = lock(&self.waiting);
        let Some(place) = waiting.wakers.get_mut(&self.id) else { return Poll::Ready(()) };
        let old = place.replace(context.waker().clone());
        drop(waiting);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let old = lock(&self.waiting).wakers.remove(&self.id);
        drop(old);
    }
}

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Calls all wakers. A waker that panics does not stop the others.
pub(crate) fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        // The panic hook has already printed the panic.
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("id", &self.id).finish_non_exhaustive()
    }
}
