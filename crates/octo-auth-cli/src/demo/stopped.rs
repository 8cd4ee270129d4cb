//! Why a chapter ends before its end.

use std::error::Error;

/// Why a chapter ended before its end.
pub(super) enum Stopped {
    /// A step failed that the next ones rest on; it is listed as failed.
    AtStep,
    /// Something went wrong between the steps.
    Unplayable(String),
}

impl<E: Error> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Unplayable(error.to_string())
    }
}
