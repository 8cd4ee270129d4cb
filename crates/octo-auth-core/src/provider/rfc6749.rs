//! Any standard server: sign-ins of its users, and tokens of the client itself.
//!
//! The table lists the steps of RFC 6749 and their counterparts in the adapters' module `rfc6749`:
//!
//! | the standard | this library |
//! |---|---|
//! | section 2: register the client | [`Client::new`] or [`Client::public`] with [`Profile::rfc6749`](crate::Profile::rfc6749) |
//! | section 4.1.1: send the user to the authorization endpoint | `Rfc6749::authorize`; keep the [`PendingAuthorization`], such as by [`PendingAuthorization::to_json`], until the callback comes |
//! | section 4.1.2: the user comes back with `code` and `state` | [`PendingAuthorization::receive`] with the callback's URL |
//! | section 4.1.3: exchange the code | `Account::sign_in` |
//! | section 6: refresh when the token has expired | automatic, when it is due |
//! | section 7: use the access token | `Account::api`, or `Account::tokens` for an HTTP client of your own |
//! | RFC 7009: revoke the tokens | `Account::sign_out` |
//! | section 4.4: client credentials | `Rfc6749::with_scopes` |

use super::ProviderCall;
use crate::client::Client;
use crate::error::{CallError, OnboardingError, RequestError};
use crate::grant::{AuthorizationCode, Entropy, PendingAuthorization};
use crate::scope::Scopes;
use crate::spec::TokenSpec;
use crate::time::Now;
use crate::token::TokenSet;

/// Returns the spec of one user's account. You choose its name, which must not be a secret.
#[must_use]
pub fn account(name: &str) -> TokenSpec {
    TokenSpec::account(name)
}

/// Returns the spec of the client's own tokens with a set of scopes, separated by spaces. The set may be
/// empty.
///
/// # Errors
///
/// A [`CallError`] if a scope contains a character that RFC 6749 section 3.3 does not allow.
pub fn scopes(scopes: &str) -> Result<TokenSpec, CallError> {
    Ok(TokenSpec::client_credentials(&Scopes::parse(scopes)?))
}

/// Returns the URL to send a user to, and the pending authorization request, which waits for the callback
/// ([`PendingAuthorization::receive`]).
///
/// `scopes` are separated by spaces and may be empty. `parameters` are further parameters of this
/// authorization request, such as `nonce` or `login_hint`. Parameters of every authorization request belong
/// to the client ([`Client::with_authorization_parameter`]). `entropy` is `None` if the operating system
/// returns no random bytes.
///
/// # Errors
///
/// [`RequestError::NotOffered`] if the profile has no authorization endpoint
/// ([`Profile::with_authorization_url`](crate::Profile::with_authorization_url));
/// [`RequestError::ScopeMalformed`]; [`RequestError::RedirectUri`]; the errors of
/// [`Client::with_authorization_parameter`]; [`RequestError::Value`] without entropy.
pub fn authorize(
    client: &Client,
    redirect_uri: &str,
    scopes: &str,
    parameters: &[(&str, &str)],
    entropy: Option<Entropy>,
    now: Now,
) -> Result<(String, PendingAuthorization), RequestError> {
    let problem = "cannot be made: the operating system gives no random bytes";
    let entropy = entropy.ok_or(RequestError::Value { what: "state of the sign-in", problem })?;
    let scopes = Scopes::parse(scopes)?;
    let mut client = client.clone();
    for (name, value) in parameters {
        client = client.with_authorization_parameter(*name, *value)?;
    }
    client.authorize(redirect_uri, &scopes, entropy, now)
}

/// Exchanges the code of a sign-in. The account starts again with the new tokens.
///
/// A failure is an [`OnboardingError`]. The code is used up in any case. The user must sign in again, unless
/// the account nevertheless has a refresh token.
pub fn sign_in(
    client: &Client,
    code: AuthorizationCode,
    now: Now,
) -> ProviderCall<'static, TokenSet, OnboardingError> {
    match code.exchange(client, now) {
        Ok(exchange) => ProviderCall::importing(exchange),
        Err(error) => ProviderCall::Done(Err(error.into())),
    }
}
