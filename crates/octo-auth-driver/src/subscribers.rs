//! The subscribers to changes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, Weak};
use std::task::Waker;

use octo_auth_core::Change;

use crate::event::{Event, Listener, wake};
use crate::sync::{Mutex, MutexGuard};

/// The number of changes that are kept for a slow subscriber.
const CAPACITY: usize = 1024;

/// A subscription to the changes of all specs, in order.
///
/// A subscriber that falls more than 1,024 changes behind loses the oldest; [`Changes::missed`] counts them. A
/// subscriber never delays a caller.
pub struct Changes(Arc<Subscription>);

struct Subscription {
    queue: Mutex<Queue>,
    arrived: Event,
}

#[derive(Default)]
struct Queue {
    changes: VecDeque<Change>,
    missed: u64,
    is_over: bool,
}

/// All subscriptions of a `TokenManager`.
#[derive(Default)]
pub(crate) struct Subscribers(Vec<Weak<Subscription>>);

impl Changes {
    /// Returns the next change, or `None` if there is none yet.
    pub fn try_next(&mut self) -> Option<Change> {
        self.0.lock().changes.pop_front()
    }

    /// Returns the number of changes that were lost since the last call because the subscriber was too slow.
    pub fn missed(&mut self) -> u64 {
        std::mem::take(&mut self.0.lock().missed)
    }

    /// Returns the next change. If there is none yet, returns a listener: wait for it, and call again. Returns
    /// `None` after the last change, once the `TokenManager`, all its handles and all work in flight have ended.
    pub fn next_or_listen(&mut self) -> Option<Result<Change, Listener>> {
        let mut queue = self.0.lock();
        match queue.changes.pop_front() {
            Some(change) => Some(Ok(change)),
            None if queue.is_over => None,
            None => Some(Err(self.0.arrived.listen())),
        }
    }
}

impl Subscribers {
    pub(crate) fn subscribe(&mut self) -> Changes {
        self.0.retain(|subscription| subscription.strong_count() > 0);
        let queue = Mutex::new(Queue::default());
        let subscription = Arc::new(Subscription { queue, arrived: Event::default() });
        self.0.push(Arc::downgrade(&subscription));
        Changes(subscription)
    }

    /// Queues a change for each subscriber. Adds the wakers to call when no lock is held.
    pub(crate) fn push(&mut self, change: &Change, wakers: &mut Vec<Waker>) {
        self.0.retain(|subscription| {
            let Some(subscription) = subscription.upgrade() else { return false };
            let mut queue = subscription.lock();
            if queue.changes.len() >= CAPACITY {
                queue.changes.pop_front();
                queue.missed = queue.missed.saturating_add(1);
            }
            queue.changes.push_back(change.clone());
            drop(queue);
            subscription.arrived.notify(wakers);
            true
        });
    }
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        let mut wakers = Vec::new();
        for subscription in self.0.iter().filter_map(Weak::upgrade) {
            subscription.lock().is_over = true;
            subscription.arrived.notify(&mut wakers);
        }
        wake(wakers);
    }
}

impl Subscription {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.0.lock();
        f.debug_struct("Changes")
            .field("waiting", &queue.changes.len())
            .field("missed", &queue.missed)
            .finish_non_exhaustive()
    }
}
