//! The invariants of a token's life, as functions that report a violation as a value.
//!
//! - [`renewal_rule`] checks a renewal rule, yours or [`by_validity`], in one [`Case`](crate::strategies::Case):
//!   everything that a rule can get wrong at one age of one token.
//! - [`Invariant::check`] checks one invariant of a [`World`](crate::World) over all its past events, and
//!   [`check_all`] checks all of [`WATCHED`].
//! - The other functions take a [`Plan`](crate::Plan) and compare several worlds, such as
//!   [`same_events_same_answers`].
//!
//! Each invariant has the number by which the project's own tests and a [`Violation`] name it. [`WATCHED`] has the
//! text of the watched ones, the other functions have their own. No function of this module panics.

mod renewal;
mod watched;
mod worlds;

use std::error::Error;
use std::fmt;

pub use renewal::{
    by_validity, hint_never_delays, jitter_never_delays, longer_life_is_no_more_urgent,
    renewal_is_due_in_time, renewal_rule, urgency_never_falls,
};
pub use watched::{Invariant, WATCHED, check_all};
pub use worlds::{
    a_token_is_reached, killed_process_holds_up_briefly, leaving_callers_change_nothing,
    pauses_keep_their_bounds, renewals_are_rare, restart_goes_on, same_events_same_answers,
};

/// A violation of an invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's number, such as `I04`.
    pub invariant: &'static str,
    /// What violates it.
    pub what: String,
}

impl Violation {
    pub(crate) fn new(invariant: &'static str, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

impl Error for Violation {}

/// Returns a violation unless `holds` is `true`.
fn unless(holds: bool, invariant: &'static str, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(invariant, what())) }
}
