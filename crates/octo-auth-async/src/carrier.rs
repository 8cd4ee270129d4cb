//! Carries jobs to their end, in tasks of their own that no caller can stop.
//!
//! The rule kept here: whatever was begun is reported, once. A carrier that is dropped on its way, with its runtime
//! or by a panic of a transport or store, reports its job as lost. What comes is reported however late it is: it may
//! hold the only refresh token the server still takes.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{ClaimJob, Job, LoadJob, ReleaseJob, Report, SaveJob, SendJob, StoreFault, Ticket};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::accounts::Registration;
use crate::store::Store;

/// The longest a call of the store may take.
const STORE_CALL: Duration = Duration::from_secs(5);

/// Carries a job and all that follow from it, on the runtime of the caller; without one the job is reported as lost.
pub(crate) fn carry(registration: &Arc<Registration>, job: Job) -> Option<JoinHandle<()>> {
    let carrier = Carrier {
        ticket: Some(job.ticket().clone()),
        registration: registration.clone(),
        _leave: Leave::of(registration),
    };
    Some(Handle::try_current().ok()?.spawn(carrier.carry(job)))
}

/// The leave of whoever carries something for a registration: a shutdown waits until it has come back.
pub(crate) struct Leave(Arc<Registration>);

impl Leave {
    pub(crate) fn of(registration: &Arc<Registration>) -> Self {
        registration.desk.set_out();
        Self(registration.clone())
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.desk.come_back();
    }
}

/// Whoever carries the jobs of one flight, one after the other.
struct Carrier {
    /// Of the job that is being carried out.
    ticket: Option<Ticket>,
    registration: Arc<Registration>,
    /// Dropped after the ticket was reported.
    _leave: Leave,
}

impl Carrier {
    async fn carry(mut self, mut job: Job) {
        loop {
            let report = self.carry_out(job).await;
            match self.report(report) {
                Some(next) => job = next,
                None => return,
            }
        }
    }

    async fn carry_out(&self, job: Job) -> Report {
        match job {
            Job::Load(job) => self.load(job).await,
            Job::Claim(job) => self.claim(job).await,
            Job::Send(job) => self.send(job).await,
            Job::Save(job) => self.save(job).await,
            Job::Release(job) => self.release(job).await,
        }
    }

    fn report(&mut self, report: Report) -> Option<Job> {
        let ticket = self.ticket.take()?;
        let next = self.registration.desk.report(ticket.key(), report);
        self.ticket = next.as_ref().map(|job| job.ticket().clone());
        next
    }

    async fn send(&self, job: SendJob) -> Report {
        let Registration { transport, desk, .. } = &*self.registration;
        let clock = desk.clock();
        let sent = clock.now();
        match transport.send(job.request(), job.deadline()).await {
            Ok(response) => job.answered(&response, sent, clock.now()),
            Err(fault) => job.failed(fault, sent),
        }
    }

    async fn load(&self, job: LoadJob) -> Report {
        if !job.wait().is_zero() {
            sleep(job.wait()).await;
        }
        let result = in_time(self.store().map(|store| store.load(job.key()))).await;
        job.loaded(result)
    }

    async fn claim(&self, job: ClaimJob) -> Report {
        let call = self.store().map(|store| store.claim(job.key(), job.owner(), job.lasting()));
        let result = in_time(call).await;
        job.claimed(result)
    }

    async fn save(&self, job: SaveJob) -> Report {
        let call = self.store().map(|store| store.compare_and_swap(job.key(), job.expected(), job.record()));
        let result = in_time(call).await;
        job.saved(result)
    }

    async fn release(&self, job: ReleaseJob) -> Report {
        // A claim that cannot be released ends by itself.
        let _ = in_time(self.store().map(|store| store.release(job.key(), job.owner()))).await;
        job.released()
    }

    fn store(&self) -> Option<&dyn Store> {
        self.registration.store.as_deref()
    }
}

/// Makes a call of the store, within its time.
async fn in_time<R>(call: Option<impl Future<Output = Result<R, StoreFault>>>) -> Result<R, StoreFault> {
    let Some(call) = call else { return Err(StoreFault::new("there is no store")) };
    let late = |_| Err(StoreFault::new("the store did not answer within 5 s"));
    timeout(STORE_CALL, call).await.unwrap_or_else(late)
}

impl Drop for Carrier {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let key = ticket.key().clone();
            let mut next = self.registration.desk.report(&key, ticket.lost());
            while let Some(job) = next {
                next = self.registration.desk.report(&key, job.abandon());
            }
        }
    }
}
