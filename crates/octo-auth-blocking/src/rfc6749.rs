//! Any standard server (RFC 6749): sign-ins of its users, and the client's own tokens.
//!
//! [`provider::rfc6749`](rfc6749) lists the steps of the standard and the matching items here. Refresh tokens
//! outlive the process only in a store.
//!
//! ```no_run
//! use octo_auth_blocking::rfc6749::Rfc6749;
//! use octo_auth_blocking::{Body, Client, Profile, Store, TokenManager};
//!
//! # fn example(client_secret: String, callback: &str, store: impl Store + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! let profile = Profile::rfc6749("https://login.example.com/oauth2/token")?
//!     .with_name("Example")?
//!     .with_authorization_url("https://login.example.com/oauth2/authorize")?
//!     .with_revocation_url("https://login.example.com/oauth2/revoke")?
//!     .with_api_host("https://api.example.com")?;
//! let manager = TokenManager::builder(Client::new(profile, "my-client-id", client_secret)?).store(store).build()?;
//! let server = Rfc6749::new(&manager);
//!
//! let (page, pending) = server.authorize("https://app.example.com/callback", "read write")?;
//! // … send the user to the page; when the callback comes:
//! let ann = server.account("ann")?;
//! ann.sign_in(pending.receive(callback, manager.now())?)?;
//!
//! // The token is refreshed when it is due.
//! let request = http::Request::get("https://api.example.com/orders").body(Body::empty())?;
//! println!("{}", ann.api().call(&request)?.value.status());
//!
//! ann.sign_out();
//! # Ok(())
//! # }
//! ```
//!
//! The client's own tokens (client credentials):
//!
//! ```no_run
//! # use octo_auth_blocking::rfc6749::Rfc6749;
//! # use octo_auth_blocking::Body;
//! # fn example(server: Rfc6749) -> Result<(), Box<dyn std::error::Error>> {
//! let request = http::Request::get("https://api.example.com/reports").body(Body::empty())?;
//! println!("{}", server.with_scopes("reports")?.call(&request)?.value.status());
//! # Ok(())
//! # }
//! ```

use octo_auth_core::provider::rfc6749;
use octo_auth_core::{
    AuthorizationCode, CallError, OnboardingError, PendingAuthorization, RequestError, TokenError,
};
use octo_auth_system::entropy;

use crate::api_client::ApiClient;
use crate::manager::TokenManager;
use crate::token_source::TokenSource;

/// A client registered at a standard server. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Rfc6749 {
    manager: TokenManager,
}

/// The account of one user. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Account {
    tokens: TokenSource,
}

impl Rfc6749 {
    /// Returns the registered client of a `TokenManager`. It sends no request.
    #[must_use]
    pub fn new(manager: &TokenManager) -> Self {
        Self { manager: manager.clone() }
    }

    /// Returns the URL of the page to send a user to, and the pending authorization that receives the callback
    /// ([`PendingAuthorization::receive`]). The scopes are separated by spaces; if the text is empty, no scopes
    /// are requested.
    ///
    /// # Errors
    ///
    /// As [`rfc6749::authorize`].
    pub fn authorize(
        &self,
        redirect_uri: &str,
        scopes: &str,
    ) -> Result<(String, PendingAuthorization), RequestError> {
        self.authorize_with(redirect_uri, scopes, &[])
    }

    /// As [`Rfc6749::authorize`], with additional parameters for the authorization request, such as `nonce`,
    /// `login_hint` or `prompt`.
    ///
    /// ```no_run
    /// # use octo_auth_blocking::rfc6749::{Account, Rfc6749};
    /// # fn example(server: Rfc6749, ann: Account, nonce: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let parameters = [("nonce", nonce), ("prompt", "consent")];
    /// let (page, pending) = server.authorize_with("https://app.example.com/callback", "openid", &parameters)?;
    /// // … after the sign-in, if the profile keeps `id_token`:
    /// let token = ann.tokens().get()?;
    /// assert_eq!(token.tokens().id_token_claim("nonce").as_deref(), Some(nonce));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`rfc6749::authorize`].
    pub fn authorize_with(
        &self,
        redirect_uri: &str,
        scopes: &str,
        parameters: &[(&str, &str)],
    ) -> Result<(String, PendingAuthorization), RequestError> {
        let (client, now) = (self.manager.client(), self.manager.now());
        rfc6749::authorize(&client, redirect_uri, scopes, parameters, entropy().ok(), now)
    }

    /// Returns the account of a user. `name` is a name of your choice, and not a secret. The account has no tokens
    /// until a sign-in or an import ([`Account::tokens`]), unless the store has them.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the profile does not support refresh tokens, or if there is no room for another spec.
    pub fn account(&self, name: &str) -> Result<Account, TokenError> {
        Ok(Account { tokens: self.manager.tokens(rfc6749::account(name))? })
    }

    /// Returns a client for the API that uses the client's own tokens (client credentials) with these scopes,
    /// separated by spaces. Each set of scopes has its own token.
    ///
    /// # Errors
    ///
    /// As [`rfc6749::scopes`]. Also a [`CallError`] if the profile has no client credentials, or if there is no
    /// room for another spec.
    pub fn with_scopes(&self, scopes: &str) -> Result<ApiClient, CallError> {
        Ok(ApiClient::new(self.tokens(scopes)?))
    }

    /// Returns the client's own tokens with these scopes, for your own HTTP client.
    ///
    /// # Errors
    ///
    /// As [`Rfc6749::with_scopes`].
    pub fn tokens(&self, scopes: &str) -> Result<TokenSource, CallError> {
        Ok(self.manager.tokens(rfc6749::scopes(scopes)?)?)
    }
}

impl Account {
    /// Exchanges the authorization code of a sign-in, and imports the tokens into the account
    /// ([`rfc6749::sign_in`]).
    ///
    /// # Errors
    ///
    /// As [`rfc6749::sign_in`].
    pub fn sign_in(&self, code: AuthorizationCode) -> Result<(), OnboardingError> {
        self.tokens.drive(rfc6749::sign_in(&self.tokens.client(), code, self.tokens.now())).map(drop)
    }

    /// Returns a client for the API that uses the user's tokens.
    #[must_use]
    pub fn api(&self) -> ApiClient {
        ApiClient::new(self.tokens.clone())
    }

    /// Signs the account out until its next sign-in. Revokes its tokens if the profile has a revocation endpoint
    /// ([`TokenSource::sign_out`]).
    pub fn sign_out(&self) {
        self.tokens.sign_out();
    }

    /// Returns the user's tokens, to import a refresh token that was kept elsewhere, or for your own HTTP client.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.tokens
    }
}
