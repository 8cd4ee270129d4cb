//! Octorate: an application, its administration, and the consents of its properties' owners.
//!
//! The steps of Octorate's "Authentication Process", and what stands for each in the adapters' module `octorate`:
//!
//! # Case 1: an owner consents
//!
//! | the document | here |
//! |---|---|
//! | step 1: send the user to Octorate's identity page | `Octorate::authorize`; keep the [`PendingAuthorization`], such as by [`PendingAuthorization::to_json`], until the callback comes |
//! | the user comes back with `code` and `state` | [`PendingAuthorization::receive`] with the callback's URL |
//! | step 2: exchange the code within a minute | `Property::sign_in` |
//! | step 3: the header of each call | `Property::api`, or `Property::tokens` for an HTTP client of your own |
//! | step 4: refresh when the token has expired | nothing to do: it happens when it is due |
//!
//! One consent may cover several properties: it is one account, with one name of yours and one refresh token, whatever
//! property a call is for. A key of the old API is traded for tokens once, the document's "migration":
//! `Property::migrate`.
//!
//! # Case 2: the application's own access
//!
//! ApiLogin, for administration: `Octorate::admin`. Its tokens open no property's data, and those of a property no
//! administration; so `Admin` and `Property` are different types. A property that is created brings its refresh token in
//! the answer, and only there. In a network Octorate returns the refresh token of the network again: name the account of
//! the network, which goes on as it was and reaches the new property too.
//!
//! # Case 3: IP authentication
//!
//! From an address on the list that Octorate keeps for the application, the token of ApiLogin opens property data too, at
//! the paths with an accommodation in them. From any other address those calls are refused with
//! `403 errNoResourcesForIdentity`, which says nothing of addresses. So `Admin::for_ip_authentication` checks the list
//! before anything is sent ([`Rules::require`](crate::allowlist::Rules::require)): the address is the one that Octorate
//! will see, outside of any address translation, and the rules are those that Octorate was given.
//! [`Terms::ipv4_only`](crate::allowlist::Terms::ipv4_only) and [`Terms::egress`](crate::allowlist::Terms::egress) refuse
//! rules that can never match there.

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

/// Returns the key of the application's administration.
#[must_use]
pub fn admin() -> TokenSpec {
    TokenSpec::api_login()
}

/// Returns the key of one consent, by a name of yours that is no secret.
#[must_use]
pub fn property(account: &str) -> TokenSpec {
    TokenSpec::account(account)
}

/// Returns the page to send an owner to, and the sign-in that waits for the callback ([`PendingAuthorization::receive`]).
///
/// `redirect_uri` must be registered, byte for byte, and begin with `https`; Octorate's default is `https://localhost`.
/// `entropy` is `None` if the operating system gives no random bytes.
///
/// # Errors
///
/// [`RequestError::RedirectUri`] for another redirect URI; [`RequestError::Value`] without entropy.
pub fn authorize(
    client: &Client,
    redirect_uri: &str,
    entropy: Option<Entropy>,
    now: Now,
) -> Result<(String, PendingAuthorization), RequestError> {
    rfc6749::authorize(client, redirect_uri, "", &[], entropy, now)
}

/// Exchanges the code of a sign-in, within a minute of its callback; the account starts again with what it brings.
///
/// It ends in an [`OnboardingError`] if that fails. The code is used up in any case: the owner has to sign in again, unless
/// a refresh token is in the account all the same.
pub fn sign_in(
    client: &Client,
    code: AuthorizationCode,
    now: Now,
) -> ProviderCall<'static, TokenSet, OnboardingError> {
    rfc6749::sign_in(client, code, now)
}

/// Trades a key of Octorate's old API for tokens of a property, once for each, and begins the account with them.
///
/// It ends in an [`OnboardingError`] if that fails: [`OnboardingError::Call`] if nothing was sent,
/// [`OnboardingError::Occupied`] with the new tokens if the account holds a refresh token already.
pub fn migrate(
    client: &Client,
    api_key: &Secret,
    accommodation: &str,
) -> ProviderCall<'static, TokenSet, OnboardingError> {
    ProviderCall::without_token(Terms::if_vacant(), client.migrate(api_key, accommodation)).once_read()
}

/// Creates a property from the JSON object that Octorate documents for `POST /rest/v2/accommodation`, and begins its
/// account with the refresh token of the answer, which comes only once.
///
/// It ends in an [`OnboardingError`] if that fails: [`OnboardingError::Call`] if nothing was sent,
/// [`OnboardingError::Occupied`] with the new refresh token and the property's id if the account holds another one.
/// Octorate refuses a property that exists already with status 412.
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

/// Reads the configuration of the application, with the page owners are sent to.
///
/// It ends in an [`ApiError`](crate::ApiError) if that fails.
pub fn configuration(client: Client) -> ProviderCall<'static, ApiConfiguration> {
    as_admin(Terms::plain(), move |token| client.api_configuration(token))
}

/// Replaces all redirect URIs of the application; `None` removes them.
///
/// It ends in an [`ApiError`](crate::ApiError) if that fails.
pub fn replace_redirect_uris<'a>(
    client: Client,
    redirect_uris: Option<&'a [&'a str]>,
) -> ProviderCall<'a, Done> {
    as_admin(Terms::plain(), move |token| client.replace_redirect_uris(token, redirect_uris))
}

/// A call with a token for administration.
fn as_admin<'a, T: Reply, E: From<CallError> + From<ExchangeError>>(
    terms: Terms<T, E>,
    build: impl Fn(&AdminToken) -> Result<Exchange<T>, RequestError> + Send + 'a,
) -> ProviderCall<'a, T, E> {
    ProviderCall::with_token(terms, move |token: &Token| {
        let wrong = RequestError::Value { what: "token", problem: "is none for administration" };
        Ok(build(&token.admin_token().ok_or(wrong)?)?)
    })
}
