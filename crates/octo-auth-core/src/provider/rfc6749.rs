//! Any standard server: sign-ins of its users, and tokens of the client itself.
//!
//! What stands for the steps of RFC 6749 in the adapters' module `rfc6749`:
//!
//! | the standard | here |
//! |---|---|
//! | section 2: register the client | [`Client::new`] or [`Client::public`] with [`Profile::rfc6749`](crate::Profile::rfc6749) |
//! | section 4.1.1: send the user to the authorization endpoint | `Rfc6749::authorize`; keep the [`PendingAuthorization`], such as by [`PendingAuthorization::to_json`], until the callback comes |
//! | section 4.1.2: the user comes back with `code` and `state` | [`PendingAuthorization::receive`] with the callback's URL |
//! | section 4.1.3: exchange the code | `Account::sign_in` |
//! | section 6: refresh when the token has expired | nothing to do: it happens when it is due |
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

/// Returns the key of one user's account, by a name of yours that is no secret.
#[must_use]
pub fn account(name: &str) -> TokenSpec {
    TokenSpec::account(name)
}

/// Returns the key of the client's own tokens with a set of scopes, separated by spaces; it may be empty.
///
/// # Errors
///
/// A [`CallError`] for a scope with a character that RFC 6749 section 3.3 does not allow.
pub fn scopes(scopes: &str) -> Result<TokenSpec, CallError> {
    Ok(TokenSpec::client_credentials(&Scopes::parse(scopes)?))
}

/// Returns the page to send a user to, and the sign-in that waits for the callback ([`PendingAuthorization::receive`]).
///
/// `scopes` are separated by spaces and may be empty. `parameters` are further ones of the page for this sign-in, such as
/// `nonce` or `login_hint`; those of every sign-in belong to the client ([`Client::with_authorization_parameter`]). `entropy` is `None` if the operating system gives no random bytes.
///
/// # Errors
///
/// [`RequestError::NotOffered`] if the profile has no page ([`Profile::with_authorization_url`](crate::Profile::with_authorization_url));
/// [`RequestError::ScopeMalformed`]; [`RequestError::RedirectUri`]; as [`Client::with_authorization_parameter`];
/// [`RequestError::Value`] without entropy.
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

/// Exchanges the code of a sign-in; the account starts again with what it brings.
///
/// It ends in an [`OnboardingError`] if that fails. The code is used up in any case: the user has to sign in again, unless
/// a refresh token is in the account all the same.
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
