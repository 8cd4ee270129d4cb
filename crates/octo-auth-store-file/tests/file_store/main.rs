//! Tests of the file store's public API: its contract, damaged files, read-only directories, claims, recovery, seals.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adopt_only;
mod claims;
mod damaged;
mod folder;
mod migrated;
mod registered;
#[cfg(feature = "seal")]
mod sealed;
mod suite;
mod world;
