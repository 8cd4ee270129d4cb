//! Guards the jobs of a flight from the first job until the last report.
//!
//! A guard may be dropped early, when its runtime ends or a transport or store panics. It then reports its job: as
//! lost if it was begun, because the outcome is unknown; otherwise as not begun.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use octo_auth_core::{Job, Now, Report, Ticket};

use crate::shared::{Running, Shared};

/// The jobs of one flight, to run one after another.
#[must_use = "dropping it gives the job up"]
pub struct JobGuard {
    stage: Option<Stage>,
    /// Dropped after the last job was reported.
    running: Running,
}

/// The progress of the current job.
enum Stage {
    /// The job was not begun.
    Due(Box<Job>),
    /// The job was begun, but not reported.
    Begun(Ticket),
}

impl JobGuard {
    pub(crate) fn new(running: Running, job: Job) -> Self {
        Self { stage: Some(Stage::Due(Box::new(job))), running }
    }

    /// Returns the next job to run now, and the time of its beginning. Returns `None` when all jobs are reported.
    /// If it is too late for a job, it is reported as not begun.
    pub fn begin(&mut self) -> Option<(Job, Now)> {
        loop {
            let Some(Stage::Due(job)) = &self.stage else { return None };
            // Read before the job begins: if the clock panics, no request was sent.
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

    /// Returns the next job, so that its runner can choose a thread for it. Returns `None` when all jobs are
    /// reported.
    #[must_use]
    pub fn due(&self) -> Option<&Job> {
        match &self.stage {
            Some(Stage::Due(job)) => Some(job),
            Some(Stage::Begun(_)) | None => None,
        }
    }

    /// Reports the outcome of the job that was begun. The next job of the flight, if any, is then due.
    pub fn report(&mut self, report: Report) {
        // The stage stays `Begun` until the core has accepted the report.
        let next = self.shared().report(report);
        self.stage = next.map(|job| Stage::Due(Box::new(job)));
    }

    fn shared(&self) -> &Arc<Shared> {
        self.running.shared()
    }

    /// Reports a job whose outcome will not be known.
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
        // A second panic of the clock would abort the program. The flight then ends by its deadline.
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
