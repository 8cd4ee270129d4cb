//! [`OnboardingError`]: why an account could not be set up.

use std::borrow::Cow;
use std::time::Duration;

use super::{CallError, CallbackError, ExchangeError, Remedy, RequestError};
use crate::failure::TokenError;
use crate::key::Imported;

/// Why an account could not be set up with the tokens of a sign-in, a migration or a property creation.
///
/// The tokens are never lost: they are either in the account or in the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnboardingError {
    /// Nothing was sent.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The code cannot be exchanged. Nothing was sent.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The exchange failed. If its answer had a readable refresh token
    /// ([`ExchangeError::salvaged_refresh_token`]), it is in the account, unless the account has another one.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The account has another refresh token, which was kept: replacing it could lose access to its data.
    #[error(
        "{account} holds another refresh token, which was left alone: import the new one, which is in this error, into \
         an account of its own"
    )]
    Occupied {
        /// The account, as its spec is displayed.
        account: String,
        /// The tokens of the exchange.
        brought: Box<Imported>,
        /// The id of the created property, if one was created.
        property: Option<String>,
    },
    /// The tokens do not fit the account, such as tokens of another provider.
    #[error("what was brought does not fit {account}: {reason}")]
    Unfit {
        /// The account, as its spec is displayed.
        account: String,
        /// The tokens of the exchange.
        brought: Box<Imported>,
        /// Why they do not fit.
        reason: RequestError,
    },
}

impl OnboardingError {
    /// Returns the error with the id of a property that was created nevertheless. It changes only
    /// [`OnboardingError::Occupied`].
    #[must_use]
    pub fn with_property(self, id: &str) -> Self {
        match self {
            Self::Occupied { account, brought, .. } => {
                Self::Occupied { account, brought, property: Some(id.to_owned()) }
            }
            other => other,
        }
    }

    /// Returns the error's stable word: `account_occupied`, or that of the error inside.
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

    /// Returns who must act.
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

    /// Returns the duration until the next attempt, as
    /// [`Diagnostic::retry_after`](super::Diagnostic::retry_after) does.
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
