//! Runs jobs to their end, on their own threads that no caller can stop.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    Answer, Exchange, ExchangeError, Job, Now, Reply, Report, SendJob, Store, Ticket, TransportError,
};
use octo_auth_driver::{Admitted, JobGuard, Running};

use crate::context::Context;

impl Context {
    /// Runs an exchange that belongs to no spec, on the calling thread, and then `then` with its outcome. A
    /// shutdown waits for both.
    pub(crate) fn run<T: Reply, R>(
        &self,
        exchange: Exchange<T>,
        then: impl FnOnce(Result<Answer<T>, ExchangeError>) -> R,
    ) -> R {
        match self.admit(&exchange) {
            Ok(_running) => then(self.send_beside(exchange)),
            Err(fault) => then(Err(exchange.failed(fault))),
        }
    }

    /// Waits until an exchange may be sent.
    fn admit<T: Reply>(&self, exchange: &Exchange<T>) -> Result<Running, TransportError> {
        if !self.may_block() {
            return Err(TransportError::not_sent("waiting here would stall the async runtime"));
        }
        let mut admission = self.shared.admission();
        loop {
            if exchange.is_too_old(self.shared.now()) {
                return Err(TransportError::not_sent("the code became too old while it waited"));
            }
            match admission.ask(exchange.purpose()) {
                Admitted::Yes(running) => return Ok(running),
                Admitted::Wait(listener, at_most) => drop(listener.wait_timeout(at_most)),
                Admitted::No(fault) => return Err(fault),
            }
        }
    }

    fn send_beside<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        let (shared, purpose) = (&self.shared, exchange.purpose());
        let (request, sent) = (exchange.request(), shared.now());
        let scope = shared.telemetry().request_beside(purpose, request.uri().host());
        let result = scope.within(|| self.transport.send(request, self.exchange_deadline));
        let outcome = exchange.end(result, sent, shared.now());
        shared.telemetry().exchanged(purpose, outcome.as_ref().err(), || shared.budget_left());
        outcome
    }

    /// Queues the jobs of a flight for a thread. Requests, and waits before a read of the store, use the request
    /// threads. Store calls use the store threads.
    pub(crate) fn spawn(self: &Arc<Self>, guard: JobGuard) {
        let context = self.clone();
        match guard.due() {
            Some(Job::Send(_)) => {
                self.requests.run(None, Box::new(move |waited| context.run_jobs(guard, waited)));
            }
            Some(Job::Load(job)) if !job.wait().is_zero() => {
                let wait = job.wait();
                let jobs = move |_| {
                    context.wait(wait);
                    context.call_store(guard);
                };
                self.requests.run(None, Box::new(jobs));
            }
            _ => self.call_store(guard),
        }
    }

    fn call_store(self: &Arc<Self>, guard: JobGuard) {
        let (context, spec) = (self.clone(), guard.due().map(|job| job.ticket().spec().clone()));
        self.store_calls.run(spec, Box::new(move |waited| context.run_jobs(guard, waited)));
    }

    /// Runs the jobs of a flight, as long as they belong on this kind of thread. `waited` is the time that the
    /// first job waited for the thread.
    fn run_jobs(self: &Arc<Self>, mut guard: JobGuard, mut waited: Duration) {
        let is_request = |guard: &JobGuard| matches!(guard.due(), Some(Job::Send(_)));
        let belongs_here = is_request(&guard);
        while is_request(&guard) == belongs_here {
            let Some((job, begun)) = guard.begin() else { return };
            let report = match job {
                Job::Send(job) => self.send(job, begun, std::mem::take(&mut waited)),
                job => self.run_store_job(job),
            };
            guard.report(report);
            // The next read may have to wait for another process.
            if matches!(guard.due(), Some(Job::Load(job)) if !job.wait().is_zero()) {
                break;
            }
        }
        if guard.due().is_some() {
            self.spawn(guard);
        }
    }

    fn run_store_job(&self, job: Job) -> Report {
        let ticket = job.ticket().clone();
        match job {
            Job::Load(job) => {
                let result = self.call(&ticket, |store| store.load(job.name()));
                job.loaded(result)
            }
            Job::Claim(job) => {
                let result = self.call(&ticket, |store| store.claim(job.name(), job.owner(), job.ttl()));
                job.claimed(result)
            }
            Job::Save(job) => {
                let save =
                    |store: &dyn Store| store.compare_and_swap(job.name(), job.expected(), job.content());
                let result = self.call(&ticket, save);
                job.saved(result)
            }
            Job::Release(job) => {
                // A lease that cannot be released ends by itself.
                let _ = self.call(&ticket, |store| store.release(job.name(), job.owner()));
                job.released()
            }
            job @ Job::Send(_) => job.abandon(),
        }
    }

    fn call<R>(&self, ticket: &Ticket, call: impl FnOnce(&dyn Store) -> R) -> R {
        let scope = self.shared.telemetry().store_call(ticket.spec(), ticket.step());
        scope.within(|| call(&*self.store))
    }

    /// Waits before a read of the store, until the clock says that the time has passed. A simulated clock may be
    /// moved meanwhile.
    fn wait(&self, wait: Duration) {
        let boot = || self.shared.clock().boot();
        let until = boot().saturating_add(wait);
        let mut left = wait;
        while !left.is_zero() {
            let listener = self.shared.listen();
            left = until.saturating_sub(boot());
            if !listener.wait_timeout(left) {
                return;
            }
        }
    }

    /// Sends a request within the rest of its deadline, which began when the core returned the job.
    fn send(&self, job: SendJob, sent: Now, waited: Duration) -> Report {
        let left = job.deadline().saturating_sub(waited);
        let scope = self.shared.telemetry().request(&job);
        match scope.within(|| self.transport.send(job.request(), left)) {
            Ok(response) => job.answered(&response, sent, self.shared.now()),
            Err(fault) => job.failed(fault, sent),
        }
    }
}
