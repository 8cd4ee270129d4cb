//! A decision of the machine, in one line.

use std::time::Duration;

use octo_auth_core::{Job, Remedy, Token, TokenError};

/// A decision: one line that a test can compare, and its parts.
#[derive(Debug)]
pub struct DecisionLine {
    /// The state and the verdict, such as `stale_renewing: use AT1, send` or
    /// `expired_blocked: give up, http:503, later`.
    pub line: String,
    /// The job to run, or `None`. A job that the test does not run stays in flight.
    pub job: Option<Job>,
    /// The token, or `None`.
    pub token: Option<Token>,
    /// The error, if there is no token.
    pub failure: Option<TokenError>,
    /// The time of the boot clock at which the decision can change by time alone.
    pub next_change: Option<Duration>,
}

impl DecisionLine {
    /// Returns how long to wait before the next attempt, according to the error.
    ///
    /// # Panics
    ///
    /// If the error's remedy is not to retry later.
    #[must_use]
    pub fn wait(&self) -> Duration {
        match self.failure.as_ref().map(TokenError::remedy) {
            Some(Remedy::TryLater { after }) => after,
            other => panic!("{}: {other:?}", self.line),
        }
    }
}
