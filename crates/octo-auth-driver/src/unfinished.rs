//! What is under way or unsaved.

use std::sync::Arc;

use octo_auth_core::TokenSpec;

use crate::shared::Shared;

/// What is not done yet, such as when a shutdown stopped waiting. It goes on as long as its runtime or program does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The keys whose request was not answered yet, or whose call of the store is under way.
    pub unanswered: Vec<Arc<TokenSpec>>,
    /// The keys with something that no store holds, such as a refresh token: it is lost with the process.
    pub unsaved: Vec<Arc<TokenSpec>>,
    /// The number of tasks or threads at work, or waiting for one: renewals, calls of the store, revocations, and exchanges
    /// beside the keys, such as that of an authorization code.
    pub running: usize,
}

impl Unfinished {
    /// Returns whether all was done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unanswered.is_empty() && self.unsaved.is_empty() && self.running == 0
    }
}

impl Shared {
    /// Returns what is under way or unsaved.
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        let state = self.lock();
        let (unanswered, unsaved) = state.machine.unfinished();
        Unfinished { unanswered, unsaved, running: state.running() }
    }

    /// Returns the longest that a renewal under way may take.
    #[must_use]
    pub fn longest_flight(&self) -> std::time::Duration {
        self.lock().machine.longest_flight()
    }
}
