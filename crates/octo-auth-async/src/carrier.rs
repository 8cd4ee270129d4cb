//! Carries jobs to their end, in tasks of their own that no caller can stop.
//!
//! The rule kept here: every job is reported, once. A carrier that is dropped on its way, with its runtime or by a
//! panic of a transport or store, reports its job: as lost if it was begun, and a request that was not as not sent.
//! What comes is reported however late it is: it may hold the only refresh token the server still takes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    ClaimJob, Fault, Job, Key, LoadJob, Now, ReleaseJob, Report, SaveJob, SendJob, Step, StoreError, Ticket,
};
use octo_auth_system::Clock;
use octo_auth_system::telling::Scope;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::accounts::Registration;
use crate::store::Store;

/// The longest a call of the store may take.
const STORE_CALL: Duration = Duration::from_secs(5);

/// Carries a job and all that follow from it, in a task of the runtime of the caller; without a runtime nothing is
/// begun, and that is reported.
pub(crate) fn carry(registration: &Arc<Registration>, job: Job) -> Option<JoinHandle<()>> {
    let carrier = Carrier {
        cargo: Cargo::Waiting(Box::new(job)),
        registration: registration.clone(),
        _leave: Leave::of(registration),
    };
    Some(Handle::try_current().ok()?.spawn(carrier.carry()))
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
    cargo: Cargo,
    registration: Arc<Registration>,
    /// Dropped after the cargo was reported.
    _leave: Leave,
}

/// What a carrier has to report yet.
enum Cargo {
    /// A job that was not begun.
    Waiting(Box<Job>),
    /// A job that was.
    Begun(Ticket),
    /// None: all was reported.
    Delivered,
}

impl Carrier {
    async fn carry(mut self) {
        while let Some(job) = self.begin() {
            let key = job.0.ticket().key().clone();
            let report = self.carry_out(job).await;
            // Begun until the desk has the report: one that it could not take is a job lost.
            let next = self.registration.desk.report(&key, report);
            self.cargo = next.map_or(Cargo::Delivered, |job| Cargo::Waiting(Box::new(job)));
        }
    }

    /// Begins the job that waits, at the time that is read before; nothing is awaited until it is carried out.
    fn begin(&mut self) -> Option<(Job, Now)> {
        let Cargo::Waiting(job) = &self.cargo else { return None };
        let (ticket, begun) = (job.ticket().clone(), self.registration.desk.clock().now());
        match std::mem::replace(&mut self.cargo, Cargo::Begun(ticket)) {
            Cargo::Waiting(job) => Some((*job, begun)),
            Cargo::Begun(_) | Cargo::Delivered => None,
        }
    }

    async fn carry_out(&self, (job, begun): (Job, Now)) -> Report {
        let step = job.ticket().step();
        match job {
            Job::Load(job) => self.load(job).await,
            Job::Claim(job) => self.claim(job).await,
            Job::Send(job) => self.send(job, begun).await,
            Job::Save(job) => self.save(job, step).await,
            Job::Release(job) => self.release(job).await,
        }
    }

    async fn send(&self, job: SendJob, sent: Now) -> Report {
        let Registration { transport, desk, .. } = &*self.registration;
        let scope = desk.telling().request(&job);
        match scope.around(transport.send(job.request(), job.deadline())).await {
            Ok(response) => job.answered(&response, sent, desk.clock().now()),
            Err(fault) => job.failed(fault, sent),
        }
    }

    async fn load(&self, job: LoadJob) -> Report {
        if !job.wait().is_zero() {
            sleep(job.wait()).await;
        }
        let call = self.store().map(|store| store.load(job.name()));
        let result = self.scope(job.key(), Step::Load).around(in_time(call)).await;
        job.loaded(result)
    }

    async fn claim(&self, job: ClaimJob) -> Report {
        let call = self.store().map(|store| store.claim(job.name(), job.owner(), job.ttl()));
        let result = self.scope(job.key(), Step::Claim).around(in_time(call)).await;
        job.claimed(result)
    }

    async fn save(&self, job: SaveJob, step: Step) -> Report {
        let call =
            self.store().map(|store| store.compare_and_swap(job.name(), job.expected(), job.content()));
        let result = self.scope(job.key(), step).around(in_time(call)).await;
        job.saved(result)
    }

    async fn release(&self, job: ReleaseJob) -> Report {
        let call = self.store().map(|store| store.release(job.name(), job.owner()));
        // A claim that cannot be released ends by itself.
        let _ = self.scope(job.key(), Step::Release).around(in_time(call)).await;
        job.released()
    }

    fn scope(&self, key: &Key, call: Step) -> Scope {
        self.registration.desk.telling().store_call(key, call)
    }

    fn store(&self) -> Option<&dyn Store> {
        self.registration.store.as_deref()
    }
}

/// Makes a call of the store, within its time.
async fn in_time<R>(call: Option<impl Future<Output = Result<R, StoreError>>>) -> Result<R, StoreError> {
    let Some(call) = call else { return Err(StoreError::new("there is no store")) };
    let late = |_| Err(StoreError::new("the store did not answer within 5 s"));
    timeout(STORE_CALL, call).await.unwrap_or_else(late)
}

impl Carrier {
    /// Reports what was not, and gives back whatever would follow from it.
    fn give_back(&mut self) {
        let desk = &self.registration.desk;
        let mut next = match std::mem::replace(&mut self.cargo, Cargo::Delivered) {
            Cargo::Waiting(job) => Some(*job),
            Cargo::Begun(ticket) => {
                let key = ticket.key().clone();
                desk.report(&key, ticket.lost())
            }
            Cargo::Delivered => None,
        };
        while let Some(job) = next {
            let key = job.ticket().key().clone();
            next = desk.report(&key, unbegun(job, desk.clock()));
        }
    }
}

/// The report of a job that was not begun.
fn unbegun(job: Job, clock: &dyn Clock) -> Report {
    match job {
        Job::Send(job) => {
            job.failed(Fault::not_sent("the tokio runtime ended before the request was sent"), clock.now())
        }
        job => job.abandon(),
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        // A clock that panics again while its panic is being cleaned up would end the program. The flight then ends
        // by its deadline.
        let _ = catch_unwind(AssertUnwindSafe(|| self.give_back()));
    }
}
