//! The error of an adapter that could not be set up.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use octo_auth_core::{Diagnostic, Remedy};

/// An error in setting up an adapter. It names the part: the proxy that the environment names, the settings of the
/// HTTP client, the crypto provider, the trusted certificates, or the randomness.
#[derive(Debug)]
pub struct SetupError {
    what: &'static str,
    cause: Box<dyn Error + Send + Sync>,
}

impl SetupError {
    /// Builds an error of the whole adapter with its cause. The cause is shown to people and must contain no
    /// secret.
    #[must_use]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of("the adapter", cause)
    }

    /// Builds an error of one part, such as `the proxy`, with its cause.
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

/// The text contains the cause, so `source` returns the source of the cause.
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
