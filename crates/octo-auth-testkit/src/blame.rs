//! Measures how the failures of a few accounts affect the others. One registration has hundreds of healthy accounts,
//! and a few for which the server fails, for six simulated hours.
//!
//! A machine that mistakes the failure of one account for a failure of the whole endpoint denies tokens to healthy
//! accounts. [`run`] counts such calls, and the requests that the machine sends meanwhile.
//!
//! ```no_run
//! use octo_auth_testkit::blame::{Kind, run};
//!
//! let outcome = run(5, Kind::BadGateway, 1);
//! println!("{} of {} calls were denied", outcome.denied, outcome.calls);
//! ```
//!
//! The outcome depends only on the arguments of [`run`], on every machine. An account asks at the same times,
//! whatever fails and however many other accounts exist.

mod answers;
mod kind;
mod outcome;
mod simulation;

pub use kind::Kind;
pub use outcome::SimulationCounts;
pub use simulation::HEALTHY;

/// Simulates six hours with [`HEALTHY`] healthy accounts and `bad` accounts for which the server fails from the
/// start. If the kind concerns all accounts, `bad` accounts count as healthy too.
///
/// All accounts sign in at the start. A caller asks for the token of each account every three minutes on average, and
/// waits for it for up to 30 s. The server answers after 200 ms. If it does not fail, the answer has a token that
/// lives for one hour and a new refresh token.
#[must_use]
pub fn run(bad: usize, kind: Kind, seed: u64) -> SimulationCounts {
    simulation::Simulation::new(bad, kind, seed).run()
}
