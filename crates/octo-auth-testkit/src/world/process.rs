//! One process of a simulated world: its machine, what it carries, and what it was told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use octo_auth_core::{Client, Entropy, Generation, Job, Now, Policy, RecordBytes, TokenManager, Version};

use super::expectations::Expected;
use super::plan::Setup;
use super::server::Outcome;
use crate::StoredRecord;

/// The span in which requests are counted.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// The time that a store has for one step.
const STORE_CALL: Duration = Duration::from_secs(5);

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) manager: TokenManager,
    /// How many processes there were in this place before.
    pub(super) incarnation: u32,
    pub(super) is_shut_down: bool,
    /// The owner of its claims; empty before its first one.
    pub(super) owner: String,
    /// What is in flight.
    pub(super) carried: Vec<Carried>,
    /// Requests whose carrier was lost, and whose answer may arrive all the same.
    pub(super) orphans: Vec<Carried>,
    /// What was told of each key.
    pub(super) expected: Vec<Expected>,
    /// When requests were sent on the boot clock, and for which key: those of the last minute at least.
    pub(super) sent: VecDeque<(Duration, Option<usize>)>,
    /// When a failure was met that concerns all keys, unless a request that was sent since has succeeded.
    pub(super) blamed: Option<Duration>,
    /// What was said to be stored and is not yet, by a defect.
    pub(super) unwritten: Vec<(usize, Option<Version>, RecordBytes)>,
}

/// A job in flight.
#[derive(Debug)]
pub(super) struct Carried {
    /// Jobs are counted as they begin.
    pub(super) number: u64,
    pub(super) job: Job,
    /// The record that it writes, if it writes that of a key.
    pub(super) record: Option<Arc<StoredRecord>>,
    pub(super) key: usize,
    pub(super) since: Now,
    /// Its place among the world's exchanges, where it is one.
    pub(super) exchange: Option<usize>,
    /// The generation whose refusal caused it.
    pub(super) forced: Option<Generation>,
    /// The answer, which the server has given and nobody has read.
    pub(super) on_its_way: Option<(Outcome, Response<Vec<u8>>)>,
    /// How many sign-ins and sign-outs there had been in its process.
    pub(super) decisions: u64,
    /// How many answers with tokens its process had got for the key.
    pub(super) answers: u64,
}

/// More requests than anybody waits for the answers of.
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

    /// A request was sent.
    pub(super) fn note_sent(&mut self, now: Duration, key: Option<usize>) {
        while self.sent.front().is_some_and(|(at, _)| now.saturating_sub(*at) > MINUTE) {
            self.sent.pop_front();
        }
        self.sent.push_back((now, key));
    }

    /// A request of a key that began at that moment was not sent after all.
    pub(super) fn forget_sent(&mut self, begun: Duration, key: usize) {
        if let Some(place) = self.sent.iter().rposition(|own| *own == (begun, Some(key))) {
            self.sent.remove(place);
        }
    }

    /// The carrier of a request was lost. Of very many the oldest is never answered.
    pub(super) fn orphaned(&mut self, carried: Carried) {
        self.orphans.drain(..self.orphans.len().saturating_sub(MOST_ORPHANS));
        self.orphans.push(carried);
    }

    /// Something was heard that may open what callers were told is closed.
    pub(super) fn reopened(&mut self) {
        self.expected.iter_mut().for_each(|expected| expected.closed = None);
    }

    /// Everything that was held against the client is forgotten.
    pub(super) fn client_replaced(&mut self) {
        self.reopened();
        self.blamed = None;
        self.expected.iter_mut().for_each(|expected| expected.has_failed = false);
    }

    /// Returns whether a job of a key takes longer than it may.
    pub(super) fn is_overdue(&self, key: usize, now: Now) -> bool {
        self.carried.iter().any(|carried| carried.key == key && carried.is_over(now))
    }

    /// The machine is asked: it waits no more for what takes longer than it may, which may have held others back.
    pub(super) fn asked(&mut self, now: Now) {
        if self.carried.iter().any(|carried| carried.is_over(now)) {
            self.reopened();
        }
    }

    /// Returns the records of a key whose saving takes longer than it may.
    pub(super) fn overdue_records(&self, key: usize, now: Now) -> impl Iterator<Item = &StoredRecord> {
        let overdue = self.carried.iter().filter(move |carried| carried.key == key && carried.is_over(now));
        overdue.filter_map(|carried| carried.record.as_deref())
    }

    /// Returns whether anything is in flight for a key.
    pub(super) fn carries(&self, key: usize) -> bool {
        self.carried.iter().any(|carried| carried.key == key)
    }
}

impl Carried {
    /// Returns whether it takes longer than it may.
    pub(super) fn is_over(&self, now: Now) -> bool {
        self.since.boot.saturating_add(self.may_take()) <= now.boot
    }

    /// Returns the time that the job may take.
    pub(super) fn may_take(&self) -> Duration {
        match &self.job {
            Job::Send(job) => job.deadline(),
            Job::Load(job) => job.wait() + STORE_CALL,
            Job::Claim(_) | Job::Save(_) | Job::Release(_) => STORE_CALL,
        }
    }
}
