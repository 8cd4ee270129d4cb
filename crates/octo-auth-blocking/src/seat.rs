//! Where the callers of one key wait, and what they are served meanwhile.

use std::sync::Arc;

use octo_auth_core::Key;
use octo_auth_system::Slot;

use crate::sync::Condvar;

/// What all handles to a key share.
pub(crate) struct Seat {
    key: Arc<Key>,
    slot: Slot,
    changed: Condvar,
}

impl Seat {
    /// A seat with nothing to serve.
    pub(crate) fn new(key: Arc<Key>) -> Self {
        Self { key, slot: Slot::new(), changed: Condvar::new() }
    }

    /// The key.
    pub(crate) fn key(&self) -> &Arc<Key> {
        &self.key
    }

    /// What the key serves without the lock.
    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// What wakes those that wait, under the desk's lock.
    pub(crate) fn changed(&self) -> &Condvar {
        &self.changed
    }
}
