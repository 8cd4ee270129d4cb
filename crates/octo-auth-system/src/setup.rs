//! Why an adapter could not be set up.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use octo_auth_core::{Diagnostic, Remedy};

/// Why an adapter could not be set up: a proxy of the environment that cannot be used, contradictory settings of its HTTP
/// client, or no randomness.
#[derive(Debug)]
pub struct SetupError(Box<dyn Error + Send + Sync>);

impl SetupError {
    /// An error with its cause, which is shown to people and must hold no secret.
    #[must_use]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the adapter could not be set up: {}", self.0)
    }
}

/// The cause is in the text; what lies behind it is the source.
impl Error for SetupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
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
