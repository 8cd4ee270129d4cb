//! The history of failures: until when nothing is tried, and why.
//!
//! Pauses grow with each failure and never shrink until a success (I27). A pause that began while a token
//! could be served ends with that token: a caller without a token tries again. Only a pause that the server
//! asked for or documents lasts longer.

use std::time::Duration;

use super::rng::SeededRng;
use crate::error::{Pause, Remedy};
use crate::failure::Cause;

const SECOND: Duration = Duration::from_secs(1);

/// The longest growing back-off.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The longest pause after a failure of the store.
const LONGEST_STORE: Duration = Duration::from_secs(30);

/// The first and the longest pause after a failure that waiting does not fix.
const COOLDOWN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15 * 60));

/// The longest accepted `Retry-After`.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// From this many unexplained refusals in a row, the refresh token itself is probably the problem.
const UNEXPLAINED: u32 = 3;

/// The failures since the last success, of one account, of the store, or of the endpoint.
#[derive(Debug, Default)]
pub(crate) struct FailureHistory(Option<Box<Failures>>);

#[derive(Debug, Default)]
struct Failures {
    last: Option<Setback>,
    /// When the last failure happened, on the boot clock.
    noted: Duration,
    backoffs: u32,
    cooldowns: u32,
    unexplained: u32,
}

/// The effect of one failure.
#[derive(Debug, Clone)]
pub(crate) struct Setback {
    /// Nothing is tried before this moment on the boot clock.
    pub(crate) until: Duration,
    pub(crate) cause: Cause,
    pub(crate) remedy: Remedy,
}

impl FailureHistory {
    /// Returns the last failure while its pause lasts.
    pub(crate) fn blocked(&self, now: Duration) -> Option<&Setback> {
        self.last().filter(|last| last.until > now)
    }

    /// Returns whether there was a failure since the last success.
    pub(crate) fn any(&self) -> bool {
        self.0.as_ref().is_some_and(|own| own.backoffs > 0 || own.cooldowns > 0)
    }

    /// Returns the last failure since the last success, even if its pause is over. A rest is not a failure.
    pub(crate) fn failure(&self) -> Option<&Setback> {
        self.last().filter(|_| self.any())
    }

    /// Returns the cause of the last pause, even if it is over.
    pub(crate) fn last(&self) -> Option<&Setback> {
        self.0.as_ref()?.last.as_ref()
    }

    /// Records a failure. `served_until` is the moment on the boot clock until which the account can serve a
    /// token; `None` if it has none, or if the pause lasts longer than that.
    pub(crate) fn note(
        &mut self,
        pause: Pause,
        (cause, remedy): (Cause, Remedy),
        served_until: Option<Duration>,
        rng: &mut SeededRng,
        now: Duration,
    ) {
        let own = self.0.get_or_insert_default();
        let left = served_until.map_or(Duration::MAX, |end| end.saturating_sub(now).max(pause.least()));
        let until = now.saturating_add(own.lasts(pause, rng).min(left));
        own.noted = now;
        // Of two failures, report the one that blocks longer.
        if own.last.as_ref().is_none_or(|last| last.until <= until) {
            own.last = Some(Setback { until, cause, remedy });
        }
    }

    /// Records whether a refusal was unexplained. Returns whether it was the third unexplained refusal in a
    /// row.
    pub(crate) fn is_unexplained_again(&mut self, is_unexplained: bool) -> bool {
        if !is_unexplained {
            self.0.iter_mut().for_each(|own| own.unexplained = 0);
            return false;
        }
        let own = self.0.get_or_insert_default();
        own.unexplained = own.unexplained.saturating_add(1);
        own.unexplained >= UNEXPLAINED
    }

    /// Forgets all failures, unless one happened since that moment.
    pub(crate) fn clear_before(&mut self, moment: Duration) {
        if self.0.as_ref().is_some_and(|own| own.noted <= moment) {
            self.clear();
        }
    }

    /// Forgets all failures.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

impl Failures {
    fn lasts(&mut self, pause: Pause, rng: &mut SeededRng) -> Duration {
        match pause {
            Pause::Backoff { .. } => {
                let bound = doubled(SECOND, self.backoffs, LONGEST_BACKOFF);
                self.backoffs = self.backoffs.saturating_add(1);
                part(bound, rng.fraction()).max(SECOND).max(pause.least())
            }
            Pause::Store => {
                let bound = doubled(SECOND, self.backoffs, LONGEST_STORE);
                self.backoffs = self.backoffs.saturating_add(1);
                part(bound, rng.fraction()).max(SECOND)
            }
            Pause::Cooldown { .. } => {
                let lasts = doubled(COOLDOWN.0, self.cooldowns, COOLDOWN.1);
                self.cooldowns = self.cooldowns.saturating_add(1);
                lasts.max(pause.least())
            }
            Pause::Once => {
                self.backoffs = self.backoffs.saturating_add(1);
                Duration::ZERO
            }
            Pause::Rest(rest) => rest,
        }
    }
}

impl Pause {
    /// Returns the minimum duration: the server's `Retry-After`, or the spacing that its profile documents.
    fn least(self) -> Duration {
        match self {
            Self::Backoff { at_least } | Self::Cooldown { at_least } => at_least.min(LONGEST_RETRY_AFTER),
            Self::Store | Self::Once | Self::Rest(_) => Duration::ZERO,
        }
    }
}

/// Returns a duration doubled this many times, up to a maximum.
pub(crate) fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times.min(31)).unwrap_or(u32::MAX)).min(most)
}

/// Returns a fraction of a duration, in whole milliseconds. The fraction is in units of 2^-32.
pub(crate) fn part(whole: Duration, fraction: u32) -> Duration {
    let millis = (whole.as_millis() * u128::from(fraction)) >> 32;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
