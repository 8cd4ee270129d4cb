//! What the trouble of a few accounts costs the others: one registration with hundreds of healthy accounts and a few
//! for which the server fails, through six simulated hours.
//!
//! A machine that takes the failure of one account for a failure of the whole endpoint denies tokens to healthy
//! accounts. [`run`] counts such calls, and what the machine asks of the server meanwhile.
//!
//! ```no_run
//! use octo_auth_testkit::blame::{Kind, run};
//!
//! let outcome = run(5, Kind::BadGateway, 1);
//! println!("{} of {} calls were denied", outcome.denied, outcome.calls);
//! ```
//!
//! The rule kept here: an outcome is what its arguments say, on every machine. An account asks at the same moments
//! whatever fails and however many others there are.

mod answers;
mod kind;
mod outcome;
mod simulation;

pub use kind::Kind;
pub use outcome::Outcome;
pub use simulation::HEALTHY;

/// Simulates six hours with [`HEALTHY`] healthy accounts and so many bad ones, for which the server fails from the
/// start. Where the kind concerns all accounts, none is bad: all of them count as healthy.
///
/// All accounts sign in at the start; each is asked for its token every three minutes in the mean. A caller waits for
/// a token for up to 30 s. The server answers after 200 ms, with a token of one hour and a new refresh token if it does
/// not fail.
#[must_use]
pub fn run(bad: usize, kind: Kind, seed: u64) -> Outcome {
    simulation::Simulation::new(bad, kind, seed).run()
}
