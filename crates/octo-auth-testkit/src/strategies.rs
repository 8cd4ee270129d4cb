//! Arbitrary moments, lifetimes, settings, answers and whole worlds, for property tests.
//!
//! Each strategy draws the odd values (zero, the ends of ranges, what providers really send) more often than chance
//! would, and shrinks to plain ones.

mod answers;
mod lifetimes;
mod worlds;

pub use answers::{answers, error_answers, odd_values, token_answers};
pub use lifetimes::{Case, cases, leads, lives, moments, policies, spans, terms, timestamps};
pub use worlds::{Focus, events, plans, replies, setups};
