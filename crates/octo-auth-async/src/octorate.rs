//! Octorate: an application, its administration, and the consents of its properties' owners.
//!
//! The steps of Octorate's "Authentication Process", and what stands for each here:
//!
//! | the document | here |
//! |---|---|
//! | Case 1, step 1: send the user to Octorate's identity page | [`Octorate::authorize`] |
//! | Case 1, step 2: exchange the code within a minute | [`Octorate::sign_in`] |
//! | Case 1, step 3: the header of each call | [`Property::api`], or [`Property::tokens`] for an HTTP client of your own |
//! | Case 1, step 4: refresh when the token has expired | nothing to do: it happens when it is due |
//! | "Old user of old deprecated APIs": migrate | [`Octorate::migrate`] |
//! | "will always create new accounts": ApiLogin, the refresh token is in the answer | [`Admin::create_property`] |
//! | Case 2: ApiLogin for administration | [`Octorate::admin`] |
//! | Case 3: address authentication | [`Admin::for_ip_authentication`] |
//!
//! A [`Property`] and the [`Admin`] are different types: a token for administration opens no property's data, and the
//! other way round. One consent may cover several properties: name it once, and it is one account with one refresh
//! token. The first lines of a program:
//!
//! ```no_run
//! use octo_auth_async::octorate::Octorate;
//! use octo_auth_async::{Accounts, Client, Profile};
//!
//! # async fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::octorate(), "public_0123", client_secret)?;
//! let octorate = Octorate::new(&Accounts::new(client)?)?;
//! let (created, property) =
//!     octorate.admin().create_property("inn", r#"{"name":"The Inn","email":"inn@example.com"}"#).await?;
//! let url = format!("https://api.octorate.com/connect/rest/v1/reservation/{}", created.value.id);
//! let answer = property.api().call(&http::Request::get(url).body(octo_auth_async::Body::empty())?).await?;
//! println!("{}", answer.value.status());
//! # Ok(())
//! # }
//! ```

use octo_auth_core::{
    AdminToken, Adopted, Answer, ApiConfiguration, ApiError, CallError, Client, CreatedProperty, Exchange,
    Failure, GrantedCode, Key, Pending, Remedy, Reply, RequestError, Scopes, Secret, SignInError, Token,
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

/// The administration of an application (case 2): creating properties, reading and writing its configuration.
#[derive(Debug, Clone)]
pub struct Admin {
    accounts: Accounts,
    tokens: Tokens,
}

/// What one consent opens: one property, or several of one owner. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Property {
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
    /// or a migration brought some, or [`Property::tokens`] adopted one, or the store of the registration knows it.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if there is no room for another key.
    pub fn property(&self, account: &str) -> Result<Property, Failure> {
        property(&self.accounts, account)
    }

    /// The page to send an owner to, and the sign-in that waits for the callback
    /// ([`Pending::receive`](octo_auth_core::Pending::receive)).
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

    /// Exchanges the code of a sign-in, within a minute of its callback, and begins an account with what it brings.
    ///
    /// # Errors
    ///
    /// A [`SignInError`]; whatever it is, the code is sent once at most.
    pub async fn sign_in(&self, account: &str, code: GrantedCode) -> Result<Property, SignInError> {
        let property = self.property(account)?;
        let exchange = code.redeem(&self.accounts.client(), self.accounts.now())?;
        let answer = self.accounts.run(exchange).await?;
        property.tokens.adopt(answer.value).await?;
        Ok(property)
    }

    /// Trades a key of Octorate's old API for tokens of a property, once for each, and begins an account with them.
    ///
    /// # Errors
    ///
    /// An [`ApiError`]: [`ApiError::Call`] if nothing was sent.
    pub async fn migrate(
        &self,
        account: &str,
        api_key: &Secret,
        accommodation: &str,
    ) -> Result<Property, ApiError> {
        let property = self.property(account).map_err(CallError::from)?;
        let exchange = self.accounts.client().migrate(api_key, accommodation).map_err(CallError::from)?;
        let answer = self.accounts.run(exchange).await?;
        property.tokens.adopt(answer.value).await.map_err(CallError::from)?;
        Ok(property)
    }
}

impl Admin {
    /// Creates a property from the JSON object that Octorate documents for `POST /rest/v2/accommodation`, and adopts
    /// its refresh token into an account.
    ///
    /// In a network Octorate gives the refresh token of the network again: name the account of the network, which
    /// goes on as it was and reaches the new property too.
    ///
    /// # Errors
    ///
    /// An [`ApiError`]: [`ApiError::Call`] if nothing was sent. A property that exists already is refused by Octorate
    /// with status 412.
    pub async fn create_property(
        &self,
        account: &str,
        json: &str,
    ) -> Result<(Answer<CreatedProperty>, Property), ApiError> {
        // There must be a place for the refresh token before it comes.
        let property = property(&self.accounts, account).map_err(CallError::from)?;
        let created = self.run(|client, token| client.create_property(token, json)).await?;
        let adopted = Adopted::RefreshToken(created.value.refresh_token.clone());
        property.tokens.adopt(adopted).await.map_err(CallError::from)?;
        Ok((created, property))
    }

    /// Reads the configuration of the application, with the page owners are sent to.
    ///
    /// # Errors
    ///
    /// An [`ApiError`].
    pub async fn configuration(&self) -> Result<Answer<ApiConfiguration>, ApiError> {
        self.run(Client::api_configuration).await
    }

    /// Replaces all redirect URIs of the application; nothing removes them.
    ///
    /// # Errors
    ///
    /// An [`ApiError`].
    pub async fn replace_redirect_uris(&self, redirect_uris: Option<&[&str]>) -> Result<(), ApiError> {
        self.run(|client, token| client.replace_redirect_uris(token, redirect_uris)).await?;
        Ok(())
    }

    /// Declares that calls come from an address Octorate has on its list (case 3): then this token opens property
    /// data too, at the paths with an accommodation in them. From any other address those calls are refused with
    /// `403 errNoResourcesForIdentity`.
    #[must_use]
    pub fn for_ip_authentication(&self) -> ApiClient {
        ApiClient::new(self.tokens.clone())
    }

    /// Runs an exchange with a token for administration, and once more with another one if it was refused.
    async fn run<T: Reply>(
        &self,
        build: impl Fn(&Client, &AdminToken) -> Result<Exchange<T>, RequestError>,
    ) -> Result<Answer<T>, ApiError> {
        let token = self.tokens.get().await.map_err(CallError::from)?;
        match self.run_with(&token, &build).await {
            Err(ApiError::Exchange(error)) if error.remedy() == Remedy::RenewToken => {
                self.tokens.refused(token.generation());
                match self.tokens.get().await {
                    Ok(other) if other.generation() != token.generation() => {
                        self.run_with(&other, &build).await
                    }
                    // The provider's own error says more than that there is no better token.
                    Ok(_) | Err(_) => Err(error.into()),
                }
            }
            outcome => outcome,
        }
    }

    async fn run_with<T: Reply>(
        &self,
        token: &Token,
        build: &impl Fn(&Client, &AdminToken) -> Result<Exchange<T>, RequestError>,
    ) -> Result<Answer<T>, ApiError> {
        let wrong = RequestError::Value { what: "token", problem: "is none for administration" };
        let token = token.admin_token().ok_or(wrong).map_err(CallError::from)?;
        let exchange = build(&self.accounts.client(), &token).map_err(CallError::from)?;
        Ok(self.accounts.run(exchange).await?)
    }
}

impl Property {
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

fn property(accounts: &Accounts, account: &str) -> Result<Property, Failure> {
    Ok(Property { tokens: accounts.tokens(Key::account(account))? })
}
