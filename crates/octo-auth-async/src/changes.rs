//! The subscription to what happens to the keys of a registration.

use std::fmt;

use octo_auth_core::Change;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// How many changes are kept for a subscriber that does not read them.
pub(crate) const KEPT: usize = 1024;

/// What happens to the keys of a registration, from the moment of the subscription on.
///
/// A subscriber that falls more than 1,024 changes behind loses the oldest; [`Changes::missed`] counts them.
pub struct Changes {
    receiver: Receiver<Change>,
    missed: u64,
}

impl Changes {
    pub(crate) fn new(receiver: Receiver<Change>) -> Self {
        Self { receiver, missed: 0 }
    }

    /// Waits for the next change; nothing once the [`Accounts`](crate::Accounts), all its handles and everything
    /// under way for it are gone.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            match self.receiver.recv().await {
                Ok(change) => return Some(change),
                Err(RecvError::Lagged(many)) => self.missed = self.missed.saturating_add(many),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The next change if there is one already; it waits for none.
    pub fn try_next(&mut self) -> Option<Change> {
        loop {
            match self.receiver.try_recv() {
                Ok(change) => return Some(change),
                Err(TryRecvError::Lagged(many)) => self.missed = self.missed.saturating_add(many),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }

    /// How many changes were lost since this was asked last, because they were not read in time.
    pub fn missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("missed", &self.missed).finish_non_exhaustive()
    }
}
