//! The subscription to the changes of a `TokenManager`.

use std::time::Duration;

use octo_auth_core::Change;

/// The longest sleep of a blocked subscriber before it checks again. No wake-up is lost, so this is only a safety
/// net.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The changes of all specs of a `TokenManager` since the subscription, in order. The iterator blocks until the
/// next change.
///
/// A subscriber that falls more than 1,024 changes behind loses the oldest; [`Changes::missed`] counts them. A
/// subscriber never delays a caller. The iterator ends after the last change, once the
/// [`TokenManager`](crate::TokenManager), all its handles and all work in flight have ended.
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

    /// Waits for the next change, without a time limit.
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
