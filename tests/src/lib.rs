//! What the tests share: fixed moments, registrations, answers, and requests written out as text.

pub mod adapter;
pub mod caller;
pub mod canary;
pub mod conformance;
pub mod log;
pub mod machine;
pub mod outcome;
pub mod registration;
pub mod reply;
pub mod stage;
pub mod transcript;
pub mod wire;

pub use octo_auth_testkit::{moment, socket};

/// The examples of the README, run as they stand there.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
