//! Why an adapter could not be set up.

use std::error::Error;

/// Why an HTTP client could not be set up, such as contradictory settings in its builder.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up")]
pub struct SetupError(#[source] Box<dyn Error + Send + Sync>);

impl SetupError {
    /// An error with its cause, which is shown to people and must hold no secret.
    #[must_use]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}
