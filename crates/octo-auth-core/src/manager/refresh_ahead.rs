//! Keeping tokens warm: which key is due next, so that no caller has to wait for a renewal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{MOST_LOOKS, TokenManager};
use crate::key::{Job, Verdict};
use crate::spec::TokenSpec;
use crate::time::Now;

/// No key is left alone for longer without looking again: a clock may have been set, a machine suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// When keys are due that no caller has used since their last renewal: only if all keys are kept warm.
const UNUSED: Duration = Duration::MAX;

/// Which keys are kept warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefreshAhead {
    /// Those that were used since their last renewal.
    #[default]
    Used,
    /// All that were ever asked about or adopted.
    All,
}

/// What there is to do for keeping warm.
#[derive(Debug)]
#[must_use = "the job has to be carried out"]
pub struct DueJob {
    /// A job that is due now, if one is; after it, ask again at once.
    pub job: Option<Job>,
    /// The moment on the boot clock to ask again at the latest, strictly after now.
    pub again: Duration,
}

impl TokenManager {
    /// Begins the renewal that is due next, before anybody waits for it.
    ///
    /// When the endpoint may be tried again after it failed, or the request budget has room again, the key that was tried
    /// longest ago comes first, whatever its name and whatever became due first: a key that fails each time is not the one
    /// that tries the endpoint each time.
    pub fn poll_due(&mut self, which: RefreshAhead, now: Now) -> DueJob {
        let limit = now.boot.saturating_add(LONGEST_SLEEP);
        self.reschedule_touched(now);
        // A key that was looked at is due after now, so that each is looked at once at most.
        for _ in 0..MOST_LOOKS {
            let Some(spec) = self.next_to_look_at(which, limit, now) else {
                let is_all = self.to_look_at.is_empty();
                let again = if is_all { self.looks_again(limit, now) } else { soon(now) };
                return DueJob { job: None, again };
            };
            let Some(account) = self.accounts.get_mut(&spec) else { break };
            account.note_change(&self.shared, &mut self.touched);
            if which == RefreshAhead::Used && !account.state.wants_refresh_ahead(&self.shared) {
                account.is_due_stale = false;
                replace_due(&mut self.due, &spec, &mut account.due, Some(UNUSED));
                self.lines.replace(&spec, &mut account.place, None);
                continue;
            }
            let decision = account.state.decide(true, &mut self.shared, now);
            account.queue_up(&mut self.queue, &self.shared, now);
            self.reschedule_after(&spec, now, limit);
            if let Verdict::UseAndRun(_, job) | Verdict::Run(job) = decision.verdict {
                return DueJob { job: Some(job), again: limit };
            }
        }
        DueJob { job: None, again: soon(now) }
    }

    /// Returns the key to be looked at now, if there is one.
    fn next_to_look_at(&self, which: RefreshAhead, limit: Duration, now: Now) -> Option<Arc<TokenSpec>> {
        // At the end of the clock there is no later moment to be looked at.
        if limit == now.boot {
            return None;
        }
        let due = || self.due.first().filter(|(due, _)| *due <= now.boot);
        let unused = || self.due.last().filter(|(due, _)| which == RefreshAhead::All && *due == UNUSED);
        let waiting = self.lines.next(&self.shared, now);
        waiting.or_else(|| due().or_else(unused).map(|(_, spec)| spec.clone()))
    }

    /// Returns when a key is to be looked at next.
    fn looks_again(&self, limit: Duration, now: Now) -> Duration {
        let due = self.due.first().map(|(due, _)| *due);
        let again = due.into_iter().chain(self.lines.opens(&self.shared, now)).chain([limit]);
        again.filter(|again| *again > now.boot).min().unwrap_or(limit)
    }

    /// Notes that a step has looked at a key.
    pub(super) fn note_change(&mut self, spec: &TokenSpec) {
        if let Some(account) = self.accounts.get_mut(spec) {
            account.note_change(&self.shared, &mut self.touched);
        }
    }

    /// Puts the keys that were looked at where they belong among those that are due.
    fn reschedule_touched(&mut self, now: Now) {
        for spec in &self.touched {
            let Some(account) = self.accounts.get_mut(spec) else { continue };
            if std::mem::take(&mut account.is_due_stale) {
                let (due, place) = account.state.due(&self.shared, now);
                replace_due(&mut self.due, spec, &mut account.due, due);
                self.lines.replace(spec, &mut account.place, place);
            }
        }
    }

    /// Puts a key that was looked at just now behind this moment, whatever it says itself.
    fn reschedule_after(&mut self, spec: &Arc<TokenSpec>, now: Now, limit: Duration) {
        let Some(account) = self.accounts.get_mut(spec) else { return };
        account.is_due_stale = false;
        let (due, place) = account.state.due(&self.shared, now);
        let due = due.map(|due| if due <= now.boot { limit } else { due });
        replace_due(&mut self.due, spec, &mut account.due, due);
        self.lines.replace(spec, &mut account.place, place);
    }
}

/// When to ask again after so many looks that the lock is to be released first.
fn soon(now: Now) -> Duration {
    now.boot.saturating_add(Duration::from_millis(1))
}

/// Replaces the moment at which a key is due.
pub(super) fn replace_due(
    all: &mut BTreeSet<(Duration, Arc<TokenSpec>)>,
    spec: &Arc<TokenSpec>,
    own: &mut Option<Duration>,
    due: Option<Duration>,
) {
    if *own == due {
        return;
    }
    if let Some(old) = std::mem::replace(own, due) {
        all.remove(&(old, spec.clone()));
    }
    all.extend(due.map(|due| (due, spec.clone())));
}
