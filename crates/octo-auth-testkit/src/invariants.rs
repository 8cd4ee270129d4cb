//! What always holds of a token's life, as functions that say by a value where it does not.
//!
//! - [`renewal_rule`] looks at a rule when to renew, yours or [`by_validity`], in one
//!   [`Case`](crate::strategies::Case): all that a rule can get wrong at one age of one token.
//! - [`Invariant::check`] looks at one invariant in a [`World`](crate::World) after whatever happened in it, and
//!   [`check_all`] at all of [`WATCHED`].
//! - The others take a [`Plan`](crate::Plan) and look at several worlds, such as [`same_events_same_answers`].
//!
//! Each bears the number by which the project's own tests name it, and a [`Violation`] names it by that number: what
//! holds under it is said at [`WATCHED`], and by the function of the others. Nothing here panics.

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

/// A contradiction to an invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's number, such as `I04`.
    pub invariant: &'static str,
    /// What contradicts it.
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

/// The answer of a check.
fn unless(holds: bool, invariant: &'static str, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(invariant, what())) }
}
