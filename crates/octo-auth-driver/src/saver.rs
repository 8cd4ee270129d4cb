//! What saves again what no store holds, although no caller asks: one task or thread of the adapter, only as long as
//! something is unsaved.

use std::fmt;
use std::sync::{Arc, Weak};

/// Starts the task or thread that saves, or drops the saver where there is none to be had.
pub(crate) type StartSaver = Box<dyn Fn(Saver) + Send + Sync>;

/// The right to save what no store holds: each registration has one at a time. Dropped, as with the runtime of its task,
/// it is given to another once something happens to a key.
#[must_use = "nothing is saved when it is dropped"]
pub struct Saver(Arc<()>);

impl Saver {
    /// Returns the saver if something is to be saved, now or later, and there is none.
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
