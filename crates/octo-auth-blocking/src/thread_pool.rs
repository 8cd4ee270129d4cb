//! The threads of a `TokenManager` that run jobs, and the queue of waiting jobs.
//!
//! The number of threads is limited, and there are none without work. A job that has waited 5 s in the queue is
//! dropped before it starts: the decision behind it may be outdated.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use octo_auth_core::TokenSpec;
use octo_auth_driver::Shared;

/// The longest time that a job waits for a thread.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// The threads of a `TokenManager`.
pub(crate) struct ThreadPool {
    shared: Arc<Shared>,
    /// The limit of jobs that run concurrently.
    most: usize,
    state: Mutex<PoolState>,
}

/// Jobs, called with the time they have waited. Dropping them cancels them.
pub(crate) type Jobs = Box<dyn FnOnce(Duration) + Send>;

#[derive(Default)]
struct PoolState {
    workers: usize,
    queue: VecDeque<Queued>,
    /// The specs that have running jobs.
    busy: HashSet<Arc<TokenSpec>>,
}

/// The jobs of a flight that wait for a thread.
struct Queued {
    /// The spec for which no other jobs may run concurrently.
    key: Option<Arc<TokenSpec>>,
    jobs: Jobs,
    /// The time they were queued, on the boot clock.
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

    /// Queues jobs for a thread. Jobs with the same key run one after another. If no thread can be started, they
    /// are cancelled.
    pub(crate) fn run(self: &Arc<Self>, key: Option<Arc<TokenSpec>>, jobs: Jobs) {
        let since = self.shared.clock().boot();
        if !self.add(Queued { key, jobs, since }) {
            return;
        }
        let worker = Worker { pool: self.clone(), has_left: false };
        // If the thread cannot be started, its worker is dropped.
        let _ = thread::Builder::new().name("octo-auth-job".to_owned()).spawn(move || worker.work());
    }

    /// Returns whether no job waits for a thread. Jobs that wait only for other jobs of their key do not count.
    /// Jobs that have waited too long are cancelled.
    pub(crate) fn has_room(&self) -> bool {
        let now = self.shared.clock().boot();
        let mut state = self.lock();
        let overdue = state.overdue(now);
        let has_room = state.first_free().is_none();
        drop(state);
        drop(overdue);
        has_room
    }

    /// Queues jobs. Returns whether the caller must start a thread, which is already counted.
    fn add(&self, queued: Queued) -> bool {
        let mut state = self.lock();
        let overdue = state.overdue(queued.since);
        state.queue.push_back(queued);
        let starts = state.workers < self.most;
        state.workers += usize::from(starts);
        drop(state);
        // Dropping the jobs reports them, so do it without the lock.
        drop(overdue);
        starts
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PoolState {
    /// Returns the position of the first jobs in the queue whose key has no running jobs.
    fn first_free(&self) -> Option<usize> {
        let is_free = |queued: &Queued| queued.key.as_ref().is_none_or(|key| !self.busy.contains(key));
        self.queue.iter().position(is_free)
    }

    /// Removes the jobs that have waited too long from the queue.
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
            // A panic of a transport or store ends only its own flight; the guard reports it.
            let _ = catch_unwind(AssertUnwindSafe(move || {
                let waited = shared.clock().boot().saturating_sub(queued.since);
                if waited < QUEUE_TIMEOUT {
                    (queued.jobs)(waited);
                }
            }));
        }
    }

    /// Returns the next jobs, after the jobs of the key `done` have ended. If there are none, the worker leaves
    /// under the same lock, so that no job is left without a thread. A job that waits for its key is run by the
    /// worker of that key.
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
    /// Leaves the pool if the thread was never started. Other workers run the waiting jobs; without other workers
    /// the jobs are cancelled.
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
