//! What saves again what no store holds, although no caller asks: one task or thread of the adapter, only as long as
//! something is unsaved.

use std::fmt;
use std::sync::{Arc, Weak};

use octo_auth_core::Tending;

use crate::calls::Due;
use crate::shared::{Shared, State, left};

/// Starts the task or thread that saves, or drops the saver where there is none to be had.
pub(crate) type StartSaver = Box<dyn Fn(Saver) + Send + Sync>;

/// The right to save what no store holds: each registration has one at a time. Dropped, as with the runtime of its task,
/// it is given to another once something happens to a key.
#[must_use = "nothing is saved when it is dropped"]
pub struct Saver(Arc<()>);

impl Saver {
    /// Returns the saver if something is to be saved, now or later, and there is none.
    pub(crate) fn new(state: &mut State) -> Option<Self> {
        if !state.machine.has_unsaved() || state.saver.strong_count() > 0 {
            return None;
        }
        let saver = Self(Arc::new(()));
        state.saver = Arc::downgrade(&saver.0);
        Some(saver)
    }

    /// Asks what is to be saved, also after a shutdown. It is over when nothing is left; if something is unsaved later,
    /// there is another saver.
    pub fn poll(&self, shared: &Arc<Shared>) -> Due {
        let (mut state, now) = shared.enter();
        let (saving, wakers) = shared.apply(&mut state, now, |machine| machine.save_next(now));
        let due = match saving {
            Some(Tending { job: Some(job), .. }) => Due::Run(shared.guard(&mut state, job)),
            Some(Tending { job: None, again }) => Due::Wait(shared.listen(), left(again, now)),
            None => {
                // In the same step, so that nothing unsaved is left without a saver.
                state.saver = Weak::new();
                Due::Over
            }
        };
        shared.leave(state, wakers);
        due
    }
}

impl Shared {
    /// Sets what starts a task or thread that asks [`Saver::poll`] until that is over. It is called with no lock
    /// held, by the thread that has met something unsaved. Only the first call has an effect.
    pub fn on_unsaved(&self, start: impl Fn(Saver) + Send + Sync + 'static) {
        // The starter that is there stays.
        let _ = self.start_saver.set(Box::new(start));
    }
}

impl fmt::Debug for Saver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saver").finish_non_exhaustive()
    }
}
