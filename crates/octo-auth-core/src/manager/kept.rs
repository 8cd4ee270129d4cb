//! Which specs stay in memory: those with handles are kept, and the least recently used one makes room for
//! another.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::TokenManager;
use crate::error::{Remedy, RequestError};
use crate::failure::{Cause, TokenError, TokenErrorKind};
use crate::spec::{Shape, TokenSpec};
use crate::store::{RecordName, Storage};
use crate::time::Now;

impl TokenManager {
    /// Keeps a spec while the handle lives: it is never evicted.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if its requests cannot be built, or if there is no room for another spec.
    pub fn acquire(&mut self, spec: &TokenSpec, now: Now) -> Result<Arc<TokenSpec>, TokenError> {
        let Self { accounts, idle, shared, .. } = self;
        if let Some(account) = accounts.get_mut(spec).filter(|account| account.is_checked) {
            account.handles = account.handles.saturating_add(1);
            account.place(idle, shared, now);
            return Ok(account.state.spec().clone());
        }
        let shared_key = self.spec(spec);
        let shape = self.check(spec).map_err(|error| misconfigured(&shared_key, error))?;
        if !self.evict_one(spec, now) {
            return Err(TokenError::new(
                &shared_key,
                TokenErrorKind::TooManyTokens,
                None,
                Remedy::FixConfiguration,
            ));
        }
        self.checked(&shared_key, shape);
        let (account, _) = self.account(&shared_key);
        account.handles = account.handles.saturating_add(1);
        let spec = account.state.spec().clone();
        self.note_change(&spec);
        Ok(spec)
    }

    /// Releases a handle.
    pub fn release(&mut self, spec: &TokenSpec, now: Now) {
        let Self { accounts, idle, shared, .. } = self;
        if let Some(account) = accounts.get_mut(spec) {
            account.handles = account.handles.saturating_sub(1);
            account.place(idle, shared, now);
        }
    }

    /// Checks whether the requests of a spec can be built. Returns its shape if that was not known before.
    pub(super) fn check(&self, spec: &TokenSpec) -> Result<Option<Shape>, RequestError> {
        if self.accounts.get(spec).is_some_and(|account| account.is_checked) {
            return Ok(None);
        }
        let shape = spec.shape();
        if !self.shapes.contains_key(&shape) {
            spec.check(&self.shared.client)?;
        }
        Ok(Some(shape))
    }

    /// Records that the requests of a spec of this shape can be built.
    pub(super) fn checked(&mut self, spec: &TokenSpec, shape: Option<Shape>) {
        let Some(shape) = shape else { return };
        let (account, _) = self.account(spec);
        account.is_checked = true;
        let spec = account.state.spec().clone();
        self.shapes.entry(shape).or_insert((spec, 0)).1 += 1;
    }

    /// Returns the shared form of a spec.
    fn spec(&self, spec: &TokenSpec) -> Arc<TokenSpec> {
        self.accounts.get_key_value(spec).map_or_else(|| Arc::new(spec.clone()), |(shared, _)| shared.clone())
    }

    /// Returns whether there is room for a spec. If the manager is full, it evicts the least recently used
    /// one. It never evicts a spec that has handles, is in flight or unsaved, has its refresh token in no
    /// store, or is paused.
    pub(super) fn evict_one(&mut self, spec: &TokenSpec, now: Now) -> bool {
        if self.accounts.get(spec).is_some() || self.accounts.len() < self.shared.policy.capacity() {
            return true;
        }
        let Self { accounts, touched, idle, shared, .. } = self;
        for spec in touched {
            accounts.get_mut(spec).into_iter().for_each(|account| account.place(idle, shared, now));
        }
        let Some((_, _, oldest)) = self.idle.first().filter(|(from, ..)| *from <= now.boot) else {
            return false;
        };
        let oldest = oldest.clone();
        self.idle.pop_first();
        let Some(mut account) = self.accounts.remove(&oldest) else { return true };
        account.schedule(&mut self.due, &mut self.lines, None, None);
        self.held_up.remove(&oldest);
        self.busy.remove(&oldest);
        if self.shared.storage == Storage::MultiProcess {
            self.names.remove(&RecordName::new(&self.shared.client, &oldest).digest());
        }
        if account.is_checked {
            self.forget_shape(&oldest);
        }
        true
    }

    fn forget_shape(&mut self, spec: &TokenSpec) {
        if let Entry::Occupied(mut entry) = self.shapes.entry(spec.shape()) {
            entry.get_mut().1 -= 1;
            if entry.get().1 == 0 {
                entry.remove();
            }
        }
    }
}

/// Returns the error for a spec whose requests cannot be built.
fn misconfigured(spec: &Arc<TokenSpec>, error: RequestError) -> TokenError {
    let cause = Cause::Request(Arc::new(error));
    TokenError::new(spec, TokenErrorKind::Misconfigured, Some(cause), Remedy::FixConfiguration)
}
