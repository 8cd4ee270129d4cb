//! The state that all handles of one spec share.

use std::fmt;
use std::sync::Arc;

use octo_auth_core::TokenSpec;
use octo_auth_system::Clock;

use crate::event::Event;
use crate::snapshot_cell::{Snapshot, SnapshotCell};

/// A spec that a handle has acquired, with its snapshot and its waiting callers.
pub struct KeyCell {
    spec: Arc<TokenSpec>,
    pub(crate) snapshot: SnapshotCell,
    pub(crate) changed: Event,
}

impl KeyCell {
    pub(crate) fn new(spec: Arc<TokenSpec>) -> Self {
        Self { spec, snapshot: SnapshotCell::default(), changed: Event::default() }
    }

    /// Returns the spec.
    #[must_use]
    pub fn spec(&self) -> &Arc<TokenSpec> {
        &self.spec
    }

    /// Returns the token if it can be used without asking, with no lock and no allocation. On `None`, call
    /// [`Shared::ask`](crate::Shared::ask).
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
