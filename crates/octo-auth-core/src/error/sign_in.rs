//! Why a sign-in did not end with tokens.

use std::borrow::Cow;

use super::{CallbackError, ExchangeError, Remedy, RequestError};
use crate::lifecycle::Failure;

/// Why a sign-in, whose callback has come, did not end with tokens in an account.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// There is no room for the account; nothing was sent, and the code is as good as it was.
    #[error(transparent)]
    Account(#[from] Failure),
    /// The code cannot be exchanged; nothing was sent.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The exchange failed. A code is sent once only: the user has to sign in again.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The tokens do not fit the account.
    #[error(transparent)]
    Adoption(#[from] RequestError),
}

impl SignInError {
    /// The error's stable word.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Account(failure) => failure.code(),
            Self::Callback(error) => error.code(),
            Self::Exchange(error) => error.code(),
            Self::Adoption(error) => error.code().into(),
        }
    }

    /// Who must act.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Account(failure) => failure.remedy(),
            Self::Callback(error) => error.remedy(),
            Self::Exchange(error) => error.remedy(),
            Self::Adoption(error) => error.remedy(),
        }
    }
}
