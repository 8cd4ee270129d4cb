//! The health of the endpoint: whether all accounts must back off. Blaming the endpoint needs evidence.
//!
//! A failure counts against the account that had it. It counts against all accounts of the client only:
//!
//! - if no request could be sent at all (DNS, connect, TLS);
//! - if the server throttles and the profile documents a limit, which is then the client's;
//! - if [`STRIKES`] different accounts, none of which had failed before, have failed in a row without a
//!   success between them.
//!
//! The account that failed last leaves the next probe to another account, for half the pause longer.
//! Otherwise an account that always fails and asks often would be the probe each time. A success of any
//! account ends the back-off of all. An account that fails while others succeed is no evidence: its own
//! failures block only itself, and it counts only once until it succeeds.

use std::time::Duration;

use super::history::{FailureHistory, Setback};
use super::rng::SeededRng;
use crate::error::{Pause, Remedy};
use crate::failure::Cause;
use crate::time::Now;

/// The number of accounts that must fail in a row. If one account in ten always fails, this many of them
/// follow each other by chance once in two million starts, while all ask for the first time.
const STRIKES: u32 = 8;

/// The longest duration for which the account that failed last leaves the next probe to another, after the
/// pause of all.
const LONGEST_YIELD: Duration = Duration::from_secs(60);

/// The health of the endpoint, from the failures of all accounts.
#[derive(Debug, Default)]
pub(crate) struct EndpointHealth {
    failures: FailureHistory,
    /// The number of accounts that failed for the first time since the last success.
    strikes: u32,
    probe: Option<Probe>,
    /// The last renewal of the account that failed last, and until when this account leaves the next probe to
    /// another.
    last: Option<(u64, Duration)>,
}

/// The one flight that tries the endpoint after a back-off.
#[derive(Debug)]
struct Probe {
    flight: u64,
    until: Duration,
}

/// The evidence that a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The endpoint or the client is at fault.
    Certain,
    /// The account had not failed before.
    FirstOfAccount,
    /// The account had failed before.
    None,
}

impl EndpointHealth {
    /// Records a failure of an account, identified by the flight of its last renewal. `served_until` is as in
    /// [`FailureHistory::note`].
    pub(crate) fn failed(
        &mut self,
        (evidence, tried): (Evidence, u64),
        (pause, cause, remedy): (Pause, Cause, Remedy),
        served_until: Option<Duration>,
        rng: &mut SeededRng,
        now: Duration,
    ) {
        self.strikes = self.strikes.saturating_add(u32::from(evidence == Evidence::FirstOfAccount));
        // A failed probe is evidence too: the endpoint was in doubt before.
        let is_blocked = match evidence {
            Evidence::Certain => true,
            Evidence::FirstOfAccount | Evidence::None => self.strikes >= STRIKES,
        };
        if !is_blocked {
            return;
        }
        self.failures.note(pause, (cause, remedy), served_until, rng, now);
        // After certain evidence, the account does not yield: perhaps no other account wants to renew.
        let opens = self.failures.last().map(|last| last.until).filter(|_| evidence != Evidence::Certain);
        let yields = |opens: Duration| (opens.saturating_sub(now) / 2).min(LONGEST_YIELD);
        self.last = opens.map(|opens| (tried, opens.saturating_add(yields(opens))));
    }

    /// Returns until when an account leaves the next probe to another, if it is the one that failed last.
    pub(crate) fn yields(&self, tried: u64) -> Option<Setback> {
        let (_, until) = self.last.filter(|(last, _)| *last == tried)?;
        Some(Setback { until, ..self.failures.failure()?.clone() })
    }

    /// Records that the endpoint answered a request, sent at that moment, with a token.
    pub(crate) fn succeeded(&mut self, sent: Now) {
        self.strikes = 0;
        self.failures.clear_before(sent.boot);
        if !self.failures.any() {
            self.probe = None;
        }
    }

    /// Forgets all failures, because the client was replaced.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the last failure since the last success.
    pub(crate) fn failure(&self) -> Option<&Setback> {
        self.failures.failure()
    }

    /// Returns whether all accounts back off, or did so without a success since.
    pub(crate) fn is_ailing(&self) -> bool {
        self.failures.any()
    }

    /// Lets a flight try the endpoint for all accounts, if it is ailing.
    pub(crate) fn probe(&mut self, flight: u64, until: Duration) {
        if self.is_ailing() {
            self.probe = Some(Probe { flight, until });
        }
    }

    /// Lets another flight try the endpoint when this one has ended.
    pub(crate) fn flight_ended(&mut self, flight: u64) {
        self.probe.take_if(|probe| probe.flight == flight);
    }

    /// Returns until when all flights except this one are blocked, and why. A probe without an outcome still
    /// counts until the next one begins, even after its time is over.
    pub(crate) fn blocked(&self, own_flight: Option<u64>, now: Duration) -> Option<Setback> {
        if let Some(blocked) = self.failures.blocked(now) {
            return Some(blocked.clone());
        }
        let probe = self.probe.as_ref().filter(|probe| own_flight != Some(probe.flight))?;
        let last = self.failures.last()?.clone();
        Some(Setback { until: probe.until, ..last })
    }
}
