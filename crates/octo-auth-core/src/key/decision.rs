//! The answer to a caller that asks for a token.

use std::time::Duration;

use super::job::Job;
use super::state::State;
use super::token::Token;
use crate::failure::TokenError;

/// The answer to a caller: what it must do, the state of the spec, and when that can change by time alone.
#[derive(Debug)]
pub struct Decision {
    /// What the caller must do.
    pub verdict: Verdict,
    /// The state of the spec.
    pub state: State,
    /// The moment on the boot clock at which the decision can change by time alone, strictly after now;
    /// `None` if only an event can change it. Asking again only then gives the same results as asking
    /// continuously.
    pub next_change: Option<Duration>,
}

/// What a caller must do.
#[derive(Debug)]
#[must_use = "the verdict may hold a job that has to be carried out"]
pub enum Verdict {
    /// Use this token.
    Use(Token),
    /// Use this token, and run this job at the same time.
    UseAndRun(Token, Job),
    /// Run this job and ask again.
    Run(Job),
    /// Wait until the flight ends, at most until this moment on the boot clock, and ask again.
    Wait {
        /// The deadline of the flight.
        until: Duration,
    },
    /// Give up: no token is available now.
    GiveUp(TokenError),
}
