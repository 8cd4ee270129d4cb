//! [`WebSignInError`]: why a user of a web application was not signed in, for the program and as a page for
//! the user.

use std::borrow::Cow;
use std::time::Duration;

use http::header::{CACHE_CONTROL, REFERRER_POLICY};
use http::{HeaderValue, Response, StatusCode};

use crate::error::{CallbackError, Diagnostic, OnboardingError, Remedy, RequestError};
use crate::failure::TokenError;
use crate::store::StoreError;

use super::page::PlainPage;

/// Why a user of a web application was not signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebSignInError {
    /// The sign-in cannot begin: the redirect URI, a scope or the account is not valid.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The callback arrived in another browser than the one in which the sign-in began. Nothing was
    /// exchanged.
    #[error(
        "the browser has no cookie of the sign-in: that began in another browser, or is over; nothing was exchanged"
    )]
    OtherBrowser,
    /// No sign-in waits for this callback.
    #[error("no sign-in waits for this callback: it came already, or newer sign-ins took its place")]
    NotWaiting,
    /// This application did not seal the cookie, or cannot open it. Nothing was exchanged.
    #[error("the cookie of the sign-in {problem}; nothing was exchanged")]
    Cookie {
        /// What is wrong with it.
        problem: String,
    },
    /// The callback has no code that can be exchanged.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The store of the sign-ins failed. Nothing was exchanged.
    #[error("the store of the sign-ins failed")]
    Store(#[from] StoreError),
    /// The account cannot be used. Nothing was exchanged.
    #[error(transparent)]
    Account(#[from] TokenError),
    /// The code was not exchanged for tokens of the account.
    #[error(transparent)]
    Exchange(#[from] OnboardingError),
}

impl Diagnostic for WebSignInError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::OtherBrowser => "other_browser".into(),
            Self::NotWaiting => "sign_in_not_waiting".into(),
            Self::Cookie { .. } => "cookie_not_opened".into(),
            Self::Request(error) => Diagnostic::code(error),
            Self::Callback(error) => Diagnostic::code(error),
            Self::Store(error) => Diagnostic::code(error),
            Self::Account(error) => Diagnostic::code(error),
            Self::Exchange(error) => Diagnostic::code(error),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::OtherBrowser | Self::NotWaiting | Self::Cookie { .. } => Remedy::SignInAgain,
            Self::Store(_) => Remedy::TryLater { after: Duration::from_secs(1) },
            Self::Request(error) => error.remedy(),
            Self::Callback(error) => error.remedy(),
            Self::Account(error) => error.remedy(),
            Self::Exchange(error) => error.remedy(),
        }
    }
}

impl WebSignInError {
    /// Returns the HTTP status for the user's browser: 400 if the user must sign in again, 503 if a later
    /// attempt may succeed, otherwise 500.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.remedy() {
            Remedy::TryLater { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Remedy::SignInAgain => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns whether the user, or the provider for the user, refused access.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Callback(CallbackError::Refused { code, .. }) if code.as_str() == "access_denied")
    }

    /// Returns a plain page for the user, for applications without their own page. It shows no text of the
    /// request.
    #[must_use]
    pub fn page(&self) -> Response<String> {
        let (mark, title, text) = match self {
            _ if self.is_refusal() => {
                ('✗', "Access was not granted", "Nothing was stored. You can start again.")
            }
            Self::OtherBrowser => (
                '?',
                "This sign-in began in another browser, or is over",
                "If you began it in this browser, you may be signed in already: look at the site. If you followed a link from \
                 someone else, do nothing.",
            ),
            Self::NotWaiting => {
                ('↻', "This was already done, or took too long", "Start the sign-in again if you need to.")
            }
            _ => (
                '✗',
                "The sign-in did not succeed",
                "Start it again. If this happens twice, tell the operator of this site.",
            ),
        };
        let PlainPage { html, content_security_policy } = PlainPage::new(mark, title, &[text]);
        let mut response = uncached(Response::new(html));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("text/html; charset=utf-8"));
        if let Ok(policy) = HeaderValue::try_from(content_security_policy) {
            headers.insert("content-security-policy", policy);
        }
        response
    }
}

/// Marks a response as uncacheable, and keeps its URL from being passed on to other sites.
pub(super) fn uncached(mut response: Response<String>) -> Response<String> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
