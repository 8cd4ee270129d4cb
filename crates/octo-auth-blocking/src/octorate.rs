//! Octorate: an application, its administration, and the consents of its properties' owners.
//!
//! This page follows Octorate's "Authentication Process" step by step. Everything begins with the registration of the
//! application and a store, for a refresh token that is lost can be got again by the owner alone, and an account lives
//! in memory only where there is no store:
//!
//! ```no_run
//! use octo_auth_blocking::octorate::Octorate;
//! use octo_auth_blocking::{Accounts, Client, Profile, Store};
//!
//! # fn example(client_secret: String, store: impl Store + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::octorate(), "public_0123", client_secret)?;
//! let accounts = Accounts::builder(client).store(store).build()?;
//! let octorate = Octorate::new(&accounts)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Case 1: an owner consents
//!
//! | the document | here |
//! |---|---|
//! | step 1: send the user to Octorate's identity page | [`Octorate::authorize`]; keep the [`Pending`], such as by [`Pending::to_json`], until the callback comes |
//! | the user comes back with `code` and `state` | [`Pending::receive`] with the callback's URL |
//! | step 2: exchange the code within a minute | [`Property::sign_in`] |
//! | step 3: the header of each call | [`Property::api`], or [`Property::tokens`] for an HTTP client of your own |
//! | step 4: refresh when the token has expired | nothing to do: it happens when it is due |
//!
//! ```no_run
//! # use octo_auth_blocking::octorate::Octorate;
//! # use octo_auth_blocking::{Accounts, Body};
//! # fn example(accounts: Accounts, octorate: Octorate, callback: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let (page, pending) = octorate.authorize("https://localhost")?;
//! // … send the owner to the page; when the callback comes:
//! let code = pending.receive(callback, accounts.now())?;
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
//! One consent may cover several properties: it is one account, with one name of yours and one refresh token, whatever
//! property a call is for.
//!
//! A key of the old API is traded for tokens once, the document's "migration": [`Property::migrate`].
//!
//! # Case 2: the application's own access
//!
//! ApiLogin, for administration: [`Octorate::admin`]. Its tokens open no property's data, and those of a property no
//! administration; so [`Admin`] and [`Property`] are different types. A property that is created brings its refresh
//! token in the answer, and only there:
//!
//! ```no_run
//! # use octo_auth_blocking::octorate::Octorate;
//! # fn example(octorate: Octorate) -> Result<(), Box<dyn std::error::Error>> {
//! let inn = octorate.property("inn")?;
//! let json = r#"{"name":"The Inn","email":"inn@example.com"}"#;
//! let created = octorate.admin().create_property(&inn, json)?;
//! println!("{}", created.value.id);
//! // A property of a network comes with the refresh token of the network: the account of the network reaches it.
//! let chain = octorate.property("chain")?;
//! let json = r#"{"name":"Sea View","email":"sea@example.com","networkName":"Chain"}"#;
//! octorate.admin().create_property(&chain, json)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Case 3: IP authentication
//!
//! From an address on the list that Octorate keeps for the application, the token of ApiLogin opens property data too:
//! [`Admin::for_ip_authentication`], which asks the list first.

use std::net::IpAddr;

use octo_auth_core::allowlist::{NotPermitted, Rules};
use octo_auth_core::{
    AdminToken, Answer, ApiConfiguration, ApiError, CallError, Client, CreatedProperty, Exchange, Failure,
    GrantedCode, Key, OnboardingError, Pending, Remedy, Reply, RequestError, Scopes, Secret, Token,
};
use octo_auth_system::entropy;

use crate::accounts::Accounts;
use crate::api_client::ApiClient;
use crate::tokens::Tokens;

/// An application registered at Octorate. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Octorate {
    accounts: Accounts,
    admin: Admin,
}

/// The administration of an application (case 2): creating properties, reading and writing its configuration. It is
/// cheap to clone.
#[derive(Debug, Clone)]
pub struct Admin {
    accounts: Accounts,
    tokens: Tokens,
}

/// What one consent opens: one property, or several of one owner. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Property {
    accounts: Accounts,
    tokens: Tokens,
}

impl Octorate {
    /// The application of a registration. Nothing is asked for yet.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if the registration's profile has no ApiLogin, as only Octorate's has.
    pub fn new(accounts: &Accounts) -> Result<Self, Failure> {
        let tokens = accounts.tokens(Key::api_login())?;
        Ok(Self { accounts: accounts.clone(), admin: Admin { accounts: accounts.clone(), tokens } })
    }

    /// Its administration.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// The account of one consent, by a name of yours that is no secret. It has no tokens until a sign-in, a creation
    /// or a migration brings some, or [`Property::tokens`] adopts one, or the store of the registration knows it.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if there is no room for another key.
    pub fn property(&self, account: &str) -> Result<Property, Failure> {
        let tokens = self.accounts.tokens(Key::account(account))?;
        Ok(Property { accounts: self.accounts.clone(), tokens })
    }

    /// The page to send an owner to, and the sign-in that waits for the callback ([`Pending::receive`]).
    ///
    /// `redirect_uri` must be registered, byte for byte, and begin with `https`; Octorate's default is
    /// `https://localhost`.
    ///
    /// # Errors
    ///
    /// [`RequestError::RedirectUri`] for another one; [`RequestError::Value`] if the operating system gives no random
    /// bytes.
    pub fn authorize(&self, redirect_uri: &str) -> Result<(String, Pending), RequestError> {
        let problem = "cannot be made: the operating system gives no random bytes";
        let entropy = entropy().map_err(|_| RequestError::Value { what: "state of the sign-in", problem })?;
        self.accounts.client().authorize(redirect_uri, &Scopes::none(), entropy)
    }
}

impl Property {
    /// Exchanges the code of a sign-in, within a minute of its callback, and begins the account anew with what it
    /// brings: the consent is given anew too.
    ///
    /// # Errors
    ///
    /// An [`OnboardingError`]. Whatever it is, the code is used up: the owner has to sign in again, unless a refresh
    /// token is in the account all the same.
    pub fn sign_in(&self, code: GrantedCode) -> Result<(), OnboardingError> {
        let exchange = code.redeem(&self.accounts.client(), self.accounts.now())?;
        self.tokens.adopt_from(exchange)?;
        Ok(())
    }

    /// Trades a key of Octorate's old API for tokens of a property, once for each, and begins the account with them.
    ///
    /// # Errors
    ///
    /// An [`OnboardingError`]: [`OnboardingError::Call`] if nothing was sent, [`OnboardingError::Occupied`] with the
    /// new tokens if the account holds a refresh token already.
    pub fn migrate(&self, api_key: &Secret, accommodation: &str) -> Result<(), OnboardingError> {
        let exchange = self.accounts.client().migrate(api_key, accommodation)?;
        self.tokens.begin_from(exchange, false)?.1
    }

    /// Calls of Octorate's API with its tokens.
    #[must_use]
    pub fn api(&self) -> ApiClient {
        ApiClient::new(self.tokens.clone())
    }

    /// Its tokens: to adopt a refresh token that was kept elsewhere, to sign out, for an HTTP client of your own.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

impl Admin {
    /// Creates a property from the JSON object that Octorate documents for `POST /rest/v2/accommodation`, and begins
    /// its account with the refresh token of the answer, which comes but once.
    ///
    /// In a network Octorate gives the refresh token of the network again: name the account of the network, which
    /// goes on as it was and reaches the new property too.
    ///
    /// # Errors
    ///
    /// An [`OnboardingError`]: [`OnboardingError::Call`] if nothing was sent, [`OnboardingError::Occupied`] with the
    /// new refresh token and the property's id if the account holds another one. A property that exists already is
    /// refused by Octorate with status 412.
    pub fn create_property(
        &self,
        property: &Property,
        json: &str,
    ) -> Result<Answer<CreatedProperty>, OnboardingError> {
        let token = self.tokens.get()?;
        match self.create(&token, property, json) {
            Err(error) if error.remedy() == Remedy::RenewToken => match self.other_than(&token) {
                Some(other) => self.create(&other, property, json),
                None => Err(error),
            },
            outcome => outcome,
        }
    }

    fn create(
        &self,
        token: &Token,
        property: &Property,
        json: &str,
    ) -> Result<Answer<CreatedProperty>, OnboardingError> {
        let exchange = self.accounts.client().create_property(&admin_token(token)?, json)?;
        let (created, placed) = property.tokens.begin_from(exchange, false)?;
        placed.map_err(|error| error.with_property(&created.value.id))?;
        Ok(created)
    }

    /// Reads the configuration of the application, with the page owners are sent to.
    ///
    /// # Errors
    ///
    /// An [`ApiError`].
    pub fn configuration(&self) -> Result<Answer<ApiConfiguration>, ApiError> {
        self.run(Client::api_configuration)
    }

    /// Replaces all redirect URIs of the application; nothing removes them.
    ///
    /// # Errors
    ///
    /// An [`ApiError`].
    pub fn replace_redirect_uris(&self, redirect_uris: Option<&[&str]>) -> Result<(), ApiError> {
        self.run(|client, token| client.replace_redirect_uris(token, redirect_uris))?;
        Ok(())
    }

    /// Calls of Octorate's API for administration, such as `GET /rest/v1/accommodation`.
    #[must_use]
    pub fn api(&self) -> ApiClient {
        ApiClient::new(self.tokens.clone())
    }

    /// Declares that calls come from an address Octorate has on its list (case 3): then this token opens property
    /// data too, at the paths with an accommodation in them. From any other address those calls are refused with
    /// `403 errNoResourcesForIdentity`, which says nothing of addresses.
    ///
    /// So the list is asked here, before anything is sent: `caller` is the address that Octorate will see, behind
    /// address translation the one outside, and `rules` are those that Octorate was given. [`Terms::ipv4_only`] and
    /// [`Terms::egress`] refuse rules that can never match there.
    ///
    /// [`Terms::ipv4_only`]: octo_auth_core::allowlist::Terms::ipv4_only
    /// [`Terms::egress`]: octo_auth_core::allowlist::Terms::egress
    ///
    /// # Errors
    ///
    /// [`NotPermitted`] with the rules that are nearest to the address.
    pub fn for_ip_authentication(&self, caller: IpAddr, rules: &Rules) -> Result<ApiClient, NotPermitted> {
        rules.require(caller)?;
        Ok(self.api())
    }

    /// Its tokens: for an HTTP client of your own.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Runs an exchange with a token for administration, and once more with another one if it was refused.
    fn run<T: Reply>(
        &self,
        build: impl Fn(&Client, &AdminToken) -> Result<Exchange<T>, RequestError>,
    ) -> Result<Answer<T>, ApiError> {
        let exchange = |token: &Token| -> Result<_, CallError> {
            Ok(build(&self.accounts.client(), &admin_token(token)?)?)
        };
        let token = self.tokens.get().map_err(CallError::from)?;
        match self.accounts.run(exchange(&token)?) {
            Err(error) if error.remedy() == Remedy::RenewToken => match self.other_than(&token) {
                Some(other) => Ok(self.accounts.run(exchange(&other)?)?),
                None => Err(error.into()),
            },
            outcome => Ok(outcome?),
        }
    }

    /// Reports a refused token; another one, if one is to be had: else the provider's own error says more.
    fn other_than(&self, token: &Token) -> Option<Token> {
        self.tokens.refused(token.generation());
        self.tokens.get().ok().filter(|other| other.generation() != token.generation())
    }
}

fn admin_token(token: &Token) -> Result<AdminToken, CallError> {
    let wrong = RequestError::Value { what: "token", problem: "is none for administration" };
    token.admin_token().ok_or(CallError::Request(wrong))
}
