//! The parts that the stores of octo-auth share: [`Sealing`] of records, [`next_version`] of a record, and
//! [`SecretSource`], the place where a secret is kept. A program uses them through the crate of its store.

// docs.rs marks what a feature brings.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "seal")]
mod command;
mod error;
mod finding;
#[cfg(feature = "seal")]
mod keys;
mod sealing;
mod secret_source;
mod version;

pub use error::{SealError, SecretError};
pub use finding::{Finding, Severity};
#[cfg(feature = "seal")]
pub use keys::{Key, Keys};
#[cfg(feature = "waiting")]
pub mod waiting;

pub use sealing::{FORMAT, MAGIC, Sealed, Sealing, authenticated};
pub use secret_source::{SecretSource, label};
pub use version::next_version;
