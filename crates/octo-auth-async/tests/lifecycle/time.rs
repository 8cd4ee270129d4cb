//! Clocks that the test moves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use octo_auth_async::{Clock, ClockListener, Now, Timestamp};
use tokio::time::Instant;

const START: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const UP_SINCE: Duration = Duration::from_secs(1_000);

fn after(time: Duration) -> Now {
    Now { wall: START.saturating_add(time), boot: UP_SINCE + time }
}

/// A clock that stands still at the time that the test sets.
#[derive(Clone, Default)]
pub(crate) struct Still(Arc<AtomicU64>);

impl Still {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Still {
    fn now(&self) -> Now {
        after(Duration::from_secs(self.0.load(Ordering::SeqCst)))
    }
}

/// A clock that stands still at the time that the test sets. It notifies its listeners when it is moved.
#[derive(Clone, Default)]
pub(crate) struct Moved {
    still: Still,
    waiting: Arc<Mutex<Vec<Weak<dyn ClockListener>>>>,
}

impl Moved {
    pub(crate) fn advance(&self, seconds: u64) {
        self.still.advance(seconds);
        let waiting = self.waiting.lock().expect("nothing panics under this lock").clone();
        waiting.iter().filter_map(Weak::upgrade).for_each(|one| one.clock_stepped());
    }
}

impl Clock for Moved {
    fn now(&self) -> Now {
        self.still.now()
    }

    fn subscribe(&self, waiting: Weak<dyn ClockListener>) {
        self.waiting.lock().expect("nothing panics under this lock").push(waiting);
    }
}

/// A clock that panics once, when it is read for the given time from now on.
#[derive(Clone, Default)]
pub(crate) struct Failing(Arc<AtomicU64>);

impl Failing {
    pub(crate) fn fail_at(&self, reading: u64) {
        self.0.store(reading, Ordering::SeqCst);
    }

    pub(crate) fn is_to_fail(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

impl Clock for Failing {
    fn now(&self) -> Now {
        let left = self.0.load(Ordering::SeqCst);
        self.0.store(left.saturating_sub(1), Ordering::SeqCst);
        assert_ne!(left, 1, "this clock panics, as the test wants it");
        after(Duration::ZERO)
    }
}

/// The time of a paused tokio runtime. It moves whenever no other work is left.
#[derive(Clone, Copy)]
pub(crate) struct Paused(Instant);

impl Paused {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the elapsed time, in whole seconds.
    pub(crate) fn seconds(self) -> u64 {
        Instant::now().duration_since(self.0).as_secs()
    }
}

impl Clock for Paused {
    fn now(&self) -> Now {
        after(Instant::now().duration_since(self.0))
    }
}
