//! A key, who holds it, and where it stands among the others: those that can be evicted, that wait for the endpoint to be
//! tried again, and whose renewal waits until another has ended.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::key::{KeyState, Shown};
use crate::registration::SharedState;
use crate::spec::Key;
use crate::time::Now;

/// A key and who holds it.
pub(super) struct Account {
    pub(super) state: KeyState,
    pub(super) handles: u32,
    pub(super) last_asked: u64,
    /// From when it can be evicted, as it stands among those that can.
    pub(super) idle_from: Option<Duration>,
    pub(super) due: Option<Duration>,
    pub(super) probe: Option<u64>,
    pub(super) shown: Shown,
    pub(super) is_touched: bool,
    pub(super) is_due_stale: bool,
    pub(super) is_queued: bool,
}

impl Account {
    /// The account of a key without handles, asked about at this count.
    pub(super) fn new(state: KeyState, asked: u64, shared: &SharedState) -> Self {
        let shown = state.shown_at_first(shared);
        Self {
            state,
            handles: 0,
            last_asked: asked,
            idle_from: None,
            due: None,
            probe: None,
            shown,
            is_touched: false,
            is_due_stale: false,
            is_queued: false,
        }
    }

    /// Notes that the key was asked about just now.
    pub(super) fn mark_used(&mut self, asked: u64, idle: &mut BTreeSet<(Duration, u64, Arc<Key>)>) {
        if let Some(from) = self.idle_from {
            idle.remove(&(from, self.last_asked, self.state.key().clone()));
            idle.insert((from, asked, self.state.key().clone()));
        }
        self.last_asked = asked;
    }

    /// Puts the key where it belongs among those that wait for the endpoint.
    pub(super) fn place_probe(&mut self, probes: &mut BTreeSet<(u64, Arc<Key>)>, place: Option<u64>) {
        if self.probe == place {
            return;
        }
        if let Some(old) = std::mem::replace(&mut self.probe, place) {
            probes.remove(&(old, self.state.key().clone()));
        }
        probes.extend(place.map(|tried| (tried, self.state.key().clone())));
    }

    /// Queues the key if its renewal waits until another has ended.
    pub(super) fn queue_up(&mut self, queue: &mut VecDeque<Arc<Key>>, shared: &SharedState, now: Now) {
        let key = self.state.key();
        if !self.is_queued && !shared.has_slot(key.is_client_grant()) && self.state.wants_renewal(now) {
            queue.push_back(key.clone());
            self.is_queued = true;
        }
    }

    /// Puts the key where it belongs among those that can be evicted.
    pub(super) fn place(
        &mut self,
        idle: &mut BTreeSet<(Duration, u64, Arc<Key>)>,
        shared: &SharedState,
        now: Now,
    ) {
        let from = self.state.evictable_from(shared, now).filter(|_| self.handles == 0);
        if let Some(old) = self.idle_from.filter(|_| self.idle_from != from) {
            idle.remove(&(old, self.last_asked, self.state.key().clone()));
        }
        if let Some(new) = from.filter(|_| self.idle_from != from) {
            idle.insert((new, self.last_asked, self.state.key().clone()));
        }
        self.idle_from = from;
    }

    /// Notes that a step has looked at the key: what that changes is known once its effects are taken.
    pub(super) fn touch(&mut self, touched: &mut Vec<Arc<Key>>) {
        self.is_due_stale = true;
        if !std::mem::replace(&mut self.is_touched, true) {
            touched.push(self.state.key().clone());
        }
    }
}
