//! The parts of a world that the author of its events may see: jobs in flight, decisions for callers, counts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use octo_auth_core::{Job, RecordBytes, Verdict};

use super::plan::Who;
use super::process::Carried;
use super::stats::Tally;
use super::told::LastAnswer;
use super::{Violation, World};
use crate::StoredRecord;

/// A job in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// The number of the job. Jobs are numbered from one in the order of their beginning.
    pub number: u64,
    /// The machine and the spec.
    pub who: Who,
    /// The kind of the job.
    pub kind: JobKind,
    /// How long it is delayed.
    pub waits: Duration,
}

/// The kind of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// It sends a request.
    Send,
    /// It asks the store.
    Store,
}

impl World {
    /// Returns the first violation of an invariant, or `None`.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violations.first()
    }

    /// Returns the counts.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.stats
    }

    /// Returns the jobs in flight that began after the job with this number, oldest first.
    #[must_use]
    pub fn jobs_after(&self, number: u64) -> Vec<InFlight> {
        if self.jobs_begun <= number {
            return Vec::new();
        }
        let all = self.processes.iter().enumerate();
        let all = all.flat_map(|(process, own)| own.carried.iter().map(move |carried| (process, carried)));
        let young = all.filter(|(_, carried)| carried.number > number);
        let mut jobs: Vec<_> = young.map(|(process, carried)| in_flight(process, carried)).collect();
        jobs.sort_by_key(|job| job.number);
        jobs
    }

    /// Returns the kind of the oldest job in flight of a spec in a process, or `None`.
    #[must_use]
    pub fn oldest_job(&self, who: Who) -> Option<JobKind> {
        let (process, key) = self.place(who);
        let carried = self.processes[process].carried.iter().find(|carried| carried.key == key)?;
        Some(in_flight(process, carried).kind)
    }

    /// Returns whether any job of a spec is in flight in a process.
    #[must_use]
    pub fn is_carried(&self, who: Who) -> bool {
        let (process, key) = self.place(who);
        self.processes[process].carried.iter().any(|carried| carried.key == key)
    }

    /// Returns how the last caller was answered.
    #[must_use]
    pub fn told(&self) -> LastAnswer {
        self.told
    }

    /// Returns whether any process says that a user must sign in.
    #[must_use]
    pub fn asks_for_sign_in(&self, key: u8) -> bool {
        let key = usize::from(key) % self.keys.len();
        (0..self.processes.len()).any(|process| {
            let status = self.processes[process].manager.status(&self.keys[key], self.clock(process));
            status.is_some_and(|status| status.sign_in_needed)
        })
    }

    /// Returns how long it takes until time alone can change anything for a spec: a decision, or the end of a claim.
    #[must_use]
    pub fn next_change_of(&self, key: u8) -> Option<Duration> {
        let key = usize::from(key) % self.keys.len();
        let told = (0..self.processes.len()).filter_map(|process| {
            let now = self.clock(process);
            let next = self.processes[process].manager.status(&self.keys[key], now)?.next_change?;
            Some(next.saturating_sub(now.boot))
        });
        let lease = self.store.leases.until(&self.names[key]).checked_sub(self.now.boot);
        told.chain(lease.filter(|left| !left.is_zero())).min()
    }

    /// Returns a number that is equal for worlds in which a spec looks equal from outside.
    #[must_use]
    pub fn looks_of(&self, key: u8) -> u64 {
        let key = usize::from(key) % self.keys.len();
        let mut hasher = DefaultHasher::new();
        (self.now.boot, self.now.wall.as_unix_millis()).hash(&mut hasher);
        for process in 0..self.processes.len() {
            let own = &self.processes[process];
            own.manager.explain(&self.keys[key], self.clock(process)).hash(&mut hasher);
            let expected = &own.expected[key];
            (expected.signed_out, expected.is_decided(), expected.dead.is_some()).hash(&mut hasher);
            for carried in own.carried.iter().filter(|carried| carried.key == key) {
                (carried.since.boot, format!("{:?}", carried.job)).hash(&mut hasher);
                if let Job::Save(job) = &carried.job {
                    looks(job.content()).hash(&mut hasher);
                }
            }
        }
        let name = &self.names[key];
        let refresh_token = self.store.record(name).and_then(|record| record.refresh_token());
        refresh_token.hash(&mut hasher);
        refresh_token.and_then(|token| self.server.takes(token, self.now.boot)).hash(&mut hasher);
        let stored = self.store.load(name);
        (
            stored.map(|stored| (stored.version, looks(&stored.content))),
            self.store.leases.until(name),
            self.store.leases.ended_owner(name),
        )
            .hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn place(&self, who: Who) -> (usize, usize) {
        (self.process(who.machine), usize::from(who.key) % self.keys.len())
    }

    pub(super) fn note_told(&mut self, verdict: &Verdict) {
        self.told = match verdict {
            Verdict::Use(_) | Verdict::UseAndRun(..) => LastAnswer::Served,
            Verdict::Run(_) => LastAnswer::Runs,
            Verdict::Wait { .. } => LastAnswer::Waits,
            Verdict::GiveUp(_) => LastAnswer::Failed,
        };
        self.stats.asked += 1;
        self.stats.served += u64::from(self.told == LastAnswer::Served);
    }
}

/// Returns the visible content of a record without its tokens: their names differ even in equivalent worlds.
fn looks(content: &RecordBytes) -> Option<String> {
    let record = StoredRecord::read(content)?.without("access_token").without("refresh_token");
    Some(format!("{record:?}"))
}

fn in_flight(process: usize, carried: &Carried) -> InFlight {
    let small = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    let (kind, waits) = match &carried.job {
        Job::Send(_) => (JobKind::Send, Duration::ZERO),
        Job::Load(job) => (JobKind::Store, job.wait()),
        Job::Claim(_) | Job::Save(_) | Job::Release(_) => (JobKind::Store, Duration::ZERO),
    };
    InFlight {
        number: carried.number,
        who: Who { machine: small(process), key: small(carried.key) },
        kind,
        waits,
    }
}
