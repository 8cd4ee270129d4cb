//! The copy of a record in this process: the base, and the own operations that are not known to be stored.
//!
//! Decisions use the view, which is the base with the pending operations applied. Two records are never
//! compared. After a conflict or a reading, the stored record becomes the base. The operations that it does
//! not contain yet are applied to it again.

use super::operation::Operation;
use super::record::{Fingerprint, Generation, OperationId, Record};
use crate::secret::Secret;
use crate::store::Version;

/// The copy of a record in this process.
#[derive(Debug)]
pub(crate) struct Replica {
    /// The record as last read or written. It is never changed in place.
    base: Record,
    /// Its version; `None` if the store is not known to hold a record.
    version: Option<Version>,
    /// `None` if no operation is pending, as in an idle account.
    ahead: Option<Box<Ahead>>,
    /// Whether the store has lost the record that it held.
    is_lost: bool,
}

/// The changes of this process that are not known to be stored.
#[derive(Debug, Default)]
struct Ahead {
    pending: Vec<Pending>,
    /// The base with the pending operations that are not held back; `None` if that equals the base.
    view: Option<Record>,
}

/// An operation that is not known to be stored.
#[derive(Debug)]
struct Pending {
    id: OperationId,
    operation: Operation,
    /// Whether it is still excluded from the view. A token of an answer is stored before it is served, and a
    /// seed is imported only into a record that was read.
    is_held: bool,
}

/// The data of a write, to be applied when the write has succeeded.
#[derive(Debug)]
pub(crate) struct Written {
    record: Record,
    /// The sequence number of the last operation in it.
    up_to: u64,
}

impl Replica {
    pub(crate) fn new() -> Self {
        let base = Record::default();
        Self { base, version: None, ahead: None, is_lost: false }
    }

    pub(crate) fn view(&self) -> &Record {
        self.ahead.as_ref().and_then(|own| own.view.as_ref()).unwrap_or(&self.base)
    }

    fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.ahead.iter().flat_map(|own| &own.pending)
    }

    fn pending_mut(&mut self) -> impl Iterator<Item = &mut Pending> {
        self.ahead.iter_mut().flat_map(|own| &mut own.pending)
    }

    fn retain(&mut self, mut keep: impl FnMut(&Pending) -> bool) {
        self.ahead.iter_mut().for_each(|own| own.pending.retain(&mut keep));
    }

    pub(crate) fn base(&self) -> &Record {
        &self.base
    }

    pub(crate) fn version(&self) -> Option<Version> {
        self.version
    }

    /// Adds an operation.
    pub(crate) fn push(&mut self, id: OperationId, operation: Operation, is_held: bool) {
        self.ahead.get_or_insert_default().pending.push(Pending { id, operation, is_held });
        self.fold();
    }

    /// Returns the effect of an operation on the view: whether it changes it, and the token that it leaves to
    /// be revoked.
    pub(crate) fn effect(&self, id: OperationId, operation: &Operation) -> (bool, Option<Secret>) {
        let mut view = self.view().clone();
        let removed = view.apply(id, operation);
        (view != *self.view(), removed)
    }

    /// Returns which token the record holds after all pending operations and this one.
    pub(crate) fn generation_after(&self, id: OperationId, operation: &Operation) -> Generation {
        let Written { mut record, .. } = self.to_write();
        record.apply(id, operation);
        record.generation()
    }

    /// Removes an operation that was not carried out.
    pub(crate) fn withdraw(&mut self, id: OperationId) {
        self.retain(|own| own.id != id);
        self.fold();
    }

    /// Adds the tokens that were held back, because they could not be saved, to the view.
    pub(crate) fn release(&mut self) {
        self.pending_mut().for_each(|own| own.is_held &= own.is_seed());
        self.fold();
    }

    /// Returns whether the store may lack changes that the view shows.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.is_lost || self.pending().next().is_some()
    }

    /// Returns whether the store has lost the record that it held.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Returns whether a pending sign-in or sign-out of this process decides the view.
    pub(crate) fn is_decided(&self) -> bool {
        self.pending().any(|own| own.operation.is_decision())
    }

    /// Takes the record that the store holds as the base. If the store has lost changes that the base contains,
    /// by a failover or a restored backup, and has no others, then the base will be written again. If it is
    /// only an old copy, the write finds the newer record.
    ///
    /// Returns tokens to be revoked: those removed by operations that turn out to be stored.
    pub(crate) fn loaded(&mut self, stored: Option<(Record, Version)>, is_conflict: bool) -> Vec<Secret> {
        self.pending_mut().for_each(|own| own.is_held &= !own.is_seed());
        self.fold();
        let Some((record, version)) = stored else {
            self.is_lost = self.version.take().is_some() || self.is_lost;
            return Vec::new();
        };
        let is_old = self.version.is_some_and(|own| own > version);
        let is_behind = record.is_behind(&self.base);
        if is_behind || is_old && !record.has_more_than(&self.base) {
            if is_behind || is_conflict {
                (self.version, self.is_lost) = (Some(version), true);
            }
            return Vec::new();
        }
        let is_applied = |own: &Pending| record.history.has_applied(own.id);
        let removed = self.removed_by(is_applied);
        self.retain(|own| !is_applied(own));
        // Drop operations that change nothing, unless they leave a token to be revoked.
        let mut view = record.clone();
        self.retain(|own| {
            let before = view.clone();
            view.apply(own.id, &own.operation).is_some() || view != before
        });
        self.rebase(record, Some(version));
        self.unused(removed)
    }

    /// Returns the record to write: the base with all pending operations.
    pub(crate) fn to_write(&self) -> Written {
        let mut record = self.base.clone();
        for own in self.pending() {
            record.apply(own.id, &own.operation);
        }
        let up_to = self.pending().last().map_or(0, |own| own.id.sequence);
        Written { record, up_to }
    }

    /// Records that a write succeeded. Returns the tokens that it removed, to be revoked.
    pub(crate) fn saved(&mut self, written: Written, version: Option<Version>) -> Vec<Secret> {
        let is_written = |own: &Pending| own.id.sequence <= written.up_to;
        let removed = self.removed_by(is_written);
        self.retain(|own| !is_written(own));
        self.rebase(written.record, version);
        self.unused(removed)
    }

    fn removed_by(&self, is_meant: impl Fn(&Pending) -> bool) -> Vec<Secret> {
        let mut record = self.base.clone();
        let meant = || self.pending().filter(|own| is_meant(own));
        let mut removed: Vec<Secret> =
            meant().filter_map(|own| record.apply(own.id, &own.operation)).collect();
        // Revoking a refresh token also revokes its predecessor.
        let replaced: Vec<Fingerprint> = meant().filter_map(|own| own.operation.replaces()).collect();
        removed.retain(|token| !replaced.contains(&Fingerprint::of(token)));
        removed
    }

    fn rebase(&mut self, base: Record, version: Option<Version>) {
        (self.base, self.version, self.is_lost) = (base, version, false);
        self.fold();
    }

    /// Excludes the present refresh token: a user may have signed in again with a token that was removed
    /// before.
    fn unused(&self, mut removed: Vec<Secret>) -> Vec<Secret> {
        removed.retain(|token| self.view().refresh_token.as_ref() != Some(token));
        removed
    }

    fn fold(&mut self) {
        let Self { base, ahead, .. } = self;
        ahead.take_if(|own| own.pending.is_empty());
        let Some(Ahead { pending, view }) = ahead.as_deref_mut() else { return };
        let shown = || pending.iter().filter(|own| !own.is_held);
        *view = shown().next().is_some().then(|| base.clone());
        if let Some(view) = view {
            shown().for_each(|own| drop(view.apply(own.id, &own.operation)));
        }
    }
}

impl Pending {
    fn is_seed(&self) -> bool {
        matches!(self.operation, Operation::Seed { .. })
    }
}

impl Written {
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }
}
