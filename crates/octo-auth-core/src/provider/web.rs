//! Sign-ins of a web application's users, without IO: two addresses, a cookie and a record in a store.
//!
//! | the browser opens | the application |
//! |---|---|
//! | the address to sign in | makes a [`PendingAuthorization`] for an account of its choice ([`PendingAuthorization::with_account`]), keeps it in a store ([`WaitingSignIns`]), sets its [`cookie`], and redirects to the provider |
//! | the redirect URI | finds the `state` that came back and the cookie that belongs to it ([`returned_state`]), takes the sign-in out of the store, and exchanges the code |
//!
//! The cookie proves that the callback comes to the browser in which the sign-in began. Without it, an attacker could send a
//! person the address of a callback and sign that person in with the attacker's account (RFC 6749 section 10.12, RFC 9700
//! section 4.7). A sign-in is taken out of the store in one step. So if several callbacks arrive, at any number of replicas,
//! only one exchanges the code.

mod waiting;

use std::borrow::Cow;
use std::time::Duration;

use http::header::{CACHE_CONTROL, COOKIE, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};

pub use waiting::WaitingSignIns;

use crate::error::{CallbackError, Diagnostic, OnboardingError, Remedy, RequestError};
use crate::failure::Failure;
use crate::grant::{PendingAuthorization, state_of_callback};
use crate::secret::{Secret, same_secret};
use crate::store::{StoreError, hex};

/// What the names of the cookies begin with. By `__Host-`, neither another host nor a page without TLS can set them.
const PREFIX: &str = "__Host-octo-auth-";

/// Why a user of a web application was not signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebSignInError {
    /// The sign-in cannot begin: the redirect URI, a scope or the account does not fit.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The callback came to another browser than the one that began; nothing was exchanged.
    #[error(
        "the browser has no cookie of the sign-in: that began in another browser, or is over; nothing was exchanged"
    )]
    OtherBrowser,
    /// No sign-in waits for this callback.
    #[error("no sign-in waits for this callback: it came already, or newer sign-ins took its place")]
    NotWaiting,
    /// The callback brought no code that can be exchanged.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The store of the sign-ins failed; nothing was exchanged.
    #[error("the store of the sign-ins failed")]
    Store(#[from] StoreError),
    /// The account cannot be used; nothing was exchanged.
    #[error(transparent)]
    Account(#[from] Failure),
    /// The code was not exchanged for tokens of the account.
    #[error(transparent)]
    Exchange(#[from] OnboardingError),
}

impl Diagnostic for WebSignInError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::OtherBrowser => "other_browser".into(),
            Self::NotWaiting => "sign_in_not_waiting".into(),
            Self::Request(error) => Diagnostic::code(error),
            Self::Callback(error) => Diagnostic::code(error),
            Self::Store(error) => Diagnostic::code(error),
            Self::Account(error) => Diagnostic::code(error),
            Self::Exchange(error) => Diagnostic::code(error),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::OtherBrowser | Self::NotWaiting => Remedy::SignInAgain,
            Self::Store(_) => Remedy::TryLater { after: Duration::from_secs(1) },
            Self::Request(error) => error.remedy(),
            Self::Callback(error) => error.remedy(),
            Self::Account(error) => error.remedy(),
            Self::Exchange(error) => error.remedy(),
        }
    }
}

impl WebSignInError {
    /// Returns the HTTP status for the user's browser: 400 if the user has to sign in again, 503 if a later attempt may
    /// succeed, else 500.
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

    /// Returns a plain page for the user, where the application has none of its own. It shows no text of the request.
    #[must_use]
    pub fn page(&self) -> Response<String> {
        let (title, text) = match self {
            _ if self.is_refusal() => ("Access was not granted", "Nothing was stored. You can start again."),
            Self::OtherBrowser => (
                "This sign-in began in another browser, or is over",
                "If you began it in this browser, you may be signed in already: look at the site. If you followed a link from \
                 someone else, do nothing.",
            ),
            Self::NotWaiting => {
                ("This was already done, or took too long", "Start the sign-in again if you need to.")
            }
            _ => (
                "The sign-in did not succeed",
                "Start it again. If this happens twice, tell the operator of this site.",
            ),
        };
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\"><title>{title}</title></head>\
             <body><main><h1>{title}</h1><p>{text}</p></main></body></html>\n"
        );
        let mut response = uncached(Response::new(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert("content-security-policy", HeaderValue::from_static("default-src 'none'"));
        response
    }
}

/// Returns the value of `Set-Cookie` by which the browser is known again: for this host alone, not for scripts, over TLS,
/// and sent along when the provider sends the browser back.
///
/// Each sign-in has a cookie of its own, so that several tabs do not disturb each other.
#[must_use]
pub fn cookie(pending: &PendingAuthorization) -> HeaderValue {
    set_cookie(pending.state(), pending.state().expose(), PendingAuthorization::LONGEST_AGE)
}

/// Returns the value of `Set-Cookie` that removes the cookie of a sign-in that has ended.
#[must_use]
pub fn removed_cookie(state: &Secret) -> HeaderValue {
    set_cookie(state, "", Duration::ZERO)
}

/// Returns the `state` of a callback, if the browser has the cookie that belongs to it.
///
/// # Errors
///
/// [`WebSignInError::Callback`] for a query that is no callback, and [`WebSignInError::OtherBrowser`] without the cookie.
pub fn returned_state(query: &str, headers: &HeaderMap) -> Result<Secret, WebSignInError> {
    let state = state_of_callback(query)?;
    let name = cookie_name(&state);
    let has_it = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok()).any(|line| {
        let mut pairs = line.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(own, value)| own == name && same_secret(value, state.expose()))
    });
    if has_it { Ok(state) } else { Err(WebSignInError::OtherBrowser) }
}

/// Returns a redirect that sets a cookie, and that no cache keeps.
///
/// # Errors
///
/// [`RequestError::Value`] for a location that cannot stand in a header.
pub fn redirect(location: &str, cookie: HeaderValue) -> Result<Response<String>, RequestError> {
    let location = HeaderValue::from_str(location).map_err(|_| RequestError::Value {
        what: "location of a redirect",
        problem: "cannot stand in a header",
    })?;
    let mut response = uncached(Response::new(String::new()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// A response that no cache keeps, and whose address no other site learns.
fn uncached(mut response: Response<String>) -> Response<String> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn set_cookie(state: &Secret, value: &str, age: Duration) -> HeaderValue {
    let (name, age) = (cookie_name(state), age.as_secs());
    let text = format!("{name}={value}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax");
    let mut value = HeaderValue::from_str(&text).unwrap_or_else(|_| unreachable!("a state is base64"));
    value.set_sensitive(true);
    value
}

/// The name of a sign-in's cookie, from which its `state` cannot be found.
fn cookie_name(state: &Secret) -> String {
    format!("{PREFIX}{}", hex(&Sha256::digest(state.expose())[..8]))
}
