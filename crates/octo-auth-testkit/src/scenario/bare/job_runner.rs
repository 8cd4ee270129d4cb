//! Runs the jobs of one flight in the environment of a scenario, as far as time permits.

use std::time::Duration;

use octo_auth_core::{Job, LoadJob, Now, Report};
use octo_auth_driver::JobGuard;

use super::super::{CallId, Environment, IoCall, IoOutcome, Named};

/// Runs the jobs of one flight.
pub(super) struct JobRunner {
    guard: JobGuard,
    at: At,
}

/// The state of a runner.
enum At {
    /// Before a job, or after the last one.
    Due,
    /// Before a job that waits until this time of the boot clock.
    Waiting(LoadJob, Duration),
    /// During a job.
    Begun(Job, CallId, Now),
}

impl JobRunner {
    pub(super) fn new(guard: JobGuard) -> Self {
        Self { guard, at: At::Due }
    }

    /// Proceeds as far as possible. Returns whether anything has changed, or `None` after the last job.
    pub(super) fn go_on(&mut self, environment: &Environment, named: Named) -> Option<bool> {
        let now = environment.now();
        match std::mem::replace(&mut self.at, At::Due) {
            At::Due => match self.guard.begin()? {
                (Job::Load(job), now) if !job.wait().is_zero() => {
                    let until = now.boot + job.wait();
                    self.at = At::Waiting(job, until);
                }
                (job, _) => self.begin(job, environment, named),
            },
            At::Waiting(job, until) if until > now.boot => {
                self.at = At::Waiting(job, until);
                return Some(false);
            }
            At::Waiting(job, _) => self.begin(Job::Load(job), environment, named),
            At::Begun(job, id, sent) => match environment.outcome(id) {
                Some(outcome) => self.guard.report(reported(job, outcome, sent, now)),
                None => {
                    self.at = At::Begun(job, id, sent);
                    return Some(false);
                }
            },
        }
        Some(true)
    }

    fn begin(&mut self, job: Job, environment: &Environment, named: Named) {
        let call = match &job {
            Job::Send(job) => IoCall::Send(job.request().clone(), job.deadline()),
            Job::Load(job) => IoCall::Load(job.name().clone()),
            Job::Save(job) => IoCall::Save(job.name().clone(), job.expected(), job.content().clone()),
            Job::Claim(job) => IoCall::Claim(job.name().clone(), job.owner().to_owned(), job.ttl()),
            Job::Release(job) => IoCall::Release(job.name().clone(), job.owner().to_owned()),
        };
        let id = environment.arrive(named, call);
        self.at = At::Begun(job, id, environment.now());
    }
}

/// Returns the report of a job with this outcome.
fn reported(job: Job, outcome: IoOutcome, sent: Now, now: Now) -> Report {
    match (job, outcome) {
        (Job::Send(job), IoOutcome::Response(response)) => job.answered(&response, sent, now),
        (Job::Send(job), IoOutcome::Fault(fault)) => job.failed(fault, sent),
        (Job::Load(job), IoOutcome::Loaded(read)) => job.loaded(read),
        (Job::Save(job), IoOutcome::Saved(saved)) => job.saved(saved),
        (Job::Claim(job), IoOutcome::Claimed(claimed)) => job.claimed(claimed),
        (Job::Release(job), IoOutcome::Released(_)) => job.released(),
        (job, _) => job.abandon(),
    }
}
