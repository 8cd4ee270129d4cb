//! Why an adapter could not be set up.

use std::borrow::Cow;
use std::error::Error;

use octo_auth_core::{Diagnostic, Remedy};

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

impl Diagnostic for SetupError {
    fn code(&self) -> Cow<'static, str> {
        "setup".into()
    }

    fn remedy(&self) -> Remedy {
        Remedy::FixConfiguration
    }
}
