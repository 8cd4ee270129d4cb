//! The saver: retries failed saves without a caller. It is one task or thread of the adapter, and exists only
//! while something is unsaved.

use std::fmt;
use std::sync::{Arc, Weak};

/// Starts the task or thread of a saver. It drops the saver if it cannot start one.
pub(crate) type StartSaver = Box<dyn Fn(Saver) + Send + Sync>;

/// The right to retry saves. Each `TokenManager` has one at a time. If it is dropped, for example because its
/// runtime ends, another one is made at the next change of a spec.
#[must_use = "nothing is saved when it is dropped"]
pub struct Saver(Arc<()>);

impl Saver {
    /// Returns a saver if there is unsaved data, now or later, and no saver exists.
    pub(crate) fn new(alive: &mut Weak<()>, has_unsaved: bool) -> Option<Self> {
        if !has_unsaved || alive.strong_count() > 0 {
            return None;
        }
        let saver = Self(Arc::new(()));
        *alive = Arc::downgrade(&saver.0);
        Some(saver)
    }
}

impl fmt::Debug for Saver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saver").finish_non_exhaustive()
    }
}
