//! OctoTable: creating a client, and its tokens by client credentials.
//!
//! [`provider::octotable`](octotable) lists the steps of OctoTable's own pages and what stands for each here.
//! A client comes with a sandbox property, whose id must be taken out of the answer before the client is made of it:
//!
//! ```no_run
//! use octo_auth_async::octotable::{OctoTable, create_client};
//! use octo_auth_async::{NewClient, Profile, Runner, TokenManager};
//!
//! # async fn example(wanted: NewClient) -> Result<(), Box<dyn std::error::Error>> {
//! let created = create_client(&Runner::new()?, &Profile::octotable(), &wanted).await?.value;
//! let sandbox = created.properties[0].id.clone();
//! let client = created.into_client(Profile::octotable())?;
//! let services = OctoTable::new(&TokenManager::new(client)?)?.property(&sandbox)?;
//! # Ok(())
//! # }
//! ```
//!
//! With a client that is there already:
//!
//! ```no_run
//! use octo_auth_async::octotable::OctoTable;
//! use octo_auth_async::{Body, Client, Profile, TokenManager};
//!
//! # async fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::octotable(), "public_0123", client_secret)?;
//! let property = OctoTable::new(&TokenManager::new(client)?)?.property("1234")?;
//! let url = "https://api.octotable.com/octotable-pms/api/v2/services";
//! let answer = property.call(&http::Request::get(url).body(Body::empty())?).await?;
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
    /// The client of a registration. Nothing is asked for yet.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the registration's profile has no client credentials without scopes.
    pub fn new(manager: &TokenManager) -> Result<Self, TokenError> {
        Ok(Self { tokens: manager.tokens(octotable::client())? })
    }

    /// Calls of OctoTable's API for one property, whose id stands in the header `Property` of each.
    ///
    /// # Errors
    ///
    /// As [`octotable::property`].
    pub fn property(&self, id: &str) -> Result<ApiClient, RequestError> {
        let authorizer = octotable::property(self.tokens.authorizer(), id)?;
        Ok(ApiClient::new(self.tokens.clone()).with_authorizer(authorizer))
    }

    /// Its tokens, which serve all its properties: for an HTTP client of your own.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.tokens
    }
}

/// Creates a client with a sandbox property, which lives for a limited time. It needs no client and no token.
///
/// [`CreatedClient::into_client`] makes a client of the answer, which holds secrets: keep it as such.
///
/// A caller that is dropped while it waits loses the answer, with the secrets that come only once: run it in a task of
/// its own where that can happen.
///
/// # Errors
///
/// An [`ApiError`]: [`ApiError::Call`] if nothing was sent.
pub async fn create_client(
    runner: &Runner,
    profile: &Profile,
    wanted: &NewClient,
) -> Result<Answer<CreatedClient>, ApiError> {
    Ok(runner.run(wanted.exchange(profile).map_err(CallError::from)?).await?)
}
