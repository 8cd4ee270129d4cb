//! Events that telemetry has not heard of yet.
//!
//! They are told one after the other, in the order in which they happened, and never under the lock: a thread that finds
//! some while no other thread tells them tells them all. A subscriber that calls back only adds to them.

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

    /// Takes the events to tell, unless another thread tells them. After them, take [`PendingEvents::rest`].
    pub(crate) fn take(&mut self) -> Vec<News> {
        if self.is_busy { Vec::new() } else { self.rest() }
    }

    /// Takes what has come since; if that is nothing, it is over.
    pub(crate) fn rest(&mut self) -> Vec<News> {
        self.is_busy = !self.events.is_empty();
        std::mem::take(&mut self.events)
    }
}
