//! Errors of the callback of a sign-in.

use std::borrow::Cow;
use std::time::Duration;

use super::meaning::CodeMeaning;
use super::{ErrorCode, ProviderText, Remedy, RequestError};

/// Why a callback returned no usable code. No token request was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// The text is longer than the limit for callbacks, 16 KiB.
    #[error("the callback is longer than 16 KiB; pass the URL the browser was sent to and nothing else")]
    TooLong,
    /// The text is neither a URL nor a query.
    #[error("the callback is not a URL with a query; pass the whole address the browser was sent to")]
    Malformed,
    /// The callback arrived at another address than the registered redirect URI.
    #[error("the callback arrived at another address than the redirect URI of this sign-in")]
    RedirectUriMismatch,
    /// The callback has no `state`.
    #[error("the callback has no state; it does not belong to a sign-in started here")]
    StateMissing,
    /// The `state` is not the one of this authorization request.
    #[error("the state of the callback is not the one of this sign-in")]
    StateMismatch,
    /// A parameter that must occur once occurs several times.
    #[error("the callback has the parameter {name} more than once")]
    Duplicate {
        /// The parameter's name.
        name: &'static str,
    },
    /// The callback has no `iss`, although the server always sends one (RFC 9207).
    #[error("the callback does not name its issuer, which this server always does (RFC 9207)")]
    IssuerMissing,
    /// The callback names another issuer (RFC 9207).
    #[error(
        "the callback names the issuer {found:?} where the profile has {expected:?} (RFC 9207); it was sent by another \
         server, or `authorization.issuer` in the profile is not exactly what the server sends"
    )]
    IssuerMismatch {
        /// The issuer of the profile.
        expected: String,
        /// The issuer of the callback, safe to show; empty if there is none to show.
        found: String,
    },
    /// The provider or the user refused the authorization request.
    #[error("the sign-in was refused: {code}{}", super::exchange::after_colon(message.as_ref()))]
    Refused {
        /// The error code of RFC 6749 section 4.1.2.1.
        code: ErrorCode,
        /// The provider's message.
        message: Option<ProviderText>,
    },
    /// The `error` parameter of the callback is not a valid error code.
    #[error("the callback reports an error in a form that cannot be read")]
    ErrorMalformed,
    /// The callback has no `code`.
    #[error("the callback has no code")]
    CodeMissing,
    /// The `code` contains characters that a code cannot have.
    #[error("the code of the callback holds characters no code has")]
    CodeMalformed,
    /// The code is older than the provider accepts.
    #[error("the code was received {age_seconds} s ago and lives {lifetime_seconds} s; it was not sent")]
    CodeTooOld {
        /// The age of the code in seconds, counted from when the callback was received.
        age_seconds: u64,
        /// The lifetime of a code in seconds.
        lifetime_seconds: u32,
    },
    /// The authorization request is older than
    /// [`PendingAuthorization::LONGEST_AGE`](crate::PendingAuthorization::LONGEST_AGE).
    #[error(
        "the sign-in was begun {age_seconds} s ago; one that is an hour old yields no code: start it again"
    )]
    SignInTooOld {
        /// The age of the authorization request in seconds.
        age_seconds: u64,
    },
    /// The profile requires PKCE (RFC 7636), and the sign-in has no code verifier.
    #[error(
        "the sign-in has no code verifier, which the profile demands; keep all that `to_json` wrote in the store, and \
         start the sign-in again"
    )]
    VerifierMissing,
    /// The access token came back in the URL, as in the implicit flow, which was not requested.
    #[error("the callback carries a token in its URL; that flow was not asked for and the token is not used")]
    ImplicitResponse,
    /// The sign-in belongs to another client or provider.
    #[error("the sign-in was started by another client or for another provider")]
    OtherClient,
    /// The token request could not be built.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl CallbackError {
    /// Returns the error's stable word.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        let word = match self {
            Self::TooLong => "input_too_long",
            Self::Malformed => "callback_malformed",
            Self::RedirectUriMismatch => "redirect_uri_mismatch",
            Self::StateMissing => "state_missing",
            Self::StateMismatch => "state_mismatch",
            Self::Duplicate { .. } => "duplicate_parameter",
            Self::IssuerMissing => "iss_missing",
            Self::IssuerMismatch { .. } => "iss_mismatch",
            Self::Refused { code, .. } => return Cow::Owned(format!("oauth:{code}")),
            Self::ErrorMalformed => "oauth_malformed",
            Self::CodeMissing => "code_missing",
            Self::CodeMalformed => "code_malformed",
            Self::CodeTooOld { .. } => "code_too_old",
            Self::SignInTooOld { .. } => "sign_in_too_old",
            Self::VerifierMissing => "verifier_missing",
            Self::ImplicitResponse => "implicit_response",
            Self::OtherClient => "other_client",
            Self::Request(error) => error.code(),
        };
        Cow::Borrowed(word)
    }

    /// Returns who must act: the user, by signing in again, except for errors of the set-up and of the
    /// server. For a refusal it depends on the error code.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Refused { code, .. } => match CodeMeaning::of(code.as_str()) {
                Some(CodeMeaning::Configuration) => Remedy::FixConfiguration,
                Some(CodeMeaning::Later) => Remedy::TryLater { after: Duration::ZERO },
                Some(CodeMeaning::SignIn) | None => Remedy::SignInAgain,
            },
            Self::OtherClient | Self::RedirectUriMismatch | Self::IssuerMismatch { .. } => {
                Remedy::FixConfiguration
            }
            Self::ImplicitResponse | Self::IssuerMissing => Remedy::AskProvider,
            Self::Request(error) => error.remedy(),
            _ => Remedy::SignInAgain,
        }
    }
}
