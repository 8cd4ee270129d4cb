//! One request that a test stops: the test's end and the server's end.
//!
//! Either end may be dropped at any time. Dropping a [`Held`] releases its request. A request that can no longer arrive
//! ends the wait for it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot::{self, error::TryRecvError};

/// The longest wait of a test for a request. A request of a working test arrives within milliseconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A request that is or will be held. Dropping this value releases the request.
///
/// It can be moved to another thread. An asynchronous test waits with it on a thread for blocking work.
#[must_use = "dropping it lets the request go on"]
pub struct Held {
    arrival: Arc<Arrival>,
    release: oneshot::Sender<Release>,
}

/// The server's end: reports the arrival and waits for the release.
pub(crate) struct Hold {
    pub(crate) moment: Moment,
    arrival: Arc<Arrival>,
    released: oneshot::Receiver<Release>,
}

/// The time at which a request is held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Unprocessed,
    Processed,
}

/// How a held request continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    Answer,
    Close,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Awaited,
    Arrived,
    /// The order was cancelled, or the emulator stopped, before a request came.
    Cancelled,
}

struct Arrival {
    stage: Mutex<Stage>,
    changed: Condvar,
}

pub(super) fn pair(moment: Moment) -> (Held, Hold) {
    let (release, released) = oneshot::channel();
    let arrival = Arc::new(Arrival { stage: Mutex::new(Stage::Awaited), changed: Condvar::new() });
    (Held { arrival: Arc::clone(&arrival), release }, Hold { moment, arrival, released })
}

impl Held {
    /// Blocks the calling thread until the request is held. A request held with its answer has then been processed.
    ///
    /// Returns `false` if the hold was cancelled, or if no request came within 30 seconds of real time, so that a
    /// broken test fails instead of hanging.
    #[must_use = "a request that never came makes the test meaningless"]
    pub fn arrived(&self) -> bool {
        let stage = self.arrival.lock();
        let waiting = |stage: &mut Stage| *stage == Stage::Awaited;
        let waited = self.arrival.changed.wait_timeout_while(stage, TIMEOUT, waiting);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == Stage::Arrived
    }

    /// Returns whether the request is or was held, without waiting for it.
    #[must_use]
    pub fn has_arrived(&self) -> bool {
        *self.arrival.lock() == Stage::Arrived
    }

    /// Releases the request: its answer is sent, after processing if that is still to come.
    ///
    /// If the request has not arrived yet, cancels the hold.
    pub fn release(self) {
        self.let_go(Release::Answer);
    }

    /// Closes the connection without an answer; a request that was held unprocessed is never processed.
    ///
    /// If the request has not arrived yet, cancels the hold.
    pub fn close(self) {
        self.let_go(Release::Close);
    }

    fn let_go(self, release: Release) {
        // If the hold was cancelled there is no receiver, and nothing to release.
        let _ = self.release.send(release);
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("has_arrived", &self.has_arrived()).finish_non_exhaustive()
    }
}

impl Hold {
    /// Whether the test still wants to hold a request: it has neither released it nor dropped its end.
    pub(super) fn is_wanted(&mut self) -> bool {
        self.released.try_recv() == Err(TryRecvError::Empty)
    }

    /// Notifies the test of the request, and waits until it is released.
    pub(crate) async fn wait(mut self) -> Release {
        self.arrival.turn(Stage::Arrived);
        (&mut self.released).await.unwrap_or(Release::Answer)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.arrival.turn(Stage::Cancelled);
    }
}

impl Arrival {
    /// Leaves the first stage. All other stages are final.
    fn turn(&self, to: Stage) {
        let mut stage = self.lock();
        if *stage == Stage::Awaited {
            *stage = to;
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
