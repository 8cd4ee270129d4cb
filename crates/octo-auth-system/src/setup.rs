//! Why an adapter could not be set up.

use std::error::Error;

/// Why an adapter could not be set up: contradictory settings of its HTTP client, or no randomness to be had.
#[derive(Debug, thiserror::Error)]
#[error("the adapter could not be set up")]
pub struct SetupError(#[source] Box<dyn Error + Send + Sync>);

impl SetupError {
    /// An error with its cause, which is shown to people and must hold no secret.
    #[must_use]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}
