//! The errors of this crate, each of which answers one question.
//!
//! [`RequestError`]: why could no request be built? [`CallbackError`]: why did a sign-in return no code?
//! [`ExchangeError`]: why did an exchange fail? Each has a stable `code()`, a `remedy()` that says who must
//! act ([`Diagnostic`]), and its cause, and shows no secret. Text written by a provider is shown without
//! control characters, with the secrets of the request masked, and cut to 256 characters.

mod advice;
mod call;
mod callback;
mod classification;
mod diagnostic;
mod exchange;
mod failed;
mod kind;
mod meaning;
mod onboarding;
mod provider_text;
mod request;

use std::fmt;
use std::time::Duration;

pub use call::{ApiError, CallError};
pub use callback::CallbackError;
pub(crate) use classification::{BACKOFF, Classification, Pause, Scope};
pub use diagnostic::Diagnostic;
pub(crate) use diagnostic::RenewalFailure;
pub use exchange::ExchangeError;
pub use failed::Retry;
pub(crate) use failed::{Failed, Salvaged, Shape};
pub use kind::ErrorKind;
pub use onboarding::OnboardingError;
pub(crate) use provider_text::shows;
pub use provider_text::{ErrorCode, ProviderText};
pub use request::RequestError;

/// Who must act to get past an error, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Try again, but not before this duration has passed.
    TryLater {
        /// The shortest duration to wait.
        after: Duration,
    },
    /// The person whose consent is needed must sign in again.
    SignInAgain,
    /// The access token of the request has expired or was revoked: get another one and repeat the request.
    RenewToken,
    /// The operator of this software must correct a setting, a credential or the request.
    FixConfiguration,
    /// Ask the provider: its answer deviates from its documentation.
    AskProvider,
}

impl Remedy {
    /// Returns the remedy's stable word: `try_later`, `sign_in_again`, `renew_token`, `fix_configuration` or
    /// `ask_provider`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::TryLater { .. } => "try_later",
            Self::SignInAgain => "sign_in_again",
            Self::RenewToken => "renew_token",
            Self::FixConfiguration => "fix_configuration",
            Self::AskProvider => "ask_provider",
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TryLater { after } => write!(f, "try again in {} s or later", after.as_secs().max(1)),
            Self::SignInAgain => f.write_str("the user has to sign in again"),
            Self::RenewToken => f.write_str("get a new access token and ask again"),
            Self::FixConfiguration => f.write_str("correct the configuration"),
            Self::AskProvider => f.write_str("ask the provider"),
        }
    }
}
