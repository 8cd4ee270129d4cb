//! Lists of addresses: their rules, and how they differ from other crates.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod differences;
mod rules;
