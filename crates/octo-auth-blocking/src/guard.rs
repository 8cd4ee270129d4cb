//! Stands by a job from when it is handed out until it is reported.

use std::sync::Arc;

use octo_auth_core::{Job, Report, Ticket};

use crate::desk::Desk;

/// The guard of the jobs of one flight: dropped before the last was reported, it reports that one as lost.
#[must_use = "dropping it reports the job as lost"]
pub(crate) struct Guard {
    desk: Arc<Desk>,
    open: Option<Ticket>,
}

impl Guard {
    /// Stands by a job.
    pub(crate) fn new(desk: Arc<Desk>, job: &Job) -> Self {
        desk.set_out();
        Self { desk, open: Some(job.ticket().clone()) }
    }

    /// Brings the outcome of the job to the desk, and stands by the next job if there is one.
    pub(crate) fn report(&mut self, report: Report) -> Option<Job> {
        let ticket = self.open.take()?;
        let next = self.desk.report(ticket.key(), report);
        self.open = next.as_ref().map(|job| job.ticket().clone());
        next
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut lost = self.open.take().map(|ticket| (ticket.key().clone(), ticket.lost()));
        while let Some((key, report)) = lost.take() {
            lost = self.desk.report(&key, report).map(|next| (key, next.abandon()));
        }
        self.desk.come_back();
    }
}
