//! Sign-ins of a web application's users: two methods, one for each of its addresses.
//!
//! Requests and responses are those of the crate `http`, which most frameworks can be made from. The rules are those of
//! [`octo_auth_core::provider::web`].

use std::sync::Arc;

use http::{HeaderMap, Response};
use octo_auth_core::provider::rfc6749;
use octo_auth_core::provider::web::{self, Change};
use octo_auth_core::{PendingAuthorization, Saved, Store, StoreError};
use octo_auth_driver::web::{Found, SignIns};
use octo_auth_system::entropy;

pub use octo_auth_core::provider::web::{SignedIn, WebSignInError};
#[cfg(feature = "sealed-cookie")]
pub use octo_auth_driver::web::{CookieKey, CookieKeys, SecretError, SecretSource};

use crate::manager::TokenManager;

/// Signs the users of a web application in, for any number of accounts of one registration. It is cheap to clone.
///
/// The application decides who may sign which account in; that is asked before [`WebSignIn::begin`].
#[derive(Debug, Clone)]
pub struct WebSignIn {
    manager: TokenManager,
    sign_ins: SignIns<Arc<dyn Store>>,
}

impl WebSignIn {
    /// Sign-ins with these accounts, whose callbacks come to this redirect URI.
    ///
    /// They wait in a store, so that the callback may come to another replica: of several callbacks, one exchanges the
    /// code. The store may be that of the accounts.
    #[must_use]
    pub fn new(manager: &TokenManager, store: impl Store + 'static, redirect_uri: &str) -> Self {
        Self { manager: manager.clone(), sign_ins: SignIns::in_store(Arc::new(store), redirect_uri) }
    }

    /// Sign-ins that need no store: each waits in a cookie of its browser, sealed with these keys.
    ///
    /// All replicas have the same keys. To change the key, give the replicas the new one as one that opens
    /// ([`CookieKeys::and_read`]), then as the one that seals; the old one still opens, and can go an hour later.
    ///
    /// A callback that comes again is refused by the process that has seen it. Another replica does not know of it, and
    /// sends the code again: the provider then refuses the code, and may revoke the tokens that it gave for it (RFC 6749
    /// section 4.1.2). If that matters, use a store. A cookie has 500 to 1000 bytes and goes with the sign-in or after an
    /// hour.
    #[cfg(feature = "sealed-cookie")]
    #[must_use]
    pub fn sealed(manager: &TokenManager, keys: CookieKeys, redirect_uri: &str) -> Self {
        Self { manager: manager.clone(), sign_ins: SignIns::in_cookie(keys, redirect_uri) }
    }

    /// Sets the scopes to ask for, separated by spaces.
    #[must_use]
    pub fn with_scopes(self, scopes: &str) -> Self {
        Self { sign_ins: self.sign_ins.with_scopes(scopes), ..self }
    }

    /// Begins a sign-in of an account: a redirect to the provider's page, with the cookie of the sign-in.
    ///
    /// # Errors
    ///
    /// A [`WebSignInError`] if the provider has no such page, or if the store fails.
    pub fn begin(&self, account: &str) -> Result<Response<String>, WebSignInError> {
        let (client, now) = (self.manager.client(), self.manager.now());
        let begun = self.sign_ins.begin(&client, account, entropy().ok(), now)?;
        if let Some((store, change)) = begun.to_store {
            changed(&**store, change)?;
        }
        Ok(begun.response)
    }

    /// Ends a sign-in with the query and the headers of the request for the redirect URI.
    ///
    /// # Errors
    ///
    /// A [`WebSignInError`], which has a plain page ([`WebSignInError::page`]) if the application has none of its own.
    pub fn finish(&self, query: &str, headers: &HeaderMap) -> Result<SignedIn, WebSignInError> {
        let pending = match self.sign_ins.find(&self.manager.client(), query, headers)? {
            Found::InStore(store, change) => changed(&**store, *change)?,
            Found::InCookie(pending) => pending,
        };
        let (code, signed_in) = web::receive(pending, query, self.manager.now())?;
        let tokens = self.manager.tokens(rfc6749::account(&signed_in.account))?;
        tokens.drive(rfc6749::sign_in(&tokens.client(), code, self.manager.now()))?;
        Ok(signed_in)
    }
}

/// Makes a change in a store; the sign-in that was taken out.
fn changed(store: &dyn Store, mut change: Change) -> Result<Option<PendingAuthorization>, StoreError> {
    let mut stored = store.load(change.name())?;
    while let Some((version, content)) = change.write(stored.as_ref())? {
        match store.compare_and_swap(change.name(), version, &content)? {
            Saved::Done(_) => break,
            Saved::Conflict(other) => stored = other,
        }
    }
    Ok(change.taken())
}
