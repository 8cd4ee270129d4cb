//! OfficeRND: an application and its tokens, one for each set of scopes.
//!
//! The table lists the steps of OfficeRND's "Generating a token" and their counterparts in the adapters'
//! module `officernd`:
//!
//! | the document | this library |
//! |---|---|
//! | the application's client id and client secret | [`Client::new`](crate::Client::new) with `Profile::officernd` |
//! | the scopes the application may use | `OfficeRnd::with_scopes` |
//! | `POST` to the token endpoint, at most five times a minute | automatic, when a call needs a token, and never more often |
//! | the header `Authorization` of each call | `OfficeRnd::with_scopes`, which makes the calls |
//! | an organization in another region, by its `regionUrl` | `ApiClient::with_api_host` |

use crate::error::CallError;
use crate::scope::Scopes;
use crate::spec::TokenSpec;

/// Returns the spec of a set of scopes, separated by spaces. All sets share the five requests a minute.
///
/// # Errors
///
/// A [`CallError`] if a scope contains a character that RFC 6749 section 3.3 does not allow.
pub fn scopes(scopes: &str) -> Result<TokenSpec, CallError> {
    Ok(TokenSpec::client_credentials(&Scopes::parse(scopes)?))
}
