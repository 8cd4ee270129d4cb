//! The counts of a world, for a summary of long runs.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use http::Response;

use super::plan::{FaultKind, Reply, StoreEnd};

/// The counts of one world, or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// The number of calls for a token.
    pub asked: u64,
    /// The number of calls that were served.
    pub served: u64,
    /// The number of errors for callers while the machine had a usable token.
    pub failed_with_token: u64,
    /// The number of token requests, without revocations.
    pub requests: u64,
    /// The number of answers with a token.
    pub renewals: u64,
    /// The number of faults and interventions, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// The number of sign-ins lost against the users' will, by the reason why no machine could have kept them.
    pub lost_by_design: BTreeMap<&'static str, u64>,
    /// The number of lost sign-ins that should have been kept.
    pub lost_by_fault: u64,
    /// The number of refresh tokens that were sent again while they were in doubt.
    pub sent_again: u64,
    /// The number of token families that the server ended because a replaced refresh token was used again.
    pub revoked: u64,
    /// The largest number of requests of one process in any 60 s.
    pub worst_minute: u64,
    /// The largest number of requests of all processes together in any 60 s.
    pub worst_minute_of_all: u64,
}

impl Tally {
    /// Adds the counts of another world.
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

/// How often each invariant was examined. It is a table by number, because it is the world's most frequent step.
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

    /// Returns the counts of all invariants that were examined.
    pub(super) fn all(&self) -> BTreeMap<&'static str, u64> {
        self.0.iter().copied().filter(|(_, times)| *times > 0).collect()
    }
}

/// The requests of the last minute.
#[derive(Debug, Default)]
pub(super) struct Minute(VecDeque<Duration>);

impl Minute {
    /// Adds a request. Returns the number of requests in the minute that ends with it.
    pub(super) fn sent(&mut self, now: Duration) -> u64 {
        self.0.push_back(now);
        while self.0.front().is_some_and(|first| now.saturating_sub(*first) > Duration::from_secs(60)) {
            self.0.pop_front();
        }
        self.0.len() as u64
    }

    /// Removes a request that was counted at this time but not sent after all.
    pub(super) fn forget(&mut self, begun: Duration) {
        if let Some(place) = self.0.iter().rposition(|at| *at == begun) {
            self.0.remove(place);
        }
    }
}
