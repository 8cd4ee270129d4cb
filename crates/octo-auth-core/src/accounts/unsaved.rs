//! Saving again what no store holds, without a caller: a refresh token that was rotated is lost with the process otherwise.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::{Account, Accounts, MOST_LOOKS, Tending};
use crate::key::Job;
use crate::registration::SharedState;
use crate::spec::Key;
use crate::time::Now;

impl Accounts {
    /// Begins to save the record that is due to be saved next. After a failure of the store a record is due again after a
    /// pause, which grows to 30 s.
    ///
    /// `None` if no record is left to be saved, but for those of flights that are under way: ask again when one has ended.
    pub fn save_next(&mut self, now: Now) -> Option<Tending> {
        for key in &self.touched {
            let account = self.accounts.get(key).into_iter();
            account.for_each(|account| account.place_unsaved(&mut self.unsaved, &self.shared));
        }
        while let Some((due, key)) = self.unsaved.pop_first() {
            let Some(account) = self.accounts.get_mut(&key) else { continue };
            if account.state.saved_next(&self.shared) != Some(due) {
                continue;
            }
            if due > now.boot {
                self.unsaved.insert((due, key));
                return Some(Tending { job: None, again: due });
            }
            let job = account.state.save_now(&mut self.shared, now);
            self.touch(&key);
            return Some(Tending { job, again: Duration::MAX });
        }
        None
    }

    /// Returns jobs that save what no store holds yet and no other job saves, such as before a shutdown.
    pub fn save_all(&mut self, now: Now) -> Vec<Job> {
        let (mut jobs, mut last) = self.save_some(None, now);
        while let Some(key) = last {
            let (more, next) = self.save_some(Some(&key), now);
            jobs.extend(more);
            last = next;
        }
        jobs
    }

    /// The same for some keys: those that follow `after` in their order. Returns the last of them, from which to go on;
    /// `None` after the last one of all.
    pub fn save_some(&mut self, after: Option<&Key>, now: Now) -> (Vec<Job>, Option<Arc<Key>>) {
        for key in &self.touched {
            let account = self.accounts.get_mut(key).into_iter();
            account.for_each(|account| account.place_busy(&mut self.busy, &self.shared));
        }
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let busy = self.busy.range::<Key, _>((from, Bound::Unbounded)).take(MOST_LOOKS);
        let keys: Vec<Arc<Key>> = busy.cloned().collect();
        let mut jobs = Vec::new();
        for key in &keys {
            let (account, shared) = self.account(key);
            if let Some(job) = account.state.save_now(shared, now) {
                jobs.push(job);
                self.touch(key);
            }
        }
        (jobs, keys.into_iter().last())
    }

    /// Returns whether [`Accounts::save_next`] is to be asked: a record is to be saved, now or later.
    #[must_use]
    pub fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }
}

impl Account {
    /// Puts the key among those to be saved, if it is one of them.
    pub(super) fn place_unsaved(&self, unsaved: &mut BTreeSet<(Duration, Arc<Key>)>, shared: &SharedState) {
        if let Some(due) = self.state.saved_next(shared) {
            unsaved.insert((due, self.state.key().clone()));
        }
    }
}
