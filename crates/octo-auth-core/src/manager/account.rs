//! One token spec with its number of handles and its place in the manager's sets.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::lines::{Lines, Place};
use crate::key::{KeyState, Shown};
use crate::registration::SharedState;
use crate::spec::TokenSpec;
use crate::time::Now;

/// One token spec with its number of handles and its place in the manager's sets.
pub(super) struct Account {
    pub(super) state: KeyState,
    pub(super) handles: u32,
    pub(super) last_asked: u64,
    /// The moment from which it can be evicted, as stored in the manager's `idle` set.
    pub(super) idle_from: Option<Duration>,
    /// As stored in the manager's `due` set.
    due: Option<Duration>,
    /// As stored in the manager's `lines`.
    place: Option<Place>,
    /// The status that subscribers and callers were last notified of.
    pub(super) shown: Shown,
    /// Whether it is in the manager's `touched` list.
    pub(super) is_touched: bool,
    /// Whether a step has looked at it since `due` and `place` were computed.
    pub(super) is_due_stale: bool,
    /// Whether it is in the manager's `queue`.
    pub(super) is_queued: bool,
    /// Whether its requests are known to be buildable.
    pub(super) is_checked: bool,
    is_busy: bool,
    is_held_up: bool,
}

impl Account {
    /// Returns the account of a spec without handles, last asked about at this count.
    pub(super) fn new(state: KeyState, asked: u64, shared: &SharedState) -> Self {
        let shown = state.shown_at_first(shared);
        Self {
            state,
            handles: 0,
            last_asked: asked,
            idle_from: None,
            due: None,
            place: None,
            shown,
            is_touched: false,
            is_due_stale: false,
            is_queued: false,
            is_checked: false,
            is_busy: false,
            is_held_up: false,
        }
    }

    /// Records that a caller just asked about the spec.
    pub(super) fn mark_used(&mut self, asked: u64, idle: &mut BTreeSet<(Duration, u64, Arc<TokenSpec>)>) {
        if let Some(from) = self.idle_from {
            idle.remove(&(from, self.last_asked, self.state.spec().clone()));
            idle.insert((from, asked, self.state.spec().clone()));
        }
        self.last_asked = asked;
    }

    /// Queues the spec if its renewal waits until another renewal ends.
    pub(super) fn queue_up(&mut self, queue: &mut VecDeque<Arc<TokenSpec>>, shared: &SharedState, now: Now) {
        let spec = self.state.spec();
        if !self.is_queued && !shared.has_slot(spec.is_client_grant()) && self.state.wants_renewal(now) {
            queue.push_back(spec.clone());
            self.is_queued = true;
        }
    }

    /// Updates the place of the spec in the set of those that can be evicted.
    pub(super) fn place(
        &mut self,
        idle: &mut BTreeSet<(Duration, u64, Arc<TokenSpec>)>,
        shared: &SharedState,
        now: Now,
    ) {
        let from = self.state.evictable_from(shared, now).filter(|_| self.handles == 0);
        if let Some(old) = self.idle_from.filter(|_| self.idle_from != from) {
            idle.remove(&(old, self.last_asked, self.state.spec().clone()));
        }
        if let Some(new) = from.filter(|_| self.idle_from != from) {
            idle.insert((new, self.last_asked, self.state.spec().clone()));
        }
        self.idle_from = from;
    }

    /// Updates the moment when the spec is due, and its place in the lines, if it was looked at since.
    pub(super) fn reschedule(
        &mut self,
        all: &mut BTreeSet<(Duration, Arc<TokenSpec>)>,
        lines: &mut Lines,
        shared: &SharedState,
        now: Now,
    ) {
        if self.is_due_stale {
            let (due, place) = self.state.due(shared, now);
            self.schedule(all, lines, due, place);
        }
    }

    /// Makes the spec due at this moment, with this place in the lines.
    pub(super) fn schedule(
        &mut self,
        all: &mut BTreeSet<(Duration, Arc<TokenSpec>)>,
        lines: &mut Lines,
        due: Option<Duration>,
        place: Option<Place>,
    ) {
        self.is_due_stale = false;
        let spec = self.state.spec();
        lines.replace(spec, &mut self.place, place);
        if self.due == due {
            return;
        }
        if let Some(old) = std::mem::replace(&mut self.due, due) {
            all.remove(&(old, spec.clone()));
        }
        all.extend(due.map(|due| (due, spec.clone())));
    }

    /// Adds the spec to the set of those in flight or unsaved, or removes it.
    pub(super) fn place_busy(&mut self, busy: &mut BTreeSet<Arc<TokenSpec>>, shared: &SharedState) {
        let is_busy = self.state.is_busy(shared);
        place_in(busy, self.state.spec(), &mut self.is_busy, is_busy);
    }

    /// Adds the spec to the set of those with a failure or back-off that ends when the client is replaced, or
    /// removes it.
    pub(super) fn place_held_up(&mut self, held_up: &mut BTreeSet<Arc<TokenSpec>>) {
        let is_held_up = self.state.is_held_up();
        place_in(held_up, self.state.spec(), &mut self.is_held_up, is_held_up);
    }

    /// Records that the manager emptied its set `held_up`.
    pub(super) fn leave_held_up(&mut self) {
        self.is_held_up = false;
    }

    /// Records that a step has looked at the spec. Its changes are reported when the effects are taken.
    pub(super) fn note_change(&mut self, shared: &SharedState, touched: &mut Vec<Arc<TokenSpec>>) {
        self.state.follow_client(shared);
        self.is_due_stale = true;
        if !std::mem::replace(&mut self.is_touched, true) {
            touched.push(self.state.spec().clone());
        }
    }
}

/// Adds a spec to a set or removes it.
fn place_in(set: &mut BTreeSet<Arc<TokenSpec>>, spec: &Arc<TokenSpec>, was: &mut bool, is: bool) {
    match (std::mem::replace(was, is), is) {
        (false, true) => drop(set.insert(spec.clone())),
        (true, false) => drop(set.remove(spec)),
        (true, true) | (false, false) => {}
    }
}
