//! Keeping tokens warm: which key is due next, so that nobody has to wait for a renewal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Accounts;
use crate::key::{Job, Verdict};
use crate::spec::Key;
use crate::time::Now;

/// No key is left alone for longer without looking again: a clock may have been set, a machine suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Which keys are kept warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Warm {
    /// Those that were used since their last renewal.
    #[default]
    Used,
    /// All that were ever asked about or adopted.
    All,
}

/// What there is to do for keeping warm.
#[derive(Debug)]
#[must_use = "the job has to be carried out"]
pub struct Tending {
    /// A job that is due now, if one is; after it, ask again at once.
    pub job: Option<Job>,
    /// The moment on the boot clock to ask again at the latest, strictly after now.
    pub again: Duration,
}

impl Accounts {
    /// Begins the renewal that is due next, before anybody waits for it.
    ///
    /// When the endpoint may be tried again after it failed, the key that was tried longest ago tries it, whatever its name
    /// and whatever became due first: a key that fails each time is not the one that tries it each time.
    pub fn tend(&mut self, which: Warm, now: Now) -> Tending {
        let limit = now.boot.saturating_add(LONGEST_SLEEP);
        self.reschedule_touched(now);
        // A key that was looked at is due after now, so that each is looked at once at most.
        while let Some(key) = self.next_to_look_at(limit, now) {
            let Some(account) = self.accounts.get_mut(&key) else { break };
            let wanted = which == Warm::All || account.state.wants_refresh_ahead(&self.shared);
            let decision = wanted.then(|| account.state.decide(true, &mut self.shared, now));
            if wanted {
                account.queue_up(&mut self.queue, &self.shared, now);
            }
            self.reschedule_after(&key, now, limit);
            if let Some(Verdict::UseAndRun(_, job) | Verdict::Run(job)) = decision.map(|told| told.verdict) {
                return Tending { job: Some(job), again: limit };
            }
        }
        let due = self.due.first().map(|(due, _)| *due).filter(|due| *due > now.boot);
        let probe = self.shared.health.blocked(None, now.boot).filter(|_| !self.probes.is_empty());
        let again = due.into_iter().chain(probe.map(|blocked| blocked.until)).chain([limit]).min();
        Tending { job: None, again: again.filter(|again| *again > now.boot).unwrap_or(limit) }
    }

    /// Returns the key to be looked at now, if there is one.
    fn next_to_look_at(&mut self, limit: Duration, now: Now) -> Option<Arc<Key>> {
        // At the end of the clock there is no later moment to be looked at.
        if limit == now.boot {
            return None;
        }
        if self.shared.health.wants_probe(now.boot) {
            if let Some((_, key)) = self.probes.first() {
                return Some(key.clone());
            }
        }
        self.due.first().filter(|(due, _)| *due <= now.boot).map(|(_, key)| key.clone())
    }

    /// Notes that a step has looked at a key.
    pub(super) fn touch(&mut self, key: &Key) {
        if let Some(account) = self.accounts.get_mut(key) {
            account.touch(&mut self.touched);
        }
    }

    /// Puts the keys that were looked at where they belong among those that are due.
    fn reschedule_touched(&mut self, now: Now) {
        for key in &self.touched {
            let Some(account) = self.accounts.get_mut(key) else { continue };
            if std::mem::take(&mut account.is_due_stale) {
                let due = account.state.due(&self.shared, now);
                replace_due(&mut self.due, key, &mut account.due, due);
                account.place_probe(&mut self.probes, account.state.probe_place(&self.shared, now));
            }
        }
    }

    /// Has all keys looked at: what kept them closed is gone.
    pub(super) fn look_at_all(&mut self) {
        self.due.clear();
        self.probes.clear();
        for (key, account) in &mut self.accounts {
            account.due = Some(Duration::ZERO);
            account.probe = None;
            self.due.insert((Duration::ZERO, key.clone()));
        }
    }

    /// Puts a key that was looked at just now behind this moment, whatever it says itself.
    fn reschedule_after(&mut self, key: &Arc<Key>, now: Now, limit: Duration) {
        self.touch(key);
        let Some(account) = self.accounts.get_mut(key) else { return };
        account.is_due_stale = false;
        let due = account.state.due(&self.shared, now).map(|due| if due <= now.boot { limit } else { due });
        replace_due(&mut self.due, key, &mut account.due, due);
        account.place_probe(&mut self.probes, account.state.probe_place(&self.shared, now));
    }
}

/// Replaces the moment at which a key is due.
pub(super) fn replace_due(
    all: &mut BTreeSet<(Duration, Arc<Key>)>,
    key: &Arc<Key>,
    own: &mut Option<Duration>,
    due: Option<Duration>,
) {
    if *own == due {
        return;
    }
    if let Some(old) = std::mem::replace(own, due) {
        all.remove(&(old, key.clone()));
    }
    all.extend(due.map(|due| (due, key.clone())));
}
