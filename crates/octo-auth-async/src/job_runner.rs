//! Runs jobs to their end, in their own tasks that no caller can stop.
//!
//! An answer is reported however late it arrives: it may contain the only refresh token that the server still
//! accepts.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{Job, Now, Report, SendJob, StoreError};
use octo_auth_driver::JobGuard;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::deadline::within;
use crate::registration::Registration;
use crate::store::Store;

/// The time limit of a store call.
const STORE_CALL: Duration = Duration::from_secs(5);

/// Runs jobs in a task of the caller's runtime. Without a runtime the jobs are dropped, and their guard reports
/// that.
pub(crate) fn spawn(registration: &Arc<Registration>, mut guard: JobGuard) -> Option<JoinHandle<()>> {
    let runtime = Handle::try_current().ok()?;
    let registration = registration.clone();
    Some(runtime.spawn(async move {
        while let Some((job, begun)) = guard.begin() {
            let report = registration.run_job(job, begun).await;
            guard.report(report);
        }
    }))
}

impl Registration {
    async fn run_job(&self, job: Job, begun: Now) -> Report {
        let ticket = job.ticket().clone();
        let scope = || self.shared.telemetry().store_call(ticket.spec(), ticket.step());
        match job {
            Job::Send(job) => self.send(job, begun).await,
            Job::Load(job) => {
                if !job.wait().is_zero() {
                    sleep(job.wait()).await;
                }
                let call = self.store().map(|store| store.load(job.name()));
                let result = scope().around(in_time(call)).await;
                job.loaded(result)
            }
            Job::Claim(job) => {
                let call = self.store().map(|store| store.claim(job.name(), job.owner(), job.ttl()));
                let result = scope().around(in_time(call)).await;
                job.claimed(result)
            }
            Job::Save(job) => {
                let call = self
                    .store()
                    .map(|store| store.compare_and_swap(job.name(), job.expected(), job.content()));
                let result = scope().around(in_time(call)).await;
                job.saved(result)
            }
            Job::Release(job) => {
                let call = self.store().map(|store| store.release(job.name(), job.owner()));
                // A lease that cannot be released ends by itself.
                let _ = scope().around(in_time(call)).await;
                job.released()
            }
        }
    }

    async fn send(&self, job: SendJob, sent: Now) -> Report {
        let scope = self.shared.telemetry().request(&job);
        match scope.around((*self.transport).send(job.request(), job.deadline())).await {
            Ok(response) => job.answered(&response, sent, self.shared.now()),
            Err(fault) => job.failed(fault, sent),
        }
    }

    fn store(&self) -> Option<&dyn Store> {
        self.store.as_deref()
    }
}

/// Makes a call of the store within its time limit.
async fn in_time<R>(call: Option<impl Future<Output = Result<R, StoreError>>>) -> Result<R, StoreError> {
    let Some(call) = call else { return Err(StoreError::new("there is no store")) };
    let late = |_| Err(StoreError::new("the store did not answer within 5 s"));
    within(STORE_CALL, call).await.unwrap_or_else(late)
}
