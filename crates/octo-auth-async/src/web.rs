//! Sign-ins of the users of a web application: one method for each of its two URLs.
//!
//! Requests and responses have the types of the crate `http`, which axum, hyper and tower use too.
//! [`octo_auth_core::provider::web`] describes the rules.

use std::sync::Arc;

use http::{HeaderMap, Response};
use octo_auth_core::provider::rfc6749;
use octo_auth_core::provider::web::{self, Change};
use octo_auth_core::{PendingAuthorization, Saved, StoreError};
use octo_auth_driver::web::{Found, SignIns};
use octo_auth_system::entropy;

pub use octo_auth_core::provider::web::{SignedIn, WebSignInError};
#[cfg(feature = "sealed-cookie")]
pub use octo_auth_driver::web::{CookieKey, CookieKeys, SecretError, SecretSource};

use crate::Store;
use crate::manager::TokenManager;

/// Signs in the users of a web application, for any number of accounts of one `TokenManager`. It is cheap to
/// clone.
///
/// The application must check that the user may sign in this account before it calls [`WebSignIn::begin`].
#[derive(Debug, Clone)]
pub struct WebSignIn {
    manager: TokenManager,
    sign_ins: SignIns<Arc<dyn Store>>,
}

impl WebSignIn {
    /// Keeps pending sign-ins in a store, so that the callback may reach another replica. If a callback comes more
    /// than once, only one exchanges the code. The store may be that of the `TokenManager`. `redirect_uri` is the
    /// URI of the callbacks.
    #[must_use]
    pub fn new(manager: &TokenManager, store: impl Store + 'static, redirect_uri: &str) -> Self {
        Self { manager: manager.clone(), sign_ins: SignIns::in_store(Arc::new(store), redirect_uri) }
    }

    /// Keeps each pending sign-in in a cookie of the user's browser, sealed with these keys. It needs no store.
    ///
    /// All replicas must have the same keys. To change the key, first give all replicas the new key for opening
    /// only ([`CookieKeys::and_read`]), then make it the sealing key. The old key still opens, and can be removed
    /// an hour later.
    ///
    /// A process refuses a callback that it has already seen. Another replica does not know about it, and sends
    /// the code again. The provider then refuses the code, and may revoke the tokens that it issued for it (RFC
    /// 6749 section 4.1.2). If that matters, use a store. A cookie has 500 to 1000 bytes. It is removed with the
    /// end of the sign-in, or after an hour.
    #[cfg(feature = "sealed-cookie")]
    #[must_use]
    pub fn sealed(manager: &TokenManager, keys: CookieKeys, redirect_uri: &str) -> Self {
        Self { manager: manager.clone(), sign_ins: SignIns::in_cookie(keys, redirect_uri) }
    }

    /// Sets the scopes to request, separated by spaces.
    #[must_use]
    pub fn with_scopes(self, scopes: &str) -> Self {
        Self { sign_ins: self.sign_ins.with_scopes(scopes), ..self }
    }

    /// Begins the sign-in of an account. Returns a redirect to the provider's page, with the cookie of the
    /// sign-in.
    ///
    /// # Errors
    ///
    /// A [`WebSignInError`] if the provider has no such page, or if the store fails.
    pub async fn begin(&self, account: &str) -> Result<Response<String>, WebSignInError> {
        let (client, now) = (self.manager.client(), self.manager.now());
        let begun = self.sign_ins.begin(&client, account, entropy().ok(), now)?;
        if let Some((store, change)) = begun.to_store {
            changed(&**store, change).await?;
        }
        Ok(begun.response)
    }

    /// Ends a sign-in. `query` and `headers` are those of the request for the redirect URI.
    /// Call it for the method GET only: a HEAD request would spend the code too.
    ///
    /// # Errors
    ///
    /// A [`WebSignInError`]. Its [`WebSignInError::page`] is a plain page for an application that has none of its
    /// own.
    pub async fn finish(&self, query: &str, headers: &HeaderMap) -> Result<SignedIn, WebSignInError> {
        let pending = match self.sign_ins.find(&self.manager.client(), query, headers)? {
            Found::InStore(store, change) => changed(&**store, *change).await?,
            Found::InCookie(pending) => pending,
        };
        let (code, signed_in) = web::receive(pending, query, self.manager.now())?;
        let tokens = self.manager.tokens(rfc6749::account(&signed_in.account))?;
        tokens.drive(rfc6749::sign_in(&tokens.client(), code, self.manager.now())).await?;
        Ok(signed_in)
    }
}

/// Makes a change in a store. Returns the pending sign-in that the change removed.
async fn changed(store: &dyn Store, mut change: Change) -> Result<Option<PendingAuthorization>, StoreError> {
    let mut stored = store.load(change.name()).await?;
    while let Some((version, content)) = change.write(stored.as_ref())? {
        match store.compare_and_swap(change.name(), version, &content).await? {
            Saved::Done(_) => break,
            Saved::Conflict(other) => stored = other,
        }
    }
    Ok(change.taken())
}
