//! The subscription to the changes of a `TokenManager`.

use octo_auth_core::Change;

/// The changes of all specs of a `TokenManager` since the subscription.
///
/// A subscriber that falls more than 1,024 changes behind loses the oldest; [`Changes::missed`] counts them. A
/// subscriber never delays a caller.
#[derive(Debug)]
pub struct Changes(octo_auth_driver::Changes);

impl Changes {
    pub(crate) fn new(changes: octo_auth_driver::Changes) -> Self {
        Self(changes)
    }

    /// Waits for the next change. Returns `None` after the last change, once the
    /// [`TokenManager`](crate::TokenManager), all its handles and all work in flight have ended. Dropping the
    /// future loses no change.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            match self.0.next_or_listen()? {
                Ok(change) => return Some(change),
                Err(listener) => listener.await,
            }
        }
    }

    /// Returns the next change, or `None` if there is none yet.
    pub fn try_next(&mut self) -> Option<Change> {
        self.0.try_next()
    }

    /// Returns the number of changes that were lost since the last call because the subscriber was too slow.
    pub fn missed(&mut self) -> u64 {
        self.0.missed()
    }
}
