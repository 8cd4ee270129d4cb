//! The store against a real PostgreSQL, which the tests start.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop, and one that is left out says so"
)]

mod births;
mod cut;
mod errors;
mod findings;
mod lost;
mod notices;
mod pooler;
mod sealed;
mod suite;
mod tables;
mod tls;
mod world;
