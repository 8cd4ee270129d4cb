//! Stands by the jobs of a flight, from when the first is handed out until the last is reported.
//!
//! A guard that is dropped on its way, with its runtime or by a panic of a transport or a store, reports its job: as lost
//! if it was begun, for its outcome is unknown, else as not begun.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use octo_auth_core::{Job, Now, Report, Ticket};

use crate::shared::{Running, Shared};

/// The jobs of one flight, to be run one after the other.
#[must_use = "dropping it gives the job up"]
pub struct JobGuard {
    stage: Option<Stage>,
    /// Dropped after the last job was reported.
    running: Running,
}

/// How far the present job has come.
enum Stage {
    /// It was not begun.
    Due(Box<Job>),
    /// Its report is due.
    Begun(Ticket),
}

impl JobGuard {
    pub(crate) fn new(running: Running, job: Job) -> Self {
        Self { stage: Some(Stage::Due(Box::new(job))), running }
    }

    /// Returns the job that is due, to be run now, and the time of its beginning. `None` once all jobs are reported. A job for
    /// which it is too late by now is reported as not begun.
    pub fn begin(&mut self) -> Option<(Job, Now)> {
        loop {
            let Some(Stage::Due(job)) = &self.stage else { return None };
            // Asked while nothing is begun: should the clock panic, no request was sent.
            let ticket = job.ticket().clone();
            let (now, is_in_time) = self.shared().begin_job(&ticket);
            match self.stage.take() {
                Some(Stage::Due(job)) if is_in_time => {
                    self.stage = Some(Stage::Begun(ticket));
                    return Some((*job, now));
                }
                Some(stage) => self.give_up(stage),
                None => return None,
            }
        }
    }

    /// Returns the job that is due, so that its runner can choose a thread for it. `None` once all jobs are reported.
    #[must_use]
    pub fn due(&self) -> Option<&Job> {
        match &self.stage {
            Some(Stage::Due(job)) => Some(job),
            Some(Stage::Begun(_)) | None => None,
        }
    }

    /// Reports the outcome of the job that was begun. The next job of the flight, if there is one, is then due.
    pub fn report(&mut self, report: Report) {
        // Begun until the machine has taken the report.
        let next = self.shared().report(report);
        self.stage = next.map(|job| Stage::Due(Box::new(job)));
    }

    fn shared(&self) -> &Arc<Shared> {
        self.running.shared()
    }

    /// Reports a job that nothing more will be heard of.
    fn give_up(&mut self, stage: Stage) {
        let report = match stage {
            Stage::Begun(ticket) => ticket.lost(),
            Stage::Due(job) => job.not_begun(),
        };
        self.report(report);
    }
}

impl Drop for JobGuard {
    fn drop(&mut self) {
        // A clock that panics again while its panic is handled would abort the program. The flight then ends by its deadline.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            while let Some(stage) = self.stage.take() {
                self.give_up(stage);
            }
        }));
    }
}

impl fmt::Debug for JobGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobGuard").field("is_open", &self.stage.is_some()).finish_non_exhaustive()
    }
}
