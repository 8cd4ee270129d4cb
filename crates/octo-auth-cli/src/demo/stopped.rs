//! Why a chapter ends early.

use std::error::Error;

/// Why a chapter ended early.
pub(super) enum Stopped {
    /// A step failed on which the next ones depend; it is listed as failed.
    AtStep,
    /// An error occurred between the steps.
    Unplayable(String),
}

impl<E: Error> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Unplayable(error.to_string())
    }
}
