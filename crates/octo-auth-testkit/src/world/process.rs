//! One process of a simulated world: its machine, its jobs, and what it has learned.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use octo_auth_core::{Client, Entropy, Generation, Job, Now, Policy, RecordBytes, TokenManager, Version};

use super::expectations::Expected;
use super::plan::Setup;
use super::server::IssuedTokens;
use crate::StoredRecord;

/// The window in which requests are counted.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// The longest duration of a store operation.
const STORE_CALL: Duration = Duration::from_secs(5);

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) manager: TokenManager,
    /// The number of earlier processes at this place.
    pub(super) incarnation: u32,
    pub(super) is_shut_down: bool,
    /// The owner name of its claims. Empty before the first claim.
    pub(super) owner: String,
    /// The jobs in flight.
    pub(super) carried: Vec<Carried>,
    /// The requests whose carrier was lost. Their answers may still arrive.
    pub(super) orphans: Vec<Carried>,
    /// What the process has learned about each spec.
    pub(super) expected: Vec<Expected>,
    /// The times of requests on the boot clock and their specs, at least those of the last minute.
    pub(super) sent: VecDeque<(Duration, Option<usize>)>,
    /// When an error occurred that concerns all specs. A later successful request clears it.
    pub(super) blamed: Option<Duration>,
    /// The records that were reported as stored but are not yet, because of a defect.
    pub(super) unwritten: Vec<(usize, Option<Version>, RecordBytes)>,
}

/// A job in flight.
#[derive(Debug)]
pub(super) struct Carried {
    /// The number of the job. Jobs are numbered in the order of their beginning.
    pub(super) number: u64,
    pub(super) job: Job,
    /// The record that it writes, if it writes a spec's record.
    pub(super) record: Option<Arc<StoredRecord>>,
    pub(super) key: usize,
    pub(super) since: Now,
    /// Its place among the world's exchanges, if it is an exchange.
    pub(super) exchange: Option<usize>,
    /// The generation whose refusal caused it.
    pub(super) forced: Option<Generation>,
    /// The answer that the server has sent but no process has read.
    pub(super) on_its_way: Option<(IssuedTokens, Response<Vec<u8>>)>,
    /// The number of sign-ins and sign-outs in its process when it began.
    pub(super) decisions: u64,
    /// The number of answers with tokens that its process had received for the spec.
    pub(super) answers: u64,
}

/// The number of lost requests whose answers are kept.
const MOST_ORPHANS: usize = 64;

impl Process {
    pub(super) fn new(
        place: usize,
        incarnation: u32,
        client: &Client,
        policy: &Policy,
        setup: Setup,
        keys: usize,
    ) -> Self {
        let mut seed = [0; 64];
        seed[..8].copy_from_slice(&setup.seed.to_be_bytes());
        seed[8..12].copy_from_slice(&incarnation.to_be_bytes());
        seed[12..20].copy_from_slice(&place.to_be_bytes());
        let entropy = Entropy::from_bytes(seed);
        Self {
            manager: TokenManager::new(client.clone(), policy.clone(), setup.storage, &entropy),
            incarnation,
            is_shut_down: false,
            owner: String::new(),
            carried: Vec::new(),
            orphans: Vec::new(),
            expected: (0..keys).map(|_| Expected::default()).collect(),
            sent: VecDeque::new(),
            blamed: None,
            unwritten: Vec::new(),
        }
    }

    /// Records that a request was sent.
    pub(super) fn note_sent(&mut self, now: Duration, key: Option<usize>) {
        while self.sent.front().is_some_and(|(at, _)| now.saturating_sub(*at) > MINUTE) {
            self.sent.pop_front();
        }
        self.sent.push_back((now, key));
    }

    /// Records that a request of a spec, which began at this time, was not sent after all.
    pub(super) fn forget_sent(&mut self, begun: Duration, key: usize) {
        if let Some(place) = self.sent.iter().rposition(|own| *own == (begun, Some(key))) {
            self.sent.remove(place);
        }
    }

    /// Records a lost request. If there are too many, the oldest never gets an answer.
    pub(super) fn orphaned(&mut self, carried: Carried) {
        self.orphans.drain(..self.orphans.len().saturating_sub(MOST_ORPHANS));
        self.orphans.push(carried);
    }

    /// Records that the process has learned something that may end a back-off.
    pub(super) fn reopened(&mut self) {
        self.expected.iter_mut().for_each(|expected| expected.closed = None);
    }

    /// Forgets all errors that were attributed to the client.
    pub(super) fn client_replaced(&mut self) {
        self.reopened();
        self.blamed = None;
        self.expected.iter_mut().for_each(|expected| expected.has_failed = false);
    }

    /// Returns whether a job of a spec has passed its deadline.
    pub(super) fn is_overdue(&self, key: usize, now: Now) -> bool {
        self.carried.iter().any(|carried| carried.key == key && carried.is_over(now))
    }

    /// Records that the machine was asked. It stops waiting for overdue jobs, which may have blocked others.
    pub(super) fn asked(&mut self, now: Now) {
        if self.carried.iter().any(|carried| carried.is_over(now)) {
            self.reopened();
        }
    }

    /// Returns the records of a spec whose save is overdue.
    pub(super) fn overdue_records(&self, key: usize, now: Now) -> impl Iterator<Item = &StoredRecord> {
        let overdue = self.carried.iter().filter(move |carried| carried.key == key && carried.is_over(now));
        overdue.filter_map(|carried| carried.record.as_deref())
    }

    /// Returns whether any job of a spec is in flight.
    pub(super) fn carries(&self, key: usize) -> bool {
        self.carried.iter().any(|carried| carried.key == key)
    }
}

impl Carried {
    /// Returns whether the job has passed its deadline.
    pub(super) fn is_over(&self, now: Now) -> bool {
        self.since.boot.saturating_add(self.may_take()) <= now.boot
    }

    /// Returns the longest duration of the job.
    pub(super) fn may_take(&self) -> Duration {
        match &self.job {
            Job::Send(job) => job.deadline(),
            Job::Load(job) => job.wait() + STORE_CALL,
            Job::Claim(_) | Job::Save(_) | Job::Release(_) => STORE_CALL,
        }
    }
}
