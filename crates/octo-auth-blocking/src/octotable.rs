//! OctoTable: creating a client, and its tokens by client credentials.
//!
//! [`provider::octotable`](octotable) lists the steps of OctoTable's own pages and the matching items here. A new
//! client comes with a sandbox property. Read the id of the property before you turn the answer into a client:
//!
//! ```no_run
//! use octo_auth_blocking::octotable::{OctoTable, create_client};
//! use octo_auth_blocking::{NewClient, Profile, Runner, TokenManager};
//!
//! # fn example(wanted: NewClient) -> Result<(), Box<dyn std::error::Error>> {
//! let created = create_client(&Runner::new()?, &Profile::octotable(), &wanted)?.value;
//! let sandbox = created.properties[0].id.clone();
//! let client = created.into_client(Profile::octotable())?;
//! let services = OctoTable::new(&TokenManager::new(client)?)?.property(&sandbox)?;
//! # Ok(())
//! # }
//! ```
//!
//! With a client that exists already:
//!
//! ```no_run
//! use octo_auth_blocking::octotable::OctoTable;
//! use octo_auth_blocking::{Body, Client, Profile, TokenManager};
//!
//! # fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::octotable(), "public_0123", client_secret)?;
//! let property = OctoTable::new(&TokenManager::new(client)?)?.property("1234")?;
//! let url = "https://api.octotable.com/octotable-pms/api/v2/services";
//! let answer = property.call(&http::Request::get(url).body(Body::empty())?)?;
//! println!("{}", answer.value.status());
//! # Ok(())
//! # }
//! ```

use octo_auth_core::provider::octotable;
use octo_auth_core::{
    Answer, ApiError, CallError, CreatedClient, NewClient, Profile, RequestError, TokenError,
};

use crate::api_client::ApiClient;
use crate::manager::TokenManager;
use crate::runner::Runner;
use crate::token_source::TokenSource;

/// A client of OctoTable. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct OctoTable {
    tokens: TokenSource,
}

impl OctoTable {
    /// Returns the OctoTable client of a `TokenManager`. It sends no request.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the profile has no client credentials without scopes.
    pub fn new(manager: &TokenManager) -> Result<Self, TokenError> {
        Ok(Self { tokens: manager.tokens(octotable::client())? })
    }

    /// Returns a client for OctoTable's API for one property. It sends the property's id in the header `Property`.
    ///
    /// # Errors
    ///
    /// As [`octotable::property`].
    pub fn property(&self, id: &str) -> Result<ApiClient, RequestError> {
        let authorizer = octotable::property(self.tokens.authorizer(), id)?;
        Ok(ApiClient::new(self.tokens.clone()).with_authorizer(authorizer))
    }

    /// Returns the tokens of the client, for your own HTTP client. They are valid for all its properties.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.tokens
    }
}

/// Creates a client with a sandbox property, which exists for a limited time. The call needs no client and no
/// token.
///
/// [`CreatedClient::into_client`] turns the answer into a client. The answer contains secrets; store it as a
/// secret.
///
/// # Errors
///
/// An [`ApiError`]: [`ApiError::Call`] if nothing was sent.
pub fn create_client(
    runner: &Runner,
    profile: &Profile,
    wanted: &NewClient,
) -> Result<Answer<CreatedClient>, ApiError> {
    Ok(runner.run(wanted.exchange(profile).map_err(CallError::from)?)?)
}
