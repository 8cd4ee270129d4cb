//! Sign-ins of the users of a web application, for asynchronous and blocking adapters.
//!
//! An adapter makes the store calls of a [`Change`], and exchanges the code. [`octo_auth_core::provider::web`]
//! describes the rules.

#[cfg(feature = "sealed-cookie")]
mod sealed_cookie;

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, Response};
use octo_auth_core::provider::rfc6749;
use octo_auth_core::provider::web::{self, Change, WebSignInError};
use octo_auth_core::{Client, Entropy, Now, PendingAuthorization, Secret};

#[cfg(feature = "sealed-cookie")]
pub use octo_auth_store_kit::{Key as CookieKey, Keys as CookieKeys, SecretError, SecretSource};
#[cfg(feature = "sealed-cookie")]
use sealed_cookie::SealedCookie;

/// The sign-ins of a client. While pending they are kept in a store of the type `S`, or in a cookie of the
/// browser.
#[derive(Clone)]
pub struct SignIns<S> {
    place: Place<S>,
    redirect_uri: Arc<str>,
    scopes: Arc<str>,
}

#[derive(Clone)]
enum Place<S> {
    Store(S),
    #[cfg(feature = "sealed-cookie")]
    Cookie(SealedCookie),
}

/// The beginning of a sign-in.
#[derive(Debug)]
pub struct Begun<'a, S> {
    /// The redirect to the provider's page.
    pub response: Response<String>,
    /// A change to make in this store before the response is sent.
    pub to_store: Option<(&'a S, Change)>,
}

/// The place of a callback's pending sign-in.
#[derive(Debug)]
pub enum Found<'a, S> {
    /// In this store: this change takes it out.
    InStore(&'a S, Box<Change>),
    /// In the cookie. `None` if the cookie was already used.
    InCookie(Option<PendingAuthorization>),
}

impl<S> SignIns<S> {
    /// Builds sign-ins that are kept in a store while pending. `redirect_uri` is the URI of the callbacks.
    #[must_use]
    pub fn in_store(store: S, redirect_uri: &str) -> Self {
        Self { place: Place::Store(store), redirect_uri: redirect_uri.into(), scopes: "".into() }
    }

    /// Builds sign-ins that are kept in a cookie while pending, sealed with these keys.
    #[cfg(feature = "sealed-cookie")]
    #[must_use]
    pub fn in_cookie(keys: CookieKeys, redirect_uri: &str) -> Self {
        let place = Place::Cookie(SealedCookie::new(keys));
        Self { place, redirect_uri: redirect_uri.into(), scopes: "".into() }
    }

    /// Sets the scopes to request, separated by spaces.
    #[must_use]
    pub fn with_scopes(mut self, scopes: &str) -> Self {
        self.scopes = scopes.into();
        self
    }

    /// Begins the sign-in of an account. `entropy` is `None` if the operating system returns no random bytes.
    ///
    /// # Errors
    ///
    /// [`WebSignInError::Request`].
    pub fn begin(
        &self,
        client: &Client,
        account: &str,
        entropy: Option<Entropy>,
        now: Now,
    ) -> Result<Begun<'_, S>, WebSignInError> {
        let (page, pending) =
            rfc6749::authorize(client, &self.redirect_uri, &self.scopes, &[], entropy, now)?;
        let pending = pending.with_account(account);
        let (value, store) = match &self.place {
            Place::Store(store) => (pending.state().expose().to_owned(), Some(store)),
            #[cfg(feature = "sealed-cookie")]
            Place::Cookie(cookie) => (cookie.seal(client, &pending)?, None),
        };
        let response = web::redirect(&page, web::cookie(pending.state(), &value)?)?;
        Ok(Begun { response, to_store: store.map(|store| (store, Change::add(client, pending, now))) })
    }

    /// Finds the pending sign-in of a callback. The browser must be the one that began it.
    ///
    /// # Errors
    ///
    /// [`WebSignInError::Callback`], [`WebSignInError::OtherBrowser`] and [`WebSignInError::Cookie`].
    pub fn find(
        &self,
        client: &Client,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Found<'_, S>, WebSignInError> {
        let (state, value) = web::returned(query, headers)?;
        match &self.place {
            Place::Store(store) if Secret::from(value) == state => {
                Ok(Found::InStore(store, Box::new(Change::take(client, state))))
            }
            Place::Store(_) => Err(WebSignInError::OtherBrowser),
            #[cfg(feature = "sealed-cookie")]
            Place::Cookie(cookie) => cookie.open(client, &state, value).map(Found::InCookie),
        }
    }
}

impl<S> fmt::Debug for SignIns<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.place {
            Place::Store(_) => "store",
            #[cfg(feature = "sealed-cookie")]
            Place::Cookie(_) => "cookie",
        };
        f.debug_struct("SignIns")
            .field("place", &place)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}
