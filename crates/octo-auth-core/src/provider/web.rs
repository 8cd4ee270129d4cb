//! Sign-ins of a web application's users, without IO: two URLs, a cookie and a record in a store.
//!
//! | the browser opens | the application |
//! |---|---|
//! | the sign-in URL | creates a [`PendingAuthorization`] for an account of its choice ([`PendingAuthorization::with_account`]), keeps it in a store ([`Change::add`]), sets its [`cookie`], and redirects to the provider |
//! | the redirect URI | finds the returned `state` and its cookie ([`returned`]), removes the pending sign-in from the store ([`Change::take`]), and exchanges the code ([`receive`]) |
//!
//! The cookie proves that the callback arrives in the browser in which the sign-in began. Without it, an
//! attacker could send a person the URL of a callback and sign that person in with the attacker's account
//! (RFC 6749 section 10.12, RFC 9700 section 4.7).
//!
//! A sign-in is removed from the store in one atomic step. So if several callbacks arrive, at any number of
//! replicas, only one exchanges the code. An application without a store keeps the whole sign-in in the
//! cookie, sealed.

mod change;
mod error;
mod page;
mod waiting;

use std::time::Duration;

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};

pub use change::Change;
pub use error::WebSignInError;
pub use page::PlainPage;
pub use waiting::WaitingSignIns;

use crate::error::RequestError;
use crate::grant::{AuthorizationCode, PendingAuthorization, state_of_callback};
use crate::secret::Secret;
use crate::store::hex;
use crate::time::Now;

/// The prefix of the cookies' names. With `__Host-`, neither another host nor a page without TLS can set
/// them.
const PREFIX: &str = "__Host-octo-auth-";

/// The maximum length of a cookie's name and value together, in bytes.
const LONGEST_COOKIE: usize = 4096;

/// A user who is signed in.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// The account that the sign-in was begun for.
    pub account: String,
    /// The callback's other parameters, such as OfficeRND's `org_slug`.
    pub parameters: Vec<(String, String)>,
    /// The value of `Set-Cookie` that removes the cookie of the sign-in.
    pub cookie: HeaderValue,
}

impl SignedIn {
    /// Returns a redirect to a page of the application. It removes the cookie of the sign-in.
    ///
    /// # Errors
    ///
    /// A [`WebSignInError`] if the location contains characters that are not allowed in a header.
    pub fn redirect(self, location: &str) -> Result<Response<String>, WebSignInError> {
        Ok(redirect(location, self.cookie)?)
    }
}

/// Receives the callback of a sign-in. Returns the code to exchange, and the user who is signed in after the
/// exchange. `pending` is `None` if no sign-in waits.
///
/// # Errors
///
/// [`WebSignInError::NotWaiting`], and [`WebSignInError::Callback`] if the callback has no code.
pub fn receive(
    pending: Option<PendingAuthorization>,
    query: &str,
    now: Now,
) -> Result<(AuthorizationCode, SignedIn), WebSignInError> {
    let pending = pending.ok_or(WebSignInError::NotWaiting)?;
    let cookie = set_cookie(pending.state(), "", Duration::ZERO);
    let code = pending.receive(&format!("?{query}"), now).map_err(|rejected| rejected.error)?;
    let account = code.account().unwrap_or_default().to_owned();
    let parameters = code.other_parameters().to_vec();
    Ok((code, SignedIn { account, parameters, cookie }))
}

/// Returns the value of `Set-Cookie` that identifies the browser. The cookie is for this host only, hidden
/// from scripts, sent only over TLS, and included when the provider redirects the browser back. `value` is
/// the `state` of the sign-in or the sealed sign-in, in characters of base64url and dots.
///
/// Each sign-in has its own cookie, so several tabs do not interfere.
///
/// # Errors
///
/// [`RequestError::Value`] if name and value are longer than 4096 bytes: browsers drop such a cookie (RFC
/// 6265 section 6.1).
pub fn cookie(state: &Secret, value: &str) -> Result<HeaderValue, RequestError> {
    if cookie_name(state).len() + value.len() > LONGEST_COOKIE {
        let problem = "would be longer than the 4096 bytes that browsers keep: name fewer scopes or a shorter account, or \
                       keep the sign-ins in a store";
        return Err(RequestError::Value { what: "cookie of the sign-in", problem });
    }
    Ok(set_cookie(state, value, PendingAuthorization::LONGEST_AGE))
}

/// Returns the `state` of a callback, and the value of its cookie.
///
/// # Errors
///
/// [`WebSignInError::Callback`] if the query is not a callback, and [`WebSignInError::OtherBrowser`] without
/// the cookie.
pub fn returned<'a>(query: &str, headers: &'a HeaderMap) -> Result<(Secret, &'a str), WebSignInError> {
    let state = state_of_callback(query)?;
    let name = cookie_name(&state);
    // Another cookie of this host may contain any bytes.
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut pairs = pairs.filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='));
    // With `__Host-`, a browser has only one cookie of a name.
    let value = pairs.find(|(own, _)| *own == name).map(|(_, value)| value);
    Ok((state, value.ok_or(WebSignInError::OtherBrowser)?))
}

/// Returns an uncacheable redirect that sets a cookie.
///
/// # Errors
///
/// [`RequestError::Value`] if the location contains characters that are not allowed in a header.
pub fn redirect(location: &str, cookie: HeaderValue) -> Result<Response<String>, RequestError> {
    let location = HeaderValue::from_str(location).map_err(|_| RequestError::Value {
        what: "location of a redirect",
        problem: "cannot stand in a header",
    })?;
    let mut response = error::uncached(Response::new(String::new()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

fn set_cookie(state: &Secret, value: &str, age: Duration) -> HeaderValue {
    let (name, age) = (cookie_name(state), age.as_secs());
    let text = format!("{name}={value}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax");
    let mut value = HeaderValue::from_str(&text).unwrap_or_else(|_| unreachable!("a state is base64"));
    value.set_sensitive(true);
    value
}

/// Returns the name of a sign-in's cookie. It does not reveal the `state`.
#[must_use]
pub fn cookie_name(state: &Secret) -> String {
    format!("{PREFIX}{}", hex(&Sha256::digest(state.expose())[..8]))
}
