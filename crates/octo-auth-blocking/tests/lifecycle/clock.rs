//! A clock that stands still until the test moves it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use octo_auth_blocking::{Clock, Now, Timestamp};

/// Both clocks, moved together; the clones are one.
#[derive(Clone)]
pub(crate) struct Simulated(Arc<Mutex<Now>>);

impl Simulated {
    /// 2023-11-14T22:13:20Z, an hour after the machine started.
    pub(crate) fn new() -> Self {
        let wall = Timestamp::from_unix_seconds(1_700_000_000);
        Self(Arc::new(Mutex::new(Now { wall, boot: Duration::from_secs(3600) })))
    }

    pub(crate) fn advance(&self, seconds: u64) {
        let mut now = self.0.lock().expect("nothing panics under this lock");
        now.wall = now.wall.saturating_add(Duration::from_secs(seconds));
        now.boot += Duration::from_secs(seconds);
    }
}

impl Clock for Simulated {
    fn now(&self) -> Now {
        *self.0.lock().expect("nothing panics under this lock")
    }
}
