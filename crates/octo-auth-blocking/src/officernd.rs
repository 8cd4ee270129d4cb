//! OfficeRND: an application and its tokens, one for each set of scopes.
//!
//! [`provider::officernd`](officernd) lists the steps of OfficeRND's "Generating a token" and the matching items
//! here.
//!
//! ```no_run
//! use octo_auth_blocking::officernd::OfficeRnd;
//! use octo_auth_blocking::{Body, Client, Profile, TokenManager};
//!
//! # fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::officernd(), "0123456789abcdef", client_secret)?;
//! let members = OfficeRnd::new(&TokenManager::new(client)?).with_scopes("flex.community.members.read")?;
//! let url = "https://app.officernd.com/api/v2/organizations/example/members";
//! let answer = members.call(&http::Request::get(url).body(Body::empty())?)?;
//! println!("{}", answer.value.status());
//! # Ok(())
//! # }
//! ```

use octo_auth_core::CallError;
use octo_auth_core::provider::officernd;

use crate::api_client::ApiClient;
use crate::manager::TokenManager;
use crate::token_source::TokenSource;

/// An application registered at OfficeRND. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct OfficeRnd {
    manager: TokenManager,
}

impl OfficeRnd {
    /// Returns the application of a `TokenManager`. It sends no request.
    #[must_use]
    pub fn new(manager: &TokenManager) -> Self {
        Self { manager: manager.clone() }
    }

    /// Returns a client for OfficeRND's API that uses a token with these scopes, separated by spaces. Each set of
    /// scopes has its own token. All tokens share the limit of five requests per minute.
    ///
    /// # Errors
    ///
    /// As [`officernd::scopes`]. Also a [`CallError`] if there is no scope, or no room for another spec.
    pub fn with_scopes(&self, scopes: &str) -> Result<ApiClient, CallError> {
        Ok(ApiClient::new(self.tokens(scopes)?))
    }

    /// Returns the tokens with these scopes, for your own HTTP client.
    ///
    /// # Errors
    ///
    /// As [`OfficeRnd::with_scopes`].
    pub fn tokens(&self, scopes: &str) -> Result<TokenSource, CallError> {
        Ok(self.manager.tokens(officernd::scopes(scopes)?)?)
    }
}
