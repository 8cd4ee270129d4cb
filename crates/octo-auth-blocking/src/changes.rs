//! What happens to the keys, told to whoever subscribed.
//!
//! A subscriber that does not keep up loses the oldest changes and learns how many; it never holds up a caller.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, Weak};

use octo_auth_core::{Change, Event, Key};

use crate::sync::{Condvar, Mutex, MutexGuard};

/// How many changes are kept for a subscriber that is behind.
const CAPACITY: usize = 1024;

/// What happens to the keys of a registration from the subscription on, in order: an iterator that waits.
///
/// A subscriber 1,024 changes behind loses the oldest ones, and [`Changes::missed`] tells. The iterator ends once
/// the [`Accounts`](crate::Accounts), all its handles and everything under way are gone and each change was read.
pub struct Changes {
    line: Arc<Line>,
}

/// The changes one subscriber has not read yet.
struct Line {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Default)]
struct Queue {
    changes: VecDeque<Change>,
    missed: u64,
    is_over: bool,
}

/// All subscribers of a registration.
#[derive(Default)]
pub(crate) struct Board {
    lines: Vec<Weak<Line>>,
}

impl Changes {
    /// The next change if there is one already; it waits for none.
    pub fn try_next(&mut self) -> Option<Change> {
        self.line.lock().changes.pop_front()
    }

    /// How many changes were lost since this was asked last, because this subscriber was too far behind.
    pub fn missed(&mut self) -> u64 {
        std::mem::take(&mut self.line.lock().missed)
    }
}

impl Iterator for Changes {
    type Item = Change;

    /// Waits for the next change, however long it takes.
    fn next(&mut self) -> Option<Change> {
        let mut queue = self.line.lock();
        while queue.changes.is_empty() && !queue.is_over {
            queue = self.line.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.changes.pop_front()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.line.lock();
        f.debug_struct("Changes")
            .field("waiting", &queue.changes.len())
            .field("missed", &queue.missed)
            .finish_non_exhaustive()
    }
}

impl Board {
    /// Takes up a subscriber.
    pub(crate) fn subscribe(&mut self) -> Changes {
        self.lines.retain(|line| line.strong_count() > 0);
        let line = Arc::new(Line { queue: Mutex::new(Queue::default()), arrived: Condvar::new() });
        self.lines.push(Arc::downgrade(&line));
        Changes { line }
    }

    /// Tells all subscribers what happened to a key.
    pub(crate) fn tell(&mut self, key: &Key, events: &[Event]) {
        if events.is_empty() || self.lines.is_empty() {
            return;
        }
        let key = Arc::new(key.clone());
        self.lines.retain(|line| {
            let Some(line) = line.upgrade() else { return false };
            let changes = events.iter().map(|event| Change { key: key.clone(), event: event.clone() });
            line.add(changes);
            true
        });
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        for line in self.lines.iter().filter_map(Weak::upgrade) {
            line.lock().is_over = true;
            line.arrived.notify_all();
        }
    }
}

impl Line {
    fn add(&self, changes: impl Iterator<Item = Change>) {
        let mut queue = self.lock();
        for change in changes {
            if queue.changes.len() >= CAPACITY {
                queue.changes.pop_front();
                queue.missed = queue.missed.saturating_add(1);
            }
            queue.changes.push_back(change);
        }
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
