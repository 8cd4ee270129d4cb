//! Carries the jobs of a flight to their end, on a thread of their own.
//!
//! No caller is involved: whoever began the flight may give up, return or end meanwhile. A carrier that panics in a
//! transport or a store has its job reported as lost by its [`Guard`].

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use octo_auth_core::{Job, Now, Report, SendJob, Store};
use octo_auth_system::Clock;

use crate::desk::Desk;
use crate::guard::Guard;
use crate::transport::Transport;

/// What a registration's jobs and callers need.
pub(crate) struct Office {
    pub(crate) desk: Arc<Desk>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) store: Arc<dyn Store>,
    /// How long a caller waits unless it says otherwise.
    pub(crate) wait: Duration,
    /// How long an exchange may take.
    pub(crate) exchange_deadline: Duration,
    /// Whether the current thread may wait.
    pub(crate) may_block: fn() -> bool,
}

impl Office {
    /// Has a job carried out, and those that follow it; what is returned hangs up when all is done. Should the thread
    /// not be had, the job is reported as lost.
    pub(crate) fn carry(self: &Arc<Self>, job: Job) -> mpsc::Receiver<()> {
        let carrier = Carrier { guard: Guard::new(self.desk.clone(), &job), office: self.clone() };
        let thread = thread::Builder::new().name("octo-auth-job".to_owned());
        let (at_work, done) = mpsc::channel();
        // A thread that cannot be had drops the guard with what it was to run.
        let _ = thread.spawn(move || {
            carrier.run(job);
            drop(at_work);
        });
        done
    }

    /// Whether the current thread may wait.
    pub(crate) fn may_wait(&self) -> bool {
        (self.may_block)()
    }

    fn now(&self) -> Now {
        self.desk.clock().now()
    }
}

/// Carries the jobs of one flight.
struct Carrier {
    guard: Guard,
    office: Arc<Office>,
}

impl Carrier {
    fn run(mut self, job: Job) {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            let report = self.carry_out(job);
            next = self.guard.report(report);
        }
    }

    fn carry_out(&self, job: Job) -> Report {
        let store = &self.office.store;
        match job {
            Job::Load(job) => {
                if !job.wait().is_zero() {
                    thread::sleep(job.wait());
                }
                let result = store.load(job.key());
                job.loaded(result)
            }
            Job::Claim(job) => {
                let result = store.claim(job.key(), job.owner(), job.lasting());
                job.claimed(result)
            }
            Job::Send(job) => self.send(job),
            Job::Save(job) => {
                let result = store.compare_and_swap(job.key(), job.expected(), job.record());
                job.saved(result)
            }
            Job::Release(job) => {
                // A claim that cannot be released ends by itself.
                let _ = store.release(job.key(), job.owner());
                job.released()
            }
        }
    }

    fn send(&self, job: SendJob) -> Report {
        let sent = self.office.now();
        match self.office.transport.send(job.request(), job.deadline()) {
            Ok(response) => job.answered(&response, sent, self.office.now()),
            Err(fault) => job.failed(fault, sent),
        }
    }
}
