//! The threads of a registration on which its jobs are carried, and the queue before them.
//!
//! The rule kept here: there are 64 at most, whatever is due, and none without work. What is due beyond that waits
//! until one has its hands free. A job that waited for 5 s is given up, not begun: what was decided then may be wrong
//! by now.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use octo_auth_core::Job;

use crate::carrier::{Carrier, Office};
use crate::sync::{Mutex, MutexGuard};

/// How many jobs of a registration are carried at once.
const THREADS: usize = 64;

/// How long a job waits for its carrier.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The carriers of a registration.
#[derive(Default)]
pub(crate) struct Crew {
    roster: Mutex<Roster>,
}

#[derive(Default)]
struct Roster {
    at_work: usize,
    queue: VecDeque<Carrier>,
}

/// The place of one thread in the crew.
struct Post {
    office: Arc<Office>,
    has_left: bool,
}

impl Office {
    /// Has a job carried out, and those that follow it. Should no thread be had for it, it is given up.
    pub(crate) fn carry(self: &Arc<Self>, job: Job) {
        if !self.crew.add(Carrier::new(self.clone(), job)) {
            return;
        }
        let post = Post { office: self.clone(), has_left: false };
        let thread = thread::Builder::new().name("octo-auth-job".to_owned());
        // A thread that cannot be had drops its post.
        let _ = thread.spawn(move || post.work());
    }
}

impl Crew {
    /// Whether no job waits for a carrier.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().queue.is_empty()
    }

    /// Puts one more into the queue. Says whether a thread is to be started, which is counted already.
    fn add(&self, carrier: Carrier) -> bool {
        let now = carrier.since();
        let mut roster = self.lock();
        let is_overdue = |waiting: &Carrier| now.saturating_sub(waiting.since()) >= PATIENCE;
        let overdue = roster.queue.iter().take_while(|waiting| is_overdue(waiting)).count();
        let overdue: Vec<Carrier> = roster.queue.drain(..overdue).collect();
        roster.queue.push_back(carrier);
        let starts = roster.at_work < THREADS;
        roster.at_work += usize::from(starts);
        drop(roster);
        // They report at the desk, which is no work to be done under a lock.
        drop(overdue);
        starts
    }

    fn lock(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post {
    fn work(mut self) {
        while let Some(carrier) = self.next() {
            // A transport or a store that panics ends its own flight alone, which the guard of that reports.
            let _ = catch_unwind(AssertUnwindSafe(|| carrier.run()));
        }
    }

    /// The next job; where there is none the post is left in the same step, so that none is left without a carrier.
    fn next(&mut self) -> Option<Carrier> {
        let mut roster = self.office.crew.lock();
        let next = roster.queue.pop_front();
        if next.is_none() {
            roster.at_work -= 1;
            self.has_left = true;
        }
        let has_room = roster.queue.is_empty();
        drop(roster);
        if next.is_some() && has_room {
            self.office.desk.bell().ring();
        }
        next
    }
}

impl Drop for Post {
    /// Leaves a post that was never taken up. What waits is left to the others; if there are none it is given up.
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        let mut roster = self.office.crew.lock();
        roster.at_work -= 1;
        let left = if roster.at_work == 0 { std::mem::take(&mut roster.queue) } else { VecDeque::new() };
        drop(roster);
        drop(left);
    }
}
