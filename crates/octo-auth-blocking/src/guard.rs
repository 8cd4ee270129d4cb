//! Stands by the jobs of a flight, from when the first is handed out until the last is reported.
//!
//! The rule kept here: what ends without a report is reported all the same. A job that was begun is lost, for nobody
//! knows what came of it. One that was not begun has had no effect: its request was certainly not sent.

use std::sync::Arc;

use octo_auth_core::{Fault, Job, Report, Ticket};

use crate::desk::Desk;

/// The guard of the jobs of one flight.
#[must_use = "dropping it gives the job up"]
pub(crate) struct Guard {
    open: Option<Stage>,
    desk: Arc<Desk>,
    /// Dropped after the job was reported.
    _leave: Leave,
}

/// How far the present job has come.
enum Stage {
    /// Nobody has begun it.
    Due(Box<Job>),
    Begun(Ticket),
}

/// The leave of whoever carries something: a shutdown waits until it has come back.
pub(crate) struct Leave {
    desk: Arc<Desk>,
}

impl Guard {
    /// Stands by a job.
    pub(crate) fn new(desk: Arc<Desk>, job: Job) -> Self {
        let leave = Leave::of(desk.clone());
        Self { open: Some(Stage::Due(Box::new(job))), desk, _leave: leave }
    }

    /// Gives out the job that is due, to be carried out now; nothing once all are reported.
    pub(crate) fn begin(&mut self) -> Option<Job> {
        match self.open.take()? {
            Stage::Due(job) => {
                self.open = Some(Stage::Begun(job.ticket().clone()));
                Some(*job)
            }
            begun @ Stage::Begun(_) => {
                self.open = Some(begun);
                None
            }
        }
    }

    /// Brings the outcome of the job that was begun to the desk, and stands by the next if there is one.
    pub(crate) fn report(&mut self, report: Report) {
        let Some(stage) = &self.open else { return };
        // Should the step not end, the job is open still.
        let next = self.desk.report(stage.ticket().key(), report);
        self.open = next.map(|job| Stage::Due(Box::new(job)));
    }

    /// The report of a job that nothing more is heard of.
    fn give_up(&self, stage: Stage) -> Report {
        match stage {
            Stage::Begun(ticket) => ticket.lost(),
            Stage::Due(job) => match *job {
                Job::Send(job) => {
                    let fault = Fault::not_sent("it was given up before it was sent");
                    job.failed(fault, self.desk.clock().now())
                }
                job => job.abandon(),
            },
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        while let Some(stage) = self.open.take() {
            let ticket = stage.ticket().clone();
            let report = self.give_up(stage);
            self.open = self.desk.report(ticket.key(), report).map(|job| Stage::Due(Box::new(job)));
        }
    }
}

impl Stage {
    fn ticket(&self) -> &Ticket {
        match self {
            Self::Due(job) => job.ticket(),
            Self::Begun(ticket) => ticket,
        }
    }
}

impl Leave {
    /// Counts a carrier that sets out.
    pub(crate) fn of(desk: Arc<Desk>) -> Self {
        desk.set_out();
        Self { desk }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.desk.come_back();
    }
}
