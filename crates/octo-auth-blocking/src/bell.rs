//! A bell that rings whenever something changed at the desk, for those that wait for no key in particular.
//!
//! Who waits counts the rings first and looks at the desk then: a ring in between is not missed.

use std::sync::PoisonError;
use std::time::Duration;

use crate::sync::{Condvar, Mutex, MutexGuard};

/// Counts rings and wakes those that wait for the next.
pub(crate) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { rings: Mutex::new(0), rung: Condvar::new() }
    }

    /// How often it has rung.
    pub(crate) fn count(&self) -> u64 {
        *self.lock()
    }

    /// Wakes everybody that waits.
    pub(crate) fn ring(&self) {
        let mut rings = self.lock();
        *rings = rings.wrapping_add(1);
        self.rung.notify_all();
    }

    /// Waits until it has rung more often than so, at most so long. Says whether it has.
    pub(crate) fn wait_past(&self, count: u64, at_most: Duration) -> bool {
        let mut rings = self.lock();
        if *rings == count && !at_most.is_zero() {
            rings = self.rung.wait_timeout(rings, at_most).unwrap_or_else(PoisonError::into_inner).0;
        }
        *rings != count
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
