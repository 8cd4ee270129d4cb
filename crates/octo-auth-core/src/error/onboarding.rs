//! Why an account did not begin.

use std::borrow::Cow;
use std::time::Duration;

use super::{CallError, CallbackError, ExchangeError, Remedy, RequestError};
use crate::failure::TokenError;
use crate::key::Imported;

/// Why an account did not begin with what a sign-in, a migration or a creation brings.
///
/// What was brought is in no case lost: it is in the account, or in the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnboardingError {
    /// Nothing was sent.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The code cannot be exchanged; nothing was sent.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The exchange failed. A refresh token that could be read in its answer all the same
    /// ([`ExchangeError::salvaged_refresh_token`]) is in the account, unless that holds another.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The account holds another refresh token, which was left alone: whatever it opens would be lost.
    #[error(
        "{account} holds another refresh token, which was left alone: adopt the new one, which is in this error, into \
         an account of its own"
    )]
    Occupied {
        /// The account, as its key shows itself.
        account: String,
        /// What was brought.
        brought: Box<Imported>,
        /// The id of the property that was created, where one was.
        property: Option<String>,
    },
    /// What was brought does not fit the account, such as tokens of another provider.
    #[error("what was brought does not fit {account}: {reason}")]
    Unfit {
        /// The account, as its key shows itself.
        account: String,
        /// What was brought.
        brought: Box<Imported>,
        /// Why it does not fit.
        reason: RequestError,
    },
}

impl OnboardingError {
    /// The same, of a property that was created all the same; without meaning for other errors.
    #[must_use]
    pub fn with_property(self, id: &str) -> Self {
        match self {
            Self::Occupied { account, brought, .. } => {
                Self::Occupied { account, brought, property: Some(id.to_owned()) }
            }
            other => other,
        }
    }

    /// The error's stable word; of its own are `account_occupied` and that of the request's error.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Call(error) => error.code(),
            Self::Callback(error) => error.code(),
            Self::Exchange(error) => error.code(),
            Self::Occupied { .. } => "account_occupied".into(),
            Self::Unfit { reason, .. } => reason.code().into(),
        }
    }

    /// Who must act.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Call(error) => error.remedy(),
            Self::Callback(error) => error.remedy(),
            Self::Exchange(error) => error.remedy(),
            Self::Occupied { .. } => Remedy::FixConfiguration,
            Self::Unfit { reason, .. } => reason.remedy(),
        }
    }

    /// Returns how long to wait before the next attempt, as [`Diagnostic::retry_after`](super::Diagnostic::retry_after).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Call(error) => error.retry_after(),
            Self::Exchange(error) => error.retry_after(),
            Self::Callback(_) | Self::Occupied { .. } | Self::Unfit { .. } => None,
        }
    }
}

impl From<TokenError> for OnboardingError {
    fn from(failure: TokenError) -> Self {
        Self::Call(failure.into())
    }
}

impl From<RequestError> for OnboardingError {
    fn from(error: RequestError) -> Self {
        Self::Call(error.into())
    }
}
