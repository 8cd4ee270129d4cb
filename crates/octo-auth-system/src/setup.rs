//! Why an adapter could not be set up.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use octo_auth_core::{Diagnostic, Remedy};

/// Why an adapter could not be set up, and what of it: the proxy that the environment names, the settings of its HTTP client,
/// its cryptography, the certificates it trusts, or its randomness.
#[derive(Debug)]
pub struct SetupError {
    what: &'static str,
    cause: Box<dyn Error + Send + Sync>,
}

impl SetupError {
    /// Returns an error of the whole adapter with its cause, which is shown to people and must hold no secret.
    #[must_use]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of("the adapter", cause)
    }

    /// Returns an error of one part, such as `the proxy`, with its cause.
    #[must_use]
    pub fn of(what: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what, cause: cause.into() }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be set up: {}", self.what, self.cause)
    }
}

/// The cause is in the text; what lies behind it is the source.
impl Error for SetupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
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
