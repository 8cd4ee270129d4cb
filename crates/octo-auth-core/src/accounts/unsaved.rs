//! Saving again what no store holds, without a caller: a refresh token that was rotated is lost with the process otherwise.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Account, Accounts, Tending};
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
