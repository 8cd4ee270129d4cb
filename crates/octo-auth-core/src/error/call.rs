//! Errors of calls of a provider's API.

use std::borrow::Cow;
use std::time::Duration;

use super::{ExchangeError, Remedy, RequestError};
use crate::failure::TokenError;

/// An error of a call through one of our API clients. It contains no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The call was not made.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The exchange failed, or its answer could not be read.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// Why a call of the API was not made or not completed. It contains no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no token. Nothing was sent.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The request must not carry the token, or is incomplete. Nothing was sent.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The provider refused the token, and the request's body is a stream that cannot be sent twice.
    #[error(
        "the provider refused the token (status {status}), and the request's body is a stream that cannot be sent \
         twice; make the request again: it gets another token, if one can be had"
    )]
    Unrepeatable {
        /// The HTTP status of the refusal.
        status: u16,
    },
}

impl ApiError {
    /// Returns the error's stable word.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Call(error) => error.code(),
            Self::Exchange(error) => error.code(),
        }
    }

    /// Returns who must act.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Call(error) => error.remedy(),
            Self::Exchange(error) => error.remedy(),
        }
    }

    /// Returns the duration until the next attempt, as
    /// [`Diagnostic::retry_after`](super::Diagnostic::retry_after) does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Call(error) => error.retry_after(),
            Self::Exchange(error) => error.retry_after(),
        }
    }
}

impl CallError {
    /// Returns the error's stable word: that of the [`TokenError`] or [`RequestError`], or `unrepeatable`.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Token(failure) => failure.code(),
            Self::Request(error) => error.code().into(),
            Self::Unrepeatable { .. } => "unrepeatable".into(),
        }
    }

    /// Returns who must act.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Token(failure) => failure.remedy(),
            Self::Request(error) => error.remedy(),
            Self::Unrepeatable { .. } => Remedy::TryLater { after: Duration::ZERO },
        }
    }

    /// Returns the duration until the next attempt, as
    /// [`Diagnostic::retry_after`](super::Diagnostic::retry_after) does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Token(failure) => failure.retry_after(),
            Self::Request(_) => None,
            Self::Unrepeatable { .. } => Some(Duration::ZERO),
        }
    }
}
