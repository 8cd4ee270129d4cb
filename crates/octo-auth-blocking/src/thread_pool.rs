//! The threads on which a registration runs its jobs, and the queue before them.
//!
//! There is a bounded number of threads, and none without work. A job that waited 5 s in the queue is given up, not begun:
//! what was decided then may be wrong by now.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use octo_auth_core::TokenSpec;
use octo_auth_driver::Shared;

/// How long a job waits for a thread.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// The threads of a registration.
pub(crate) struct ThreadPool {
    shared: Arc<Shared>,
    /// The most jobs that run at once.
    most: usize,
    state: Mutex<PoolState>,
}

/// Jobs that are run with the time they have waited; dropped, they are given up.
pub(crate) type Jobs = Box<dyn FnOnce(Duration) + Send>;

#[derive(Default)]
struct PoolState {
    workers: usize,
    queue: VecDeque<Queued>,
    /// The keys that a thread is at work for.
    busy: HashSet<Arc<TokenSpec>>,
}

/// The jobs of a flight that wait for a thread.
struct Queued {
    /// The key for which no other jobs may run meanwhile.
    key: Option<Arc<TokenSpec>>,
    jobs: Jobs,
    /// When they were queued, on the boot clock.
    since: Duration,
}

/// One thread of the pool.
struct Worker {
    pool: Arc<ThreadPool>,
    has_left: bool,
}

impl ThreadPool {
    pub(crate) fn new(shared: Arc<Shared>, most: usize) -> Self {
        Self { shared, most, state: Mutex::default() }
    }

    /// Has jobs run, those that name a key one after the other. If no thread can be started for them, they are given up.
    pub(crate) fn run(self: &Arc<Self>, key: Option<Arc<TokenSpec>>, jobs: Jobs) {
        let since = self.shared.clock().boot();
        if !self.add(Queued { key, jobs, since }) {
            return;
        }
        let worker = Worker { pool: self.clone(), has_left: false };
        // A thread that cannot be started drops its worker.
        let _ = thread::Builder::new().name("octo-auth-job".to_owned()).spawn(move || worker.work());
    }

    /// Returns whether no job waits for a thread, rather than for its key; those that have waited too long are given up.
    pub(crate) fn has_room(&self) -> bool {
        let now = self.shared.clock().boot();
        let mut state = self.lock();
        let overdue = state.overdue(now);
        let has_room = state.first_free().is_none();
        drop(state);
        drop(overdue);
        has_room
    }

    /// Queues jobs. Returns whether a thread is to be started, which is counted already.
    fn add(&self, queued: Queued) -> bool {
        let mut state = self.lock();
        let overdue = state.overdue(queued.since);
        state.queue.push_back(queued);
        let starts = state.workers < self.most;
        state.workers += usize::from(starts);
        drop(state);
        // They report, which is no work to be done under a lock.
        drop(overdue);
        starts
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PoolState {
    /// Returns the place of the first jobs in the queue for whose key no thread is at work.
    fn first_free(&self) -> Option<usize> {
        let is_free = |queued: &Queued| queued.key.as_ref().is_none_or(|key| !self.busy.contains(key));
        self.queue.iter().position(is_free)
    }

    /// Takes the jobs that have waited too long out of the queue.
    fn overdue(&mut self, now: Duration) -> Vec<Queued> {
        let is_overdue = |waiting: &&Queued| now.saturating_sub(waiting.since) >= QUEUE_TIMEOUT;
        let overdue = self.queue.iter().take_while(is_overdue).count();
        self.queue.drain(..overdue).collect()
    }
}

impl Worker {
    fn work(mut self) {
        let mut done = None;
        while let Some(queued) = self.next(done.take()) {
            done = queued.key;
            let shared = &self.pool.shared;
            // A transport or a store that panics ends its own flight alone, which its guard reports.
            let _ = catch_unwind(AssertUnwindSafe(move || {
                let waited = shared.clock().boot().saturating_sub(queued.since);
                if waited < QUEUE_TIMEOUT {
                    (queued.jobs)(waited);
                }
            }));
        }
    }

    /// Returns the next jobs, after those for a key are done. Without any the worker leaves in the same step, so that no job
    /// is left without a thread: one that waits for its key is left to the worker that is at work for that.
    fn next(&mut self, done: Option<Arc<TokenSpec>>) -> Option<Queued> {
        let mut state = self.pool.lock();
        done.map(|key| state.busy.remove(&key));
        let place = state.first_free();
        let next = place.and_then(|place| state.queue.remove(place));
        match &next {
            Some(queued) => state.busy.extend(queued.key.clone()),
            None => {
                state.workers -= 1;
                self.has_left = true;
            }
        }
        let has_room = state.first_free().is_none();
        drop(state);
        if next.is_some() && has_room {
            self.pool.shared.wake_watchers();
        }
        next
    }
}

impl Drop for Worker {
    /// Leaves if the thread was never started. What waits is left to the others; if there are none it is given up.
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        let mut state = self.pool.lock();
        state.workers -= 1;
        let left = if state.workers == 0 { std::mem::take(&mut state.queue) } else { VecDeque::new() };
        drop(state);
        drop(left);
    }
}
