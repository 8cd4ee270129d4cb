//! A clock that stands still until the test moves it.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use octo_auth_blocking::{Clock, ClockListener, Now, Timestamp};

/// Both clocks, moved together. It is cheap to clone, and all clones share the time.
#[derive(Clone)]
pub(crate) struct Simulated {
    now: Arc<Mutex<Now>>,
    waiting: Arc<Mutex<Vec<Weak<dyn ClockListener>>>>,
}

impl Simulated {
    /// Returns clocks that start at 2023-11-14T22:13:20Z, an hour after the boot of the machine.
    pub(crate) fn new() -> Self {
        let wall = Timestamp::from_unix_seconds(1_700_000_000);
        let now = Now { wall, boot: Duration::from_secs(3600) };
        Self { now: Arc::new(Mutex::new(now)), waiting: Arc::default() }
    }

    /// Moves both clocks and notifies all waiters.
    pub(crate) fn advance(&self, seconds: u64) {
        let mut now = self.now.lock().expect("nothing panics under this lock");
        now.wall = now.wall.saturating_add(Duration::from_secs(seconds));
        now.boot += Duration::from_secs(seconds);
        drop(now);
        let waiting = self.waiting.lock().expect("nothing panics under this lock").clone();
        waiting.iter().filter_map(Weak::upgrade).for_each(|one| one.clock_stepped());
    }
}

impl Clock for Simulated {
    fn now(&self) -> Now {
        *self.now.lock().expect("nothing panics under this lock")
    }

    fn subscribe(&self, waiting: Weak<dyn ClockListener>) {
        self.waiting.lock().expect("nothing panics under this lock").push(waiting);
    }
}
