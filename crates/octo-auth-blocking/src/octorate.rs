//! Octorate: an application, its administration, and the consents of property owners.
//!
//! [`provider::octorate`](octorate) lists the steps of Octorate's "Authentication Process" and the matching items
//! here. Begin with a `TokenManager` for the application, with a store. Without a store, the tokens of an account
//! are only in memory, and only the owner can replace a lost refresh token:
//!
//! ```no_run
//! use octo_auth_blocking::octorate::Octorate;
//! use octo_auth_blocking::{Client, Profile, Store, TokenManager};
//!
//! # fn example(client_secret: String, store: impl Store + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::octorate(), "public_0123", client_secret)?;
//! let manager = TokenManager::builder(client).store(store).build()?;
//! let octorate = Octorate::new(&manager)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Case 1: an owner consents
//!
//! ```no_run
//! # use octo_auth_blocking::octorate::Octorate;
//! # use octo_auth_blocking::{Body, TokenManager};
//! # fn example(manager: TokenManager, octorate: Octorate, callback: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let (page, pending) = octorate.authorize("https://localhost")?;
//! // … send the owner to the page; when the callback comes:
//! let code = pending.receive(callback, manager.now())?;
//! let inn = octorate.property("inn")?;
//! inn.sign_in(code)?;
//!
//! let url = "https://api.octorate.com/connect/rest/v1/reservation/100001";
//! let answer = inn.api().call(&http::Request::get(url).body(Body::empty())?)?;
//! println!("{}", answer.value.status());
//! # Ok(())
//! # }
//! ```
//!
//! # Case 2: the application's own access
//!
//! ```no_run
//! # use octo_auth_blocking::octorate::Octorate;
//! # fn example(octorate: Octorate) -> Result<(), Box<dyn std::error::Error>> {
//! let inn = octorate.property("inn")?;
//! let json = r#"{"name":"The Inn","email":"inn@example.com"}"#;
//! let created = octorate.admin().create_property(&inn, json)?;
//! println!("{}", created.value.id);
//! // A property of a network returns the refresh token of the network: import it into the account of the network.
//! let chain = octorate.property("chain")?;
//! let json = r#"{"name":"Sea View","email":"sea@example.com","networkName":"Chain"}"#;
//! octorate.admin().create_property(&chain, json)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Case 3: IP authentication
//!
//! [`Admin::for_ip_authentication`] checks the caller's address before it returns a client.

use std::net::IpAddr;

use octo_auth_core::allowlist::{NotPermitted, Rules};
use octo_auth_core::provider::octorate;
use octo_auth_core::{
    Answer, ApiConfiguration, ApiError, AuthorizationCode, CreatedProperty, OnboardingError,
    PendingAuthorization, RequestError, Secret, TokenError,
};
use octo_auth_system::entropy;

use crate::api_client::ApiClient;
use crate::manager::TokenManager;
use crate::token_source::TokenSource;

/// An application registered at Octorate. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Octorate {
    admin: Admin,
}

/// The administration of an application (case 2): it creates properties, and reads and writes the configuration.
/// It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Admin {
    tokens: TokenSource,
}

/// The account of one consent: one property, or several properties of one owner. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Property {
    tokens: TokenSource,
}

impl Octorate {
    /// Returns the application of a `TokenManager`. It sends no request.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the profile has no ApiLogin; only Octorate's profile has it.
    pub fn new(manager: &TokenManager) -> Result<Self, TokenError> {
        Ok(Self { admin: Admin { tokens: manager.tokens(octorate::admin())? } })
    }

    /// Returns the administration of the application.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Returns the account of one consent. `account` is a name of your choice, and not a secret. The account has
    /// no tokens until a sign-in, a creation, a migration or an import ([`Property::tokens`]), unless the store
    /// has them.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if there is no room for another spec.
    pub fn property(&self, account: &str) -> Result<Property, TokenError> {
        Ok(Property { tokens: self.admin.tokens.sibling(&octorate::property(account))? })
    }

    /// Returns the URL of the page to send an owner to, and the pending authorization that receives the callback
    /// ([`PendingAuthorization::receive`]).
    ///
    /// # Errors
    ///
    /// As [`octorate::authorize`].
    pub fn authorize(&self, redirect_uri: &str) -> Result<(String, PendingAuthorization), RequestError> {
        let tokens = &self.admin.tokens;
        octorate::authorize(&tokens.client(), redirect_uri, entropy().ok(), tokens.now())
    }
}

impl Property {
    /// Exchanges the authorization code of a sign-in, and imports the tokens into the account
    /// ([`octorate::sign_in`]).
    ///
    /// # Errors
    ///
    /// As [`octorate::sign_in`].
    pub fn sign_in(&self, code: AuthorizationCode) -> Result<(), OnboardingError> {
        self.tokens.drive(octorate::sign_in(&self.tokens.client(), code, self.tokens.now())).map(drop)
    }

    /// Exchanges an API key of Octorate's old API for the tokens of a property ([`octorate::migrate`]).
    ///
    /// # Errors
    ///
    /// As [`octorate::migrate`].
    pub fn migrate(&self, api_key: &Secret, accommodation: &str) -> Result<(), OnboardingError> {
        let client = self.tokens.client();
        self.tokens.drive(octorate::migrate(&client, api_key, accommodation)).map(drop)
    }

    /// Returns a client for Octorate's API that uses the tokens of this account.
    #[must_use]
    pub fn api(&self) -> ApiClient {
        ApiClient::new(self.tokens.clone())
    }

    /// Returns the tokens of this account, to import a refresh token that was kept elsewhere, to sign out, or for
    /// your own HTTP client.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.tokens
    }
}

impl Admin {
    /// Creates a property, and imports the refresh token of the answer into `property`
    /// ([`octorate::create_property`]).
    ///
    /// # Errors
    ///
    /// As [`octorate::create_property`].
    pub fn create_property(
        &self,
        property: &Property,
        json: &str,
    ) -> Result<Answer<CreatedProperty>, OnboardingError> {
        let client = self.tokens.client();
        self.tokens.drive_into(&property.tokens, octorate::create_property(client, json))
    }

    /// Reads the configuration of the application. It contains the URL of the page that owners are sent to.
    ///
    /// # Errors
    ///
    /// An [`ApiError`].
    pub fn configuration(&self) -> Result<Answer<ApiConfiguration>, ApiError> {
        self.tokens.drive(octorate::configuration(self.tokens.client()))
    }

    /// Replaces all redirect URIs of the application. `None` removes them.
    ///
    /// # Errors
    ///
    /// An [`ApiError`].
    pub fn replace_redirect_uris(&self, redirect_uris: Option<&[&str]>) -> Result<(), ApiError> {
        let client = self.tokens.client();
        self.tokens.drive(octorate::replace_redirect_uris(client, redirect_uris)).map(drop)
    }

    /// Returns a client for Octorate's administration API, such as `GET /rest/v1/accommodation`.
    #[must_use]
    pub fn api(&self) -> ApiClient {
        ApiClient::new(self.tokens.clone())
    }

    /// Returns a client for IP authentication (case 3). If calls come from an address on Octorate's list, this
    /// token can also read property data. `caller` is the address that Octorate will see. `rules` are the rules
    /// that Octorate was given. The address is checked against the rules before anything is sent.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`] with the rules that are nearest to the address.
    pub fn for_ip_authentication(&self, caller: IpAddr, rules: &Rules) -> Result<ApiClient, NotPermitted> {
        rules.require(caller).map(|_| self.api())
    }

    /// Returns the administration tokens, for your own HTTP client.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.tokens
    }
}
