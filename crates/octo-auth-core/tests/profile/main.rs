//! The effect of profiles on calls: requests byte by byte, callbacks, and answers with the providers' quirks.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

mod arbitrary;
mod callbacks;
mod own_ways;
mod quirks;
mod refusals;
mod requests;
mod rules;
mod standard_requests;
#[cfg(feature = "toml")]
mod text;
