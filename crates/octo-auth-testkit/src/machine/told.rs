//! What a caller of the machine is told, in one line.

use std::time::Duration;

use octo_auth_core::{Job, Remedy, Token, TokenError};

/// A decision, in a line that a test can compare, and in full.
#[derive(Debug)]
pub struct Told {
    /// The state and the verdict, such as `stale_renewing: use AT1, send` or
    /// `expired_blocked: give up, http:503, later`.
    pub line: String,
    /// The job to carry, if there is one. A job that the test does not carry stays in flight.
    pub job: Option<Job>,
    /// The token, if there is one.
    pub token: Option<Token>,
    /// The failure, if there is no token.
    pub failure: Option<TokenError>,
    /// The moment on the boot clock at which the answer can change by time alone.
    pub next_change: Option<Duration>,
}

impl Told {
    /// Returns how long the failure says to wait.
    ///
    /// # Panics
    ///
    /// If its remedy is not to try later.
    #[must_use]
    pub fn wait(&self) -> Duration {
        match self.failure.as_ref().map(TokenError::remedy) {
            Some(Remedy::TryLater { after }) => after,
            other => panic!("{}: {other:?}", self.line),
        }
    }
}
