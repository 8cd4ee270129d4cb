//! Sign-ins of a web application's users: two methods, one for each of its addresses.
//!
//! Requests and responses are those of the crate `http`, which most frameworks can be made from. The rules are those of
//! [`octo_auth_core::provider::web`].

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response};
use octo_auth_core::provider::rfc6749;
use octo_auth_core::provider::web::{self, WaitingSignIns};
use octo_auth_core::{Saved, Secret, StoreError};
use octo_auth_system::entropy;

pub use octo_auth_core::provider::web::WebSignInError;

use crate::accounts::Accounts;
use octo_auth_core::Store;

/// How often a record is written again that another replica has changed.
const ATTEMPTS: usize = 16;

/// Signs the users of a web application in, for any number of accounts of one registration. It is cheap to clone.
///
/// The application decides who may sign which account in; that is asked before [`WebSignIn::begin`]. Sign-ins that wait are
/// kept in a store, so that the callback may come to another replica: of several callbacks, one exchanges the code.
#[derive(Clone)]
pub struct WebSignIn {
    accounts: Accounts,
    store: Arc<dyn Store>,
    redirect_uri: Arc<str>,
    scopes: Arc<str>,
}

/// A user who is signed in.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// The account that [`WebSignIn::begin`] was called with.
    pub account: String,
    /// The callback's other parameters, such as OfficeRND's `org_slug`.
    pub parameters: Vec<(String, String)>,
    /// The value of `Set-Cookie` that removes the cookie of the sign-in.
    pub cookie: HeaderValue,
}

impl WebSignIn {
    /// Sign-ins with these accounts, whose callbacks come to this redirect URI. The store may be that of the accounts.
    #[must_use]
    pub fn new(accounts: &Accounts, store: impl Store + 'static, redirect_uri: &str) -> Self {
        let (store, redirect_uri) = (Arc::new(store), redirect_uri.into());
        Self { accounts: accounts.clone(), store, redirect_uri, scopes: "".into() }
    }

    /// Sets the scopes to ask for, separated by spaces.
    #[must_use]
    pub fn with_scopes(mut self, scopes: &str) -> Self {
        self.scopes = scopes.into();
        self
    }

    /// Begins a sign-in of an account: a redirect to the provider's page, with the cookie of the sign-in.
    ///
    /// # Errors
    ///
    /// A [`WebSignInError`] if the provider has no such page, or if the store fails.
    pub fn begin(&self, account: &str) -> Result<Response<String>, WebSignInError> {
        let (client, now) = (self.accounts.client(), self.accounts.now());
        let entropy = entropy().ok();
        let (page, pending) =
            rfc6749::authorize(&client, &self.redirect_uri, &self.scopes, &[], entropy, now)?;
        let pending = pending.with_account(account);
        let response = web::redirect(&page, web::cookie(&pending))?;
        let state = pending.state().clone();
        self.change(&state, |sign_ins| sign_ins.add(&pending, now))?;
        Ok(response)
    }

    /// Ends a sign-in with the query and the headers of the request for the redirect URI.
    ///
    /// # Errors
    ///
    /// A [`WebSignInError`], which has a plain page ([`WebSignInError::page`]) if the application has none of its own.
    pub fn finish(&self, query: &str, headers: &HeaderMap) -> Result<SignedIn, WebSignInError> {
        let state = web::returned_state(query, headers)?;
        let taken = self.change(&state, |sign_ins| sign_ins.take(&state))?;
        let pending = taken.ok_or(WebSignInError::NotWaiting)?;
        let code =
            pending.receive(&format!("?{query}"), self.accounts.now()).map_err(|rejected| rejected.error)?;
        let account = code.account().unwrap_or_default().to_owned();
        let parameters = code.other_parameters().to_vec();
        let tokens = self.accounts.tokens(rfc6749::account(&account))?;
        tokens.drive(rfc6749::sign_in(&tokens.client(), code, self.accounts.now()))?;
        Ok(SignedIn { account, parameters, cookie: web::removed_cookie(&state) })
    }

    /// Changes the record of a sign-in. What `change` returned counts if the changed record was stored.
    fn change<T>(&self, state: &Secret, change: impl Fn(&mut WaitingSignIns) -> T) -> Result<T, StoreError> {
        let client = self.accounts.client();
        let name = WaitingSignIns::record_name(&client, state);
        let mut stored = self.store.load(&name)?;
        for _ in 0..ATTEMPTS {
            let mut sign_ins = WaitingSignIns::read(&client, state, stored.as_ref())?;
            let changed = change(&mut sign_ins);
            let version = sign_ins.version();
            match self.store.compare_and_swap(&name, version, &sign_ins.content())? {
                Saved::Done(_) => return Ok(changed),
                Saved::Conflict(other) => stored = other,
            }
        }
        Err(StoreError::new("the record of the sign-ins is changed all the time; try again"))
    }
}

impl SignedIn {
    /// Returns a redirect to a page of the application, which removes the cookie of the sign-in.
    ///
    /// # Errors
    ///
    /// A [`WebSignInError`] for a location that cannot stand in a header.
    pub fn redirect(self, location: &str) -> Result<Response<String>, WebSignInError> {
        Ok(web::redirect(location, self.cookie)?)
    }
}

impl std::fmt::Debug for WebSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSignIn").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}
