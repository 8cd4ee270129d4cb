//! The subscription to what happens to the keys of a registration.

use octo_auth_core::Change;

/// What happens to the keys of a registration, from the moment of the subscription on.
///
/// A subscriber that falls more than 1,024 changes behind loses the oldest; [`Changes::missed`] counts them. It never
/// holds up a caller.
#[derive(Debug)]
pub struct Changes(octo_auth_driver::Changes);

impl Changes {
    pub(crate) fn new(changes: octo_auth_driver::Changes) -> Self {
        Self(changes)
    }

    /// Waits for the next change. Returns `None` once the [`TokenManager`](crate::TokenManager), all its handles and everything
    /// in flight are gone and each change was read. Dropping the future loses nothing.
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

    /// Returns the number of changes that were lost since the last call, because they were not read in time.
    pub fn missed(&mut self) -> u64 {
        self.0.missed()
    }
}
