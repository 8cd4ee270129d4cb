//! OfficeRND: an application and its tokens, one for each set of scopes.
//!
//! [`provider::officernd`](officernd) lists the steps of OfficeRND's "Generating a token" and what stands for each here.
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

/// An application of OfficeRND. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct OfficeRnd {
    manager: TokenManager,
}

impl OfficeRnd {
    /// The application of a registration. Nothing is asked for yet.
    #[must_use]
    pub fn new(manager: &TokenManager) -> Self {
        Self { manager: manager.clone() }
    }

    /// Calls of OfficeRND's API with these scopes, separated by spaces. Each set of scopes has a token of its own;
    /// all of them share the five requests a minute.
    ///
    /// # Errors
    ///
    /// As [`officernd::scopes`], and a [`CallError`] for no scope at all, and if there is no room for another key.
    pub fn with_scopes(&self, scopes: &str) -> Result<ApiClient, CallError> {
        Ok(ApiClient::new(self.tokens(scopes)?))
    }

    /// The tokens with these scopes: for an HTTP client of your own.
    ///
    /// # Errors
    ///
    /// As [`OfficeRnd::with_scopes`].
    pub fn tokens(&self, scopes: &str) -> Result<TokenSource, CallError> {
        Ok(self.manager.tokens(officernd::scopes(scopes)?)?)
    }
}
