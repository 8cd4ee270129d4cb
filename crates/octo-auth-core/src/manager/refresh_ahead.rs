//! Refreshing ahead: which spec is due next, so that no caller has to wait for a renewal.

use std::sync::Arc;
use std::time::Duration;

use super::{MOST_LOOKS, TokenManager};
use crate::key::{Job, Verdict};
use crate::spec::TokenSpec;
use crate::time::Now;

/// The longest time between two looks: a clock may have been set, or the machine suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The due moment of specs that no caller has used since their last renewal. They are due only with
/// [`RefreshAhead::All`].
const UNUSED: Duration = Duration::MAX;

/// Which tokens are refreshed ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefreshAhead {
    /// Those that were used since their last renewal.
    #[default]
    Used,
    /// All that were ever asked about or imported.
    All,
}

/// The next job of refreshing ahead.
#[derive(Debug)]
#[must_use = "the job has to be carried out"]
pub struct DueJob {
    /// A job that is due now, or `None`. After running it, ask again at once.
    pub job: Option<Job>,
    /// The moment on the boot clock to ask again at the latest, strictly after now.
    pub again: Duration,
}

impl TokenManager {
    /// Begins the next due renewal before a caller waits for it.
    ///
    /// When the endpoint may be tried again after a failure, or the request budget has room again, the spec
    /// that was tried longest ago comes first. Neither names nor due moments matter then, so a spec that
    /// always fails does not block the others.
    pub fn poll_due(&mut self, which: RefreshAhead, now: Now) -> DueJob {
        let limit = now.boot.saturating_add(LONGEST_SLEEP);
        self.reschedule_touched(now);
        // After a look, a spec is due later than now, so each is looked at once at most.
        for _ in 0..MOST_LOOKS {
            let Some(spec) = self.next_to_look_at(which, limit, now) else {
                let is_all = self.to_look_at.is_empty();
                let again = if is_all { self.looks_again(limit, now) } else { soon(now) };
                return DueJob { job: None, again };
            };
            let Some(account) = self.accounts.get_mut(&spec) else { break };
            account.note_change(&self.shared, &mut self.touched);
            if which == RefreshAhead::Used && !account.state.wants_refresh_ahead(&self.shared) {
                account.schedule(&mut self.due, &mut self.lines, Some(UNUSED), None);
                continue;
            }
            let decision = account.state.decide(true, &mut self.shared, now);
            account.queue_up(&mut self.queue, &self.shared, now);
            account.reschedule(&mut self.due, &mut self.lines, &self.shared, now);
            if let Verdict::UseAndRun(_, job) | Verdict::Run(job) = decision.verdict {
                return DueJob { job: Some(job), again: limit };
            }
        }
        DueJob { job: None, again: soon(now) }
    }

    /// Returns the spec to look at now, if there is one.
    fn next_to_look_at(&self, which: RefreshAhead, limit: Duration, now: Now) -> Option<Arc<TokenSpec>> {
        // At the end of the clock there is no later moment.
        if limit == now.boot {
            return None;
        }
        let due = || self.due.first().filter(|(due, _)| *due <= now.boot);
        let unused = || self.due.last().filter(|(due, _)| which == RefreshAhead::All && *due == UNUSED);
        let waiting = self.lines.next(&self.shared, now);
        waiting.or_else(|| due().or_else(unused).map(|(_, spec)| spec.clone()))
    }

    /// Returns when a spec is looked at next.
    fn looks_again(&self, limit: Duration, now: Now) -> Duration {
        let due = self.due.first().map(|(due, _)| *due);
        let again = due.into_iter().chain(self.lines.opens(&self.shared, now)).chain([limit]);
        again.filter(|again| *again > now.boot).min().unwrap_or(limit)
    }

    /// Records that a step has looked at a spec.
    pub(super) fn note_change(&mut self, spec: &TokenSpec) {
        if let Some(account) = self.accounts.get_mut(spec) {
            account.note_change(&self.shared, &mut self.touched);
        }
    }

    /// Updates the due moments of the specs that were looked at.
    fn reschedule_touched(&mut self, now: Now) {
        for spec in &self.touched {
            let Some(account) = self.accounts.get_mut(spec) else { continue };
            account.reschedule(&mut self.due, &mut self.lines, &self.shared, now);
        }
    }
}

/// Returns when to ask again after so many looks that the lock must be released first.
fn soon(now: Now) -> Duration {
    now.boot.saturating_add(Duration::from_millis(1))
}
