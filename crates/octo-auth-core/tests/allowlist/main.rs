//! Address lists: their rules, and their differences from other crates.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod differences;
mod rules;
