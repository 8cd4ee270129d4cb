//! The subscription to the changes of a `TokenManager`.

use std::time::Duration;

use octo_auth_core::Change;

/// Wake-ups are not missed; this is how long a blocked subscriber waits before it looks again all the same.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What happens to the keys of a registration from the subscription on, in order: an iterator that waits.
///
/// A subscriber that falls more than 1,024 changes behind loses the oldest; [`Changes::missed`] counts them. It never
/// holds up a caller. The iterator ends once the [`TokenManager`](crate::TokenManager), all its handles and everything in flight
/// are gone and each change was read.
#[derive(Debug)]
pub struct Changes(octo_auth_driver::Changes);

impl Changes {
    pub(crate) fn new(changes: octo_auth_driver::Changes) -> Self {
        Self(changes)
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

impl Iterator for Changes {
    type Item = Change;

    /// Waits for the next change, however long it takes.
    fn next(&mut self) -> Option<Change> {
        loop {
            match self.0.next_or_listen()? {
                Ok(change) => return Some(change),
                Err(listener) => {
                    listener.wait_timeout(LONGEST_WAIT);
                }
            }
        }
    }
}
