//! Events that were not reported to telemetry yet.
//!
//! They are reported in the order in which they happened, and never under the lock. One thread at a time reports
//! all of them. If a subscriber calls back, its events are only added to the queue.

use crate::telemetry::News;

#[derive(Default)]
pub(crate) struct PendingEvents {
    events: Vec<News>,
    is_busy: bool,
}

impl PendingEvents {
    pub(crate) fn push(&mut self, event: News) {
        self.events.push(event);
    }

    /// Takes the events to report, unless another thread is reporting. Call [`PendingEvents::rest`] after
    /// reporting them.
    pub(crate) fn take(&mut self) -> Vec<News> {
        if self.is_busy { Vec::new() } else { self.rest() }
    }

    /// Takes the events that were added since. If there are none, reporting ends.
    pub(crate) fn rest(&mut self) -> Vec<News> {
        self.is_busy = !self.events.is_empty();
        std::mem::take(&mut self.events)
    }
}
