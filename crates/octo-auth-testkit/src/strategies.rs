//! Generators of times, lifetimes, settings, token endpoint responses and whole worlds, for property tests.
//!
//! Each strategy generates edge cases (zero, the ends of ranges, what providers really send) more often than a
//! uniform one would, and shrinks to simple values.

mod answers;
mod lifetimes;
mod worlds;

pub use answers::{answers, error_answers, odd_values, token_answers};
pub use lifetimes::{Case, cases, leads, lives, moments, policies, spans, terms, timestamps};
pub use worlds::{Focus, events, plans, replies, setups};
