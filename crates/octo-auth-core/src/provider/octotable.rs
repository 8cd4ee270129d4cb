//! OctoTable: creating a client, and its tokens by client credentials.
//!
//! The steps of OctoTable's own pages, and what stands for each in the adapters' module `octotable`:
//!
//! | the document | here |
//! |---|---|
//! | "How to create clients": a client and a sandbox property | `create_client` with a [`NewClient`](crate::NewClient) |
//! | "Create Token", step 1: client id and client secret | [`Client::new`](crate::Client::new) with `Profile::octotable` |
//! | step 2: ask for a token with `grant_type=client_credentials` | nothing to do: it happens when a call needs one |
//! | the headers `Authorization` and `Property` of each call | `OctoTable::property` |
//!
//! A client comes with a sandbox property, whose id must be taken out of the answer before the client is made of it. One
//! token serves all properties.

use crate::authorizer::Authorizer;
use crate::error::RequestError;
use crate::scope::Scopes;
use crate::spec::TokenSpec;

/// Returns the key of a client.
#[must_use]
pub fn client() -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::none())
}

/// Returns what authorises calls for one property, whose id stands in the header `Property` of each.
///
/// # Errors
///
/// [`RequestError::Value`] for an id that cannot stand in a header.
pub fn property(authorizer: Authorizer, id: &str) -> Result<Authorizer, RequestError> {
    authorizer.with_header("Property", id)
}
