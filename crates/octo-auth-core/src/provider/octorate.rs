//! Octorate: an application, its administration, and the consents of its properties' owners.
//!
//! The tables list the steps of Octorate's "Authentication Process" and their counterparts in the adapters'
//! module `octorate`:
//!
//! # Case 1: an owner consents
//!
//! | the document | this library |
//! |---|---|
//! | step 1: send the user to Octorate's identity page | `Octorate::authorize`; keep the [`PendingAuthorization`], such as by [`PendingAuthorization::to_json`], until the callback comes |
//! | the user comes back with `code` and `state` | [`PendingAuthorization::receive`] with the callback's URL |
//! | step 2: exchange the code within a minute | `Property::sign_in` |
//! | step 3: the header of each call | `Property::api`, or `Property::tokens` for an HTTP client of your own |
//! | step 4: refresh when the token has expired | automatic, when it is due |
//!
//! One consent may cover several properties. It is one account, with a name of your choice and one refresh
//! token, whichever property a call is for. A key of the old API is exchanged for tokens once (the document's
//! "migration"): `Property::migrate`.
//!
//! # Case 2: the application's own access
//!
//! ApiLogin, for administration: `Octorate::admin`. Its tokens do not open property data, and a property's
//! token does not open administration, so `Admin` and `Property` are different types. The answer that creates
//! a property contains its refresh token, which is available only there. In a network, Octorate returns the
//! network's refresh token again. Name the account of the network then: it continues unchanged and covers the
//! new property too.
//!
//! # Case 3: IP authentication
//!
//! From an IP address on the application's list at Octorate, the ApiLogin token also opens property data, at
//! the paths that contain an accommodation. From any other address Octorate refuses those calls with
//! `403 errNoResourcesForIdentity`, which does not mention addresses.
//!
//! So `Admin::for_ip_authentication` checks the list before anything is sent
//! ([`Rules::require`](crate::allowlist::Rules::require)). The address must be the one that Octorate sees,
//! after any address translation, and the rules must be those that Octorate has.
//! [`RuleOptions::ipv4_only`](crate::allowlist::RuleOptions::ipv4_only) and
//! [`RuleOptions::egress`](crate::allowlist::RuleOptions::egress) reject rules that can never match there.

use super::call::Terms;
use super::{ProviderCall, rfc6749};
use crate::answer::{ApiConfiguration, CreatedProperty, Done};
use crate::client::Client;
use crate::error::{CallError, ExchangeError, OnboardingError, RequestError};
use crate::exchange::{Answer, Exchange, Reply};
use crate::grant::{AuthorizationCode, Entropy, PendingAuthorization};
use crate::key::Token;
use crate::secret::Secret;
use crate::spec::TokenSpec;
use crate::time::Now;
use crate::token::{AdminToken, TokenSet};

/// Returns the spec of the application's administration.
#[must_use]
pub fn admin() -> TokenSpec {
    TokenSpec::api_login()
}

/// Returns the spec of one consent. You choose its name, which must not be a secret.
#[must_use]
pub fn property(account: &str) -> TokenSpec {
    TokenSpec::account(account)
}

/// Returns the URL to send an owner to, and the pending authorization request, which waits for the callback
/// ([`PendingAuthorization::receive`]).
///
/// `redirect_uri` must be registered, byte for byte, and begin with `https`. Octorate's default is
/// `https://localhost`. `entropy` is `None` if the operating system returns no random bytes.
///
/// # Errors
///
/// [`RequestError::RedirectUri`] for another redirect URI, and [`RequestError::Value`] without entropy.
pub fn authorize(
    client: &Client,
    redirect_uri: &str,
    entropy: Option<Entropy>,
    now: Now,
) -> Result<(String, PendingAuthorization), RequestError> {
    rfc6749::authorize(client, redirect_uri, "", &[], entropy, now)
}

/// Exchanges the code of a sign-in, within a minute of its callback. The account starts again with the new
/// tokens.
///
/// A failure is an [`OnboardingError`]. The code is used up in any case. The owner must sign in again, unless
/// the account nevertheless has a refresh token.
pub fn sign_in(
    client: &Client,
    code: AuthorizationCode,
    now: Now,
) -> ProviderCall<'static, TokenSet, OnboardingError> {
    rfc6749::sign_in(client, code, now)
}

/// Exchanges a key of Octorate's old API for tokens of a property, and starts the account with them. This
/// works once for each property.
///
/// A failure is an [`OnboardingError`]: [`OnboardingError::Call`] if nothing was sent, and
/// [`OnboardingError::Occupied`] with the new tokens if the account has a refresh token already.
pub fn migrate(
    client: &Client,
    api_key: &Secret,
    accommodation: &str,
) -> ProviderCall<'static, TokenSet, OnboardingError> {
    ProviderCall::without_token(Terms::if_vacant(), client.migrate(api_key, accommodation)).once_read()
}

/// Creates a property from the JSON object that Octorate documents for `POST /rest/v2/accommodation`. It
/// starts the account of the property with the refresh token of the answer, which is returned only once.
///
/// A failure is an [`OnboardingError`]: [`OnboardingError::Call`] if nothing was sent, and
/// [`OnboardingError::Occupied`] with the new refresh token and the property's id if the account has another
/// refresh token. If the property already exists, Octorate refuses with status 412.
pub fn create_property(client: Client, json: &str) -> ProviderCall<'_, CreatedProperty, OnboardingError> {
    let terms = Terms {
        finish: |created: Answer<CreatedProperty>, placed| match placed {
            Ok(()) => Ok(created),
            Err(error) => Err(error.with_property(&created.value.id)),
        },
        ..Terms::if_vacant()
    };
    as_admin(terms, move |token| client.create_property(token, json)).once_read()
}

/// Reads the configuration of the application, with the page that owners are sent to.
///
/// A failure is an [`ApiError`](crate::ApiError).
pub fn configuration(client: Client) -> ProviderCall<'static, ApiConfiguration> {
    as_admin(Terms::plain(), move |token| client.api_configuration(token))
}

/// Replaces all redirect URIs of the application; `None` removes them.
///
/// A failure is an [`ApiError`](crate::ApiError).
pub fn replace_redirect_uris<'a>(
    client: Client,
    redirect_uris: Option<&'a [&'a str]>,
) -> ProviderCall<'a, Done> {
    as_admin(Terms::plain(), move |token| client.replace_redirect_uris(token, redirect_uris))
}

/// Returns a call with an administration token.
fn as_admin<'a, T: Reply, E: From<CallError> + From<ExchangeError>>(
    terms: Terms<T, E>,
    build: impl Fn(&AdminToken) -> Result<Exchange<T>, RequestError> + Send + 'a,
) -> ProviderCall<'a, T, E> {
    ProviderCall::with_token(terms, move |token: &Token| {
        let wrong = RequestError::Value { what: "token", problem: "is none for administration" };
        Ok(build(&token.admin_token().ok_or(wrong)?)?)
    })
}
