//! Work that is in flight or unsaved.

use std::sync::Arc;

use octo_auth_core::TokenSpec;

use crate::shared::Shared;

/// Work that is not finished, such as when a shutdown stopped waiting. It continues while its runtime or program
/// does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The specs whose request was not answered yet, or whose store call is in flight.
    pub unanswered: Vec<Arc<TokenSpec>>,
    /// The specs with unsaved data, such as a refresh token. It is lost when the process ends.
    pub unsaved: Vec<Arc<TokenSpec>>,
    /// The number of tasks or threads that run or wait to run: renewals, store calls, revocations, and exchanges
    /// that belong to no spec, such as that of an authorization code.
    pub running: usize,
}

impl Unfinished {
    /// Returns whether everything is finished.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unanswered.is_empty() && self.unsaved.is_empty() && self.running == 0
    }
}

impl Shared {
    /// Returns the work that is in flight or unsaved.
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        let state = self.lock();
        let (unanswered, unsaved) = state.machine.unfinished();
        Unfinished { unanswered, unsaved, running: state.running() }
    }

    /// Returns the longest time that a renewal in flight may take.
    #[must_use]
    pub fn longest_flight(&self) -> std::time::Duration {
        self.lock().machine.longest_flight()
    }
}
