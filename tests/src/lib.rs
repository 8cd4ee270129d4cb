//! Shared parts of the tests besides the test kit: adapters, logs, scenarios, and the rows of the corpus.

#[cfg(feature = "adapters")]
pub mod adapter;
pub mod backend;
#[cfg(feature = "adapters")]
pub mod caller;
#[cfg(feature = "adapters")]
pub mod conformance;
#[cfg(all(unix, feature = "adapters"))]
pub mod file_store;
#[cfg(all(unix, feature = "adapters"))]
pub mod fleet;
#[cfg(feature = "adapters")]
pub mod history;
pub mod log;
#[path = "../../crates/octo-auth-core/tests/record/written.rs"]
pub mod records;
#[cfg(feature = "adapters")]
pub mod rotation;
pub mod states;
#[cfg(feature = "adapters")]
pub mod tls_server;
pub mod transcript;

#[cfg(feature = "adapters")]
pub use octo_auth_testkit::socket;
pub use octo_auth_testkit::{canary, machine, moment, outcome, registration, response as reply, wire};

/// The examples of the README, run unchanged.
#[cfg(all(doctest, feature = "adapters"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;
