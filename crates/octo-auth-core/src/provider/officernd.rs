//! OfficeRND: an application and its tokens, one for each set of scopes.
//!
//! The steps of OfficeRND's "Generating a token", and what stands for each in the adapters' module `officernd`:
//!
//! | the document | here |
//! |---|---|
//! | the application's client id and client secret | [`Client::new`](crate::Client::new) with `Profile::officernd` |
//! | the scopes the application may use | `OfficeRnd::with_scopes` |
//! | `POST` to the token endpoint, at most five times a minute | nothing to do: it happens when a call needs one, and never more often |
//! | the header `Authorization` of each call | `OfficeRnd::with_scopes`, which makes the calls |
//! | an organization in another region, by its `regionUrl` | `ApiClient::with_api_host` |

use crate::error::CallError;
use crate::scope::Scopes;
use crate::spec::TokenSpec;

/// Returns the key of a set of scopes, separated by spaces. All sets share the five requests a minute.
///
/// # Errors
///
/// A [`CallError`] for a scope with a character that RFC 6749 section 3.3 does not allow.
pub fn scopes(scopes: &str) -> Result<TokenSpec, CallError> {
    Ok(TokenSpec::client_credentials(&Scopes::parse(scopes)?))
}
