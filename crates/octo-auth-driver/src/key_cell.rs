//! What all handles of one key share.

use std::fmt;
use std::sync::Arc;

use octo_auth_core::TokenSpec;
use octo_auth_system::Clock;

use crate::event::Event;
use crate::snapshot_cell::{Snapshot, SnapshotCell};

/// A key that a handle has acquired: its snapshot, and the callers that wait for it.
pub struct KeyCell {
    spec: Arc<TokenSpec>,
    pub(crate) snapshot: SnapshotCell,
    pub(crate) changed: Event,
}

impl KeyCell {
    pub(crate) fn new(spec: Arc<TokenSpec>) -> Self {
        Self { spec, snapshot: SnapshotCell::default(), changed: Event::default() }
    }

    /// Returns the key.
    #[must_use]
    pub fn spec(&self) -> &Arc<TokenSpec> {
        &self.spec
    }

    /// Returns the token that can be served without asking: no lock, no allocation. `None`: ask.
    #[inline]
    pub fn snapshot(&self, clock: &dyn Clock) -> Option<Snapshot> {
        self.snapshot.read(clock)
    }
}

impl fmt::Debug for KeyCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCell").field("key", &self.spec).finish_non_exhaustive()
    }
}
