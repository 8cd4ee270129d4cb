//! A carrier of the bare core: it brings one job after the other to the scenery.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{Job, Key, LoadJob, Now, Report};

use super::super::{Call, CallId, Named, Outcome, Scenery};

/// Carries the jobs of one flight.
pub(super) struct Carrier {
    key: Arc<Key>,
    at: At,
}

/// Where a carrier is.
enum At {
    /// Before a job.
    Due(Job),
    /// Before a job that is to wait until then.
    Dozing(LoadJob, Duration),
    /// At a job.
    Begun(Job, CallId, Now),
    /// Behind its last.
    Home,
}

impl Carrier {
    pub(super) fn new(job: Job) -> Self {
        Self { key: job.ticket().key().clone(), at: At::Due(job) }
    }

    /// The key its jobs are about.
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn is_home(&self) -> bool {
        matches!(self.at, At::Home)
    }

    /// Takes what follows from a report.
    pub(super) fn next(&mut self, job: Option<Job>) {
        self.at = job.map_or(At::Home, At::Due);
    }

    /// Goes on as far as it can; the answer is whether it has moved, and the report of a job that has ended.
    pub(super) fn go_on(&mut self, scenery: &Scenery, named: Named) -> (bool, Option<Report>) {
        let now = scenery.now();
        match std::mem::replace(&mut self.at, At::Home) {
            At::Due(Job::Load(job)) if !job.wait().is_zero() => {
                let until = now.boot + job.wait();
                self.at = At::Dozing(job, until);
                (true, None)
            }
            At::Dozing(job, until) if until > now.boot => {
                self.at = At::Dozing(job, until);
                (false, None)
            }
            At::Due(job) => {
                self.begin(job, scenery, named);
                (true, None)
            }
            At::Dozing(job, _) => {
                self.begin(Job::Load(job), scenery, named);
                (true, None)
            }
            At::Begun(job, id, sent) => match scenery.outcome(id) {
                Some(outcome) => (true, Some(reported(job, outcome, sent, now))),
                None => {
                    self.at = At::Begun(job, id, sent);
                    (false, None)
                }
            },
            At::Home => (false, None),
        }
    }

    fn begin(&mut self, job: Job, scenery: &Scenery, named: Named) {
        let call = match &job {
            Job::Send(job) => Call::Send(job.request().clone(), job.deadline()),
            Job::Load(job) => Call::Load(job.name().clone()),
            Job::Save(job) => Call::Save(job.name().clone(), job.expected(), job.content().clone()),
            Job::Claim(job) => Call::Claim(job.name().clone(), job.owner().to_owned(), job.ttl()),
            Job::Release(job) => Call::Release(job.name().clone(), job.owner().to_owned()),
        };
        let id = scenery.arrive(named, call);
        self.at = At::Begun(job, id, scenery.now());
    }
}

/// The report of a job with this outcome.
fn reported(job: Job, outcome: Outcome, sent: Now, now: Now) -> Report {
    match (job, outcome) {
        (Job::Send(job), Outcome::Response(response)) => job.answered(&response, sent, now),
        (Job::Send(job), Outcome::Fault(fault)) => job.failed(fault, sent),
        (Job::Load(job), Outcome::Loaded(read)) => job.loaded(read),
        (Job::Save(job), Outcome::Saved(saved)) => job.saved(saved),
        (Job::Claim(job), Outcome::Claimed(claimed)) => job.claimed(claimed),
        (Job::Release(job), Outcome::Released(_)) => job.released(),
        (job, _) => job.abandon(),
    }
}
