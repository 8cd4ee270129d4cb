//! What a world counts, for a summary of long runs.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use http::Response;

use super::plan::{FaultKind, Reply, StoreEnd};

/// What happened in one world, or in many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// How often a caller asked.
    pub asked: u64,
    /// How often one was served.
    pub served: u64,
    /// Failures told to a caller though a token was in hand that could be served.
    pub failed_with_token: u64,
    /// Token requests sent, revocations not counted.
    pub requests: u64,
    /// Answers that brought a token.
    pub renewals: u64,
    /// What went wrong or was done to the processes, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Sign-ins lost though nobody wanted it, by the reason for which no machine could have kept them.
    pub lost_by_design: BTreeMap<&'static str, u64>,
    /// Sign-ins lost that should have been kept.
    pub lost_by_fault: u64,
    /// Refresh tokens sent again while it was in doubt what had become of them.
    pub sent_again: u64,
    /// Everything got from one sign-in, ended by the server because a replaced refresh token was used again.
    pub revoked: u64,
    /// The most requests of one process in any 60 s.
    pub worst_minute: u64,
    /// The most requests of all processes together in any 60 s.
    pub worst_minute_of_all: u64,
}

impl Tally {
    /// Adds what happened in another world.
    pub fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.served += other.served;
        self.failed_with_token += other.failed_with_token;
        self.requests += other.requests;
        self.renewals += other.renewals;
        self.lost_by_fault += other.lost_by_fault;
        self.sent_again += other.sent_again;
        self.revoked += other.revoked;
        self.worst_minute = self.worst_minute.max(other.worst_minute);
        self.worst_minute_of_all = self.worst_minute_of_all.max(other.worst_minute_of_all);
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (reason, count) in &other.lost_by_design {
            *self.lost_by_design.entry(reason).or_default() += count;
        }
    }

    pub(super) fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    pub(super) fn count_store_fault(&mut self, end: StoreEnd) {
        match end {
            StoreEnd::Works => {}
            StoreEnd::Fails => self.fault("store failed"),
            StoreEnd::FailsAfterwards => self.fault("store broke off"),
            StoreEnd::IsLost => self.fault("store steps lost"),
        }
    }

    pub(super) fn count_reply(&mut self, reply: &Reply, response: Option<&Response<Vec<u8>>>) {
        let status = response.map_or(0, |response| response.status().as_u16());
        let kind = match reply {
            Reply::Token(_) if status == 200 => {
                self.renewals += 1;
                return;
            }
            Reply::Token(_) => "refresh tokens refused",
            Reply::Broken(_) => "answers unusable",
            Reply::Refusal(refusal) if refusal.retry_after.is_some() || refusal.status == 429 => "throttled",
            Reply::Refusal(refusal) if refusal.status >= 500 => "server errors",
            Reply::Refusal(_) => "requests refused",
            Reply::Gateway { done: true, .. } | Reply::Fault(_, true) => "answers lost",
            Reply::Gateway { retry_after: Some(_), .. } => "throttled",
            Reply::Gateway { .. } => "gateway errors",
            Reply::Fault(FaultKind::NotSent, false) => "not sent",
            Reply::Fault(..) => "not answered",
        };
        self.fault(kind);
    }
}

/// How often each invariant was looked at: in a table by number, since it is the world's most frequent step.
#[derive(Debug)]
pub(super) struct Examined([(&'static str, u64); 128]);

impl Default for Examined {
    fn default() -> Self {
        Self([("", 0); 128])
    }
}

impl Examined {
    /// Counts one more for an invariant, such as `I04` or `I17b`.
    pub(super) fn count(&mut self, invariant: &'static str) {
        let [_, tens, ones, rest @ ..] = invariant.as_bytes() else { return };
        let number = usize::from(tens & 7) * 10 + usize::from(ones & 15);
        let place = (number + if rest.is_empty() { 0 } else { 64 }) % self.0.len();
        self.0[place].0 = invariant;
        self.0[place].1 += 1;
    }

    /// How often each was looked at that was at all.
    pub(super) fn all(&self) -> BTreeMap<&'static str, u64> {
        self.0.iter().copied().filter(|(_, times)| *times > 0).collect()
    }
}

/// What was sent in the last minute.
#[derive(Debug, Default)]
pub(super) struct Minute(VecDeque<Duration>);

impl Minute {
    /// Counts one more; how many there are in the minute that ends with it.
    pub(super) fn sent(&mut self, now: Duration) -> u64 {
        self.0.push_back(now);
        while self.0.front().is_some_and(|first| now.saturating_sub(*first) > Duration::from_secs(60)) {
            self.0.pop_front();
        }
        self.0.len() as u64
    }

    /// What was counted at that moment was not sent after all.
    pub(super) fn forget(&mut self, begun: Duration) {
        if let Some(place) = self.0.iter().rposition(|at| *at == begun) {
            self.0.remove(place);
        }
    }
}
