//! The two clocks of a simulated machine.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use octo_auth_async::Clock;
use octo_auth_core::{Now, Timestamp};

/// Clocks that the test moves. All clones are the same clocks.
#[derive(Clone)]
pub(crate) struct Simulated(Arc<Mutex<Now>>);

impl Simulated {
    pub(super) fn new(unix_millis: i64) -> Self {
        // The machine has been up for a day.
        let boot = Duration::from_secs(86_400);
        Self(Arc::new(Mutex::new(Now { wall: Timestamp::from_unix_millis(unix_millis), boot })))
    }

    /// Advances both clocks.
    pub(super) fn advance(&self, by: Duration) {
        self.change(|now| Now { wall: now.wall.saturating_add(by), boot: now.boot.saturating_add(by) });
    }

    /// Sets the wall clock forward or back.
    pub(super) fn step_wall(&self, seconds: i64) {
        self.change(|now| {
            let wall = Timestamp::from_unix_millis(now.wall.as_unix_millis() + seconds * 1000);
            Now { wall, ..now }
        });
    }

    fn change(&self, change: impl FnOnce(Now) -> Now) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = change(*now);
    }
}

impl Clock for Simulated {
    fn now(&self) -> Now {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
