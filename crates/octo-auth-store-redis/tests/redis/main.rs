//! The store against a real Redis, which the tests start.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop, and one that is left out says so"
)]

mod cluster;
mod cut;
mod errors;
mod findings;
mod gone;
mod lost;
mod scripts;
mod sealed;
mod suite;
mod world;
