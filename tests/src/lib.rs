//! What the tests share: fixed moments, registrations, answers, and requests written out as text.

#[cfg(feature = "adapters")]
pub mod adapter;
#[cfg(feature = "adapters")]
pub mod caller;
pub mod canary;
#[cfg(feature = "adapters")]
pub mod conformance;
pub mod log;
pub mod machine;
pub mod outcome;
pub mod registration;
pub mod reply;
pub mod stage;
pub mod transcript;
pub mod wire;

pub use octo_auth_testkit::moment;
#[cfg(feature = "adapters")]
pub use octo_auth_testkit::socket;

/// The examples of the README, run as they stand there.
#[cfg(all(doctest, feature = "adapters"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;
