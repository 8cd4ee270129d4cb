//! OctoTable: creating a client, and its tokens by client credentials.
//!
//! The table lists the steps of OctoTable's own pages and their counterparts in the adapters' module
//! `octotable`:
//!
//! | the document | this library |
//! |---|---|
//! | "How to create clients": a client and a sandbox property | `create_client` with a [`NewClient`](crate::NewClient) |
//! | "Create Token", step 1: client id and client secret | [`Client::new`](crate::Client::new) with `Profile::octotable` |
//! | step 2: ask for a token with `grant_type=client_credentials` | automatic, when a call needs one |
//! | the headers `Authorization` and `Property` of each call | `OctoTable::property` |
//!
//! A client is created with a sandbox property. Take the property's id from the answer before you convert the
//! answer into a client. One token serves all properties.

use crate::authorizer::Authorizer;
use crate::error::RequestError;
use crate::scope::Scopes;
use crate::spec::TokenSpec;

/// Returns the spec of a client.
#[must_use]
pub fn client() -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::none())
}

/// Returns an authorizer for the calls of one property, whose id is sent in the header `Property`.
///
/// # Errors
///
/// [`RequestError::Value`] if the id contains characters that are not allowed in a header.
pub fn property(authorizer: Authorizer, id: &str) -> Result<Authorizer, RequestError> {
    authorizer.with_header("Property", id)
}
