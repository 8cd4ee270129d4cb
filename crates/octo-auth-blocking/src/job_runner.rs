//! Runs jobs to their end on threads of their own, which no caller can stop.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    Answer, Exchange, ExchangeError, Fault, Job, LoadJob, Now, Reply, Report, SendJob, Store,
};
use octo_auth_driver::{Admitted, JobGuard};

use crate::context::Context;

impl Context {
    /// Runs an exchange beside the machine, on the calling thread.
    pub(crate) fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        if !self.may_block() {
            return Err(exchange.lost(Fault::not_sent("waiting here would stall the async runtime")));
        }
        let shared = &self.shared;
        let purpose = exchange.purpose();
        let mut admission = shared.admission();
        let _running = loop {
            if exchange.is_too_old(shared.now()) {
                return Err(exchange.lost(Fault::not_sent("the code became too old while it waited")));
            }
            match admission.ask(purpose) {
                Admitted::Yes(running) => break running,
                Admitted::Wait(listener, at_most) => drop(listener.wait_timeout(at_most)),
                Admitted::No(fault) => return Err(exchange.lost(fault)),
            }
        };
        let (request, sent) = (exchange.request(), shared.now());
        let scope = shared.telemetry().request_beside(purpose, request.uri().host());
        let result = scope.within(|| self.transport.send(request, self.exchange_deadline));
        let outcome = exchange.end(result, sent, shared.now());
        shared.telemetry().exchanged(purpose, outcome.as_ref().err(), || shared.budget_left());
        outcome
    }

    /// Has the jobs of a flight run on a thread of the pool.
    pub(crate) fn spawn(self: &Arc<Self>, mut guard: JobGuard) {
        let context = self.clone();
        self.pool.run(Box::new(move |waited| context.run_jobs(&mut guard, waited)));
    }

    /// Runs the jobs of a flight, the first of which has waited for its thread.
    fn run_jobs(&self, guard: &mut JobGuard, mut waited: Duration) {
        while let Some((job, begun)) = guard.begin() {
            let report = self.run_job(job, begun, std::mem::take(&mut waited));
            guard.report(report);
        }
    }

    fn run_job(&self, job: Job, begun: Now, waited: Duration) -> Report {
        let (store, ticket) = (&self.store, job.ticket().clone());
        let scope = || self.shared.telemetry().store_call(ticket.key(), ticket.step());
        match job {
            Job::Load(job) => {
                self.wait(&job);
                let result = scope().within(|| store.load(job.name()));
                job.loaded(result)
            }
            Job::Claim(job) => {
                let result = scope().within(|| store.claim(job.name(), job.owner(), job.ttl()));
                job.claimed(result)
            }
            Job::Send(job) => self.send(job, begun, waited),
            Job::Save(job) => {
                let save = || store.compare_and_swap(job.name(), job.expected(), job.content());
                let result = scope().within(save);
                job.saved(result)
            }
            Job::Release(job) => {
                // A claim that cannot be released ends by itself.
                let _ = scope().within(|| store.release(job.name(), job.owner()));
                job.released()
            }
        }
    }

    /// Waits before a reading, until the clock says that the time is over: a simulated clock may be moved meanwhile.
    fn wait(&self, job: &LoadJob) {
        let boot = || self.shared.clock().boot();
        let until = boot().saturating_add(job.wait());
        let mut left = job.wait();
        while !left.is_zero() {
            let listener = self.shared.listen();
            left = until.saturating_sub(boot());
            if !listener.wait_timeout(left) {
                return;
            }
        }
    }

    /// Sends a request, in what is left of its time since it was handed out.
    fn send(&self, job: SendJob, sent: Now, waited: Duration) -> Report {
        let left = job.deadline().saturating_sub(waited);
        let scope = self.shared.telemetry().request(&job);
        match scope.within(|| self.transport.send(job.request(), left)) {
            Ok(response) => job.answered(&response, sent, self.shared.now()),
            Err(fault) => job.failed(fault, sent),
        }
    }
}
