//! Carries the jobs of a flight to their end.
//!
//! No caller is involved: whoever began the flight may give up, return or end meanwhile. A carrier that ends early, or
//! panics in a transport or a store, has its job reported by its [`Guard`].

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    Answer, Exchange, ExchangeError, Fault, Job, Key, Now, Reply, Report, SendJob, Step, Store,
};
use octo_auth_system::telling::Scope;
use octo_auth_system::{Clock, Waiting};

use crate::bell::Bell;
use crate::crew::{Crew, PATIENCE};
use crate::desk::Desk;
use crate::guard::{Guard, Leave};
use crate::transport::Transport;

/// What a registration's jobs and callers need.
pub(crate) struct Office {
    pub(crate) desk: Arc<Desk>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) crew: Crew,
    /// Rings whenever the clock was moved other than by running.
    pub(crate) moves: Bell,
    /// How long a caller waits unless it says otherwise.
    pub(crate) wait: Duration,
    /// How long an exchange may take.
    pub(crate) exchange_deadline: Duration,
    /// Whether the current thread may wait.
    pub(crate) may_block: fn() -> bool,
}

/// Carries the jobs of one flight.
pub(crate) struct Carrier {
    guard: Guard,
    office: Arc<Office>,
    /// When the first job was handed out, on the boot clock.
    since: Duration,
}

impl Office {
    /// Whether the current thread may wait.
    pub(crate) fn may_wait(&self) -> bool {
        (self.may_block)()
    }

    /// Runs an exchange beside the machine.
    pub(crate) fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        if !self.may_wait() {
            return Err(exchange.lost(Fault::not_sent("waiting here would stall the async runtime")));
        }
        let _leave = Leave::of(self.desk.clone());
        let mut rings = self.desk.bell().count();
        while let Err(left) = self.desk.admit(exchange.purpose()) {
            self.desk.bell().wait_past(rings, left);
            rings = self.desk.bell().count();
        }
        let sent = self.now();
        let request = exchange.request();
        let scope = self.desk.telling().request_beside(exchange.purpose(), request.uri().host());
        let (result, purpose) =
            (scope.within(|| self.transport.send(request, self.exchange_deadline)), exchange.purpose());
        let outcome = match result {
            Ok(response) => exchange.finish(&response, sent, self.now()),
            Err(fault) => Err(exchange.lost(fault)),
        };
        self.desk.telling().exchanged(purpose, outcome.as_ref().err(), || self.desk.budget_left());
        outcome
    }

    fn now(&self) -> Now {
        self.desk.clock().now()
    }
}

impl Waiting for Office {
    fn look_again(&self) {
        self.desk.wake_all();
        self.moves.ring();
    }
}

impl Carrier {
    pub(crate) fn new(office: Arc<Office>, job: Job) -> Self {
        let guard = Guard::new(office.desk.clone(), job);
        let since = office.now().boot;
        Self { guard, office, since }
    }

    /// When it was called for, on the boot clock.
    pub(crate) fn since(&self) -> Duration {
        self.since
    }

    /// Carries all out, unless it comes too late.
    pub(crate) fn run(mut self) {
        let mut begun = self.office.now();
        let mut waited = begun.boot.saturating_sub(self.since);
        if waited >= PATIENCE {
            return;
        }
        while let Some(job) = self.guard.begin() {
            let report = self.carry_out(job, begun, waited);
            self.guard.report(report);
            // Read while nothing is begun: should the clock fail, no request is.
            begun = self.office.now();
            waited = Duration::ZERO;
        }
    }

    fn carry_out(&self, job: Job, begun: Now, waited: Duration) -> Report {
        let (store, step) = (&self.office.store, job.ticket().step());
        match job {
            Job::Load(job) => {
                self.wait(job.wait());
                let result = self.scope(job.key(), Step::Load).within(|| store.load(job.name()));
                job.loaded(result)
            }
            Job::Claim(job) => {
                let claim = || store.claim(job.name(), job.owner(), job.ttl());
                let result = self.scope(job.key(), Step::Claim).within(claim);
                job.claimed(result)
            }
            Job::Send(job) => self.send(job, begun, waited),
            Job::Save(job) => {
                let save = || store.compare_and_swap(job.name(), job.expected(), job.content());
                let result = self.scope(job.key(), step).within(save);
                job.saved(result)
            }
            Job::Release(job) => {
                // A claim that cannot be released ends by itself.
                let release = || store.release(job.name(), job.owner());
                let _ = self.scope(job.key(), Step::Release).within(release);
                job.released()
            }
        }
    }

    /// Waits so long, or until the clock says that it was: it may be moved meanwhile.
    fn wait(&self, time: Duration) {
        let Office { desk, moves, .. } = &*self.office;
        let until = desk.clock().boot().saturating_add(time);
        let mut left = time;
        while !left.is_zero() {
            let rings = moves.count();
            left = until.saturating_sub(desk.clock().boot());
            if !moves.wait_past(rings, left) {
                return;
            }
        }
    }

    fn scope(&self, key: &Key, call: Step) -> Scope {
        self.office.desk.telling().store_call(key, call)
    }

    /// Sends a request, in what is left of its time since it was handed out.
    fn send(&self, job: SendJob, sent: Now, waited: Duration) -> Report {
        let left = job.deadline().saturating_sub(waited);
        let scope = self.office.desk.telling().request(&job);
        match scope.within(|| self.office.transport.send(job.request(), left)) {
            Ok(response) => job.answered(&response, sent, self.office.now()),
            Err(fault) => job.failed(fault, sent),
        }
    }
}
