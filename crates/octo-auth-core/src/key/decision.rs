//! What a caller is told.

use std::time::Duration;

use super::job::Job;
use super::state::State;
use super::token::Token;
use crate::failure::TokenError;

/// What a caller is told: what to do, in which state of the key, and when that can change by time alone.
#[derive(Debug)]
pub struct Decision {
    /// What to do.
    pub verdict: Verdict,
    /// The state of the key.
    pub state: State,
    /// The moment on the boot clock at which the answer can change by time alone, strictly after now; `None` if only an
    /// event can change it. Asking again then gives the same results as asking all the time.
    pub next_change: Option<Duration>,
}

/// What a caller is to do.
#[derive(Debug)]
#[must_use = "the verdict may hold a job that has to be carried out"]
pub enum Verdict {
    /// Use this token.
    Use(Token),
    /// Use this token, and have this job carried out beside it.
    UseAndRun(Token, Job),
    /// Have this job carried out and ask again.
    Run(Job),
    /// Wait until the flight ends, at most until this moment on the boot clock, and ask again.
    Wait {
        /// The deadline of what is in flight.
        until: Duration,
    },
    /// There is no token to be had now.
    GiveUp(TokenError),
}
