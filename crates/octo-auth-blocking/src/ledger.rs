//! What the desk keeps under its lock: the machine, and who is where.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{Accounts, Job, Key, Now, Status};
use octo_auth_system::telling::News;

use crate::changes::Board;
use crate::seat::Seat;

/// What is consistent only as a whole.
pub(crate) struct Ledger {
    pub(crate) machine: Accounts,
    pub(crate) seats: HashMap<Arc<Key>, Place>,
    /// The keys for which something is under way, by the moment that can change by time alone, its deadline at last.
    pub(crate) under_way: HashMap<Arc<Key>, Option<Duration>>,
    /// How many jobs of a key are being carried, or what follows them.
    pub(crate) carried: HashMap<Arc<Key>, usize>,
    pub(crate) board: Board,
    /// What is left to be told once the lock is let go.
    pub(crate) news: Vec<News>,
    pub(crate) is_closed: bool,
}

/// A seat and how many handles share it.
pub(crate) struct Place {
    pub(crate) seat: Arc<Seat>,
    pub(crate) handles: usize,
}

impl Ledger {
    /// Puts into a key's slot what it may serve.
    pub(crate) fn publish(&mut self, key: &Key, now: Now) {
        if let Some(place) = self.seats.get(key) {
            place.seat.slot().put(self.machine.published(key, now));
        }
    }

    /// Counts a job that is handed out to be carried.
    pub(crate) fn hand_out(&mut self, job: Option<&Job>) {
        let Some(job) = job else { return };
        let key = job.ticket().key();
        match self.carried.get_mut(key) {
            Some(carried) => *carried += 1,
            None => drop(self.carried.insert(Arc::new(key.clone()), 1)),
        }
    }

    /// Counts a carrier for whom there is no other job of the key.
    pub(crate) fn carrier_is_back(&mut self, key: &Key) {
        let Some(carried) = self.carried.get_mut(key) else { return };
        *carried -= 1;
        if *carried == 0 {
            self.carried.remove(key);
            if let Some(place) = self.seats.get(key) {
                place.seat.changed().notify_all();
            }
        }
    }

    /// Notes whether something is under way for a key.
    pub(crate) fn note_flight(&mut self, key: &Key, after: &Status) {
        if !after.in_flight {
            self.under_way.remove(key);
        } else if let Some(next) = self.under_way.get_mut(key) {
            *next = after.next_change;
        } else {
            self.under_way.insert(Arc::new(key.clone()), after.next_change);
        }
    }
}
