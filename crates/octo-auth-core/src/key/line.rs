//! The line in which an account waits for something that all accounts share.

use std::time::Duration;

use super::{KeyState, LOOK_AGAIN};
use crate::registration::{BudgetRequest, FailureHistory, SendLog, Share, SharedState};
use crate::time::Now;

/// Accounts whose renewals may begin at the same moment, as far as the shared state decides that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    is_client_grant: bool,
    is_failing: bool,
    leaves_last: bool,
}

impl Line {
    /// Returns the moment on the boot clock at which a renewal of the line may begin. A moment that is not
    /// after now means: at once.
    pub(crate) fn opens(self, shared: &SharedState, now: Now) -> Duration {
        let share = if self.is_failing { Share::Failing } else { Share::Whole };
        let request = BudgetRequest { leaves_last: self.leaves_last, share, lifetime: None };
        let budget = shared.budget.opens(&SendLog::default(), request);
        let endpoint = shared.health.blocked(None, now.boot).map_or(Duration::ZERO, |blocked| blocked.until);
        let has_slot = shared.has_slot(self.is_client_grant);
        let slot = if has_slot { Duration::ZERO } else { now.boot.saturating_add(LOOK_AGAIN) };
        budget.max(endpoint).max(slot)
    }
}

impl KeyState {
    /// Returns the line in which the account waits for its renewal, and its place there: the account that was
    /// tried longest ago comes first. Returns `None` if no renewal is due, if it could begin, or if the
    /// account's own failures block it longer.
    pub(crate) fn line(&self, shared: &SharedState, now: Now) -> Option<(Line, u64)> {
        if !self.wants_renewal(now) {
            return None;
        }
        let BudgetRequest { leaves_last, share, .. } = self.budget_request(now);
        let (is_client_grant, is_failing) = (self.spec.is_client_grant(), share == Share::Failing);
        let line = Line { is_client_grant, is_failing, leaves_last };
        let opens = line.opens(shared, now);
        let paused = |own: &FailureHistory| own.blocked(now.boot).is_some_and(|own| own.until > opens);
        let is_own = paused(&self.failures) || self.sighting.pause_until() > opens;
        (opens > now.boot && !is_own).then_some((line, self.tried))
    }
}
