//! Saving unsaved changes again without a caller. Otherwise a rotated refresh token would be lost with the
//! process.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::{Account, DueJob, MOST_LOOKS, TokenManager};
use crate::key::Job;
use crate::registration::SharedState;
use crate::spec::TokenSpec;
use crate::time::Now;

impl TokenManager {
    /// Begins to save the record that is due next. After a failure of the store a record is due again after a
    /// back-off, which grows to 30 s.
    ///
    /// Returns `None` if no record is left to be saved, except those in flight: ask again when one of these
    /// has ended.
    pub fn save_next(&mut self, now: Now) -> Option<DueJob> {
        for spec in &self.touched {
            let account = self.accounts.get(spec).into_iter();
            account.for_each(|account| account.place_unsaved(&mut self.unsaved, &self.shared));
        }
        while let Some((due, spec)) = self.unsaved.pop_first() {
            let Some(account) = self.accounts.get_mut(&spec) else { continue };
            if account.state.saved_next(&self.shared) != Some(due) {
                continue;
            }
            if due > now.boot {
                self.unsaved.insert((due, spec));
                return Some(DueJob { job: None, again: due });
            }
            let job = account.state.save_now(&mut self.shared, now);
            self.note_change(&spec);
            return Some(DueJob { job, again: Duration::MAX });
        }
        None
    }

    /// Returns the jobs that save all unsaved changes that no other job saves, such as before a shutdown.
    pub fn save_all(&mut self, now: Now) -> Vec<Job> {
        let (mut jobs, mut last) = self.save_some(None, now);
        while let Some(spec) = last {
            let (more, next) = self.save_some(Some(&spec), now);
            jobs.extend(more);
            last = next;
        }
        jobs
    }

    /// Returns the jobs for some specs, as [`TokenManager::save_all`] does: those after `after` in their
    /// order. Also returns the last of them, to continue from; `None` after the last spec.
    pub fn save_some(&mut self, after: Option<&TokenSpec>, now: Now) -> (Vec<Job>, Option<Arc<TokenSpec>>) {
        for spec in &self.touched {
            let account = self.accounts.get_mut(spec).into_iter();
            account.for_each(|account| account.place_busy(&mut self.busy, &self.shared));
        }
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let busy = self.busy.range::<TokenSpec, _>((from, Bound::Unbounded)).take(MOST_LOOKS);
        let specs: Vec<Arc<TokenSpec>> = busy.cloned().collect();
        let mut jobs = Vec::new();
        for spec in &specs {
            let (account, shared) = self.account(spec);
            if let Some(job) = account.state.save_now(shared, now) {
                jobs.push(job);
                self.note_change(spec);
            }
        }
        (jobs, specs.into_iter().last())
    }

    /// Returns whether to call [`TokenManager::save_next`]: a record must be saved, now or later.
    #[must_use]
    pub fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }
}

impl Account {
    /// Adds the spec to the set of those to be saved, or removes it.
    pub(super) fn place_unsaved(
        &self,
        unsaved: &mut BTreeSet<(Duration, Arc<TokenSpec>)>,
        shared: &SharedState,
    ) {
        if let Some(due) = self.state.saved_next(shared) {
            unsaved.insert((due, self.state.spec().clone()));
        }
    }
}
