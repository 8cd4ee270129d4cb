//! A standard server at `auth.example`: RFC 6749 with PKCE, issuer identification, revocation and introspection.
//!
//! `/authorize` (RFC 6749 section 4.1.1, RFC 7636 with S256 only, `iss` of RFC 9207), `/token` (client credentials,
//! authorization code, refresh), `/revoke` (RFC 7009), `/introspect` (RFC 7662), `/resource` (RFC 6750). Clients
//! authenticate with HTTP Basic, form-decoded after base64 (RFC 6749 section 2.3.1), or in the body, never both.
//! Unknown parameters (`audience`, `resource`, a vendor's own) have no effect; the log shows them.
//!
//! # Choices the RFCs leave to a server
//!
//! - A public client must send a `code_challenge`; a confidential one may.
//! - Each refresh returns a new refresh token and ends the old one. Using the old one again ends every token of its
//!   consent (RFC 9700 section 4.14.2). [`Rotation`] changes this.
//! - Redeeming a code twice ends the tokens of the first redemption (RFC 6749 section 4.1.2), and so does revoking
//!   their refresh token (RFC 7009 section 2.1).
//! - The demo clients also have [`ANY_LOOPBACK`](crate::ANY_LOOPBACK) among their redirect URIs, so that a program on
//!   this machine can receive the code (RFC 8252 section 7.3). A list that replaces the default does not contain it
//!   automatically.
//! - Codes live 60 seconds, access tokens 3600 seconds.

use std::time::Duration;

use axum::http::Method;

use crate::call::Call;
use crate::clock::{Clock, millis};
use crate::registration::RegisteredApp;
use crate::reply::{Reply, settle};
use crate::shared::Shared;

mod access;
mod authorization;
mod client;
mod demo;
mod family;
mod inspection;
mod refusal;
mod scopes;
mod state;
mod token;

pub use demo::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_REDIRECT_URI, PUBLIC_CLIENT_ID};
pub use family::GrantError;
pub use scopes::SCOPES;
pub use state::{AnnouncedLifetime, Rotation};

use state::State;

/// The control handle of the generic server.
pub struct Generic {
    state: Shared<State>,
}

impl Generic {
    pub(crate) fn new(clock: Clock, seed: &[u8; 32]) -> Self {
        Self { state: Shared::new(State::new(clock, seed)) }
    }

    /// Registers a confidential client with [`DEMO_REDIRECT_URI`].
    #[must_use]
    pub fn register(&self, name: &str) -> RegisteredApp {
        self.state.lock().register(name, true)
    }

    /// Registers a public client with [`DEMO_REDIRECT_URI`]; its secret is empty.
    #[must_use]
    pub fn register_public(&self, name: &str) -> RegisteredApp {
        self.state.lock().register(name, false)
    }

    /// Replaces the registered redirect URIs of a client.
    pub fn set_redirect_uris(&self, client_id: &str, uris: &[&str]) {
        if let Some(client) = self.state.lock().clients.get_mut(client_id) {
            client.redirect_uris = uris.iter().map(|&uri| uri.to_owned()).collect();
        }
    }

    /// Revokes an access or refresh token, as the endpoint of RFC 7009 does.
    pub fn revoke_token(&self, token: &str) {
        self.state.lock().revoke(token);
    }

    /// Revokes every access token; refresh tokens stay.
    pub fn revoke_all_access_tokens(&self) {
        self.state.lock().access.clear();
    }

    /// Removes a client and its tokens.
    pub fn revoke_client(&self, client_id: &str) {
        self.state.lock().remove(client_id);
    }

    /// Sets the lifetime of access tokens issued from now on. The default is 3600 seconds.
    pub fn set_access_lifetime(&self, lifetime: Duration) {
        self.state.lock().access_lifetime = millis(lifetime);
    }

    /// Sets the lifetime that token answers announce from now on. The default is the actual one. The lifetime itself
    /// stays.
    pub fn announce_lifetime(&self, announced: AnnouncedLifetime) {
        self.state.lock().announced_lifetime = announced;
    }

    /// Sets whether a request gets the same access token again while it is valid, with its remaining lifetime. The
    /// default is no.
    ///
    /// The same token is one that was issued to the same client for the same scopes: under the same consent, or to the
    /// client itself.
    pub fn repeat_access_tokens(&self, repeat: bool) {
        self.state.lock().repeats = repeat;
    }

    /// Sets what a refresh does to the refresh token. The default is [`Rotation::Strict`].
    ///
    /// A refresh token that was already replaced stays replaced, even under [`Rotation::None`].
    pub fn set_rotation(&self, rotation: Rotation) {
        self.state.lock().rotation = rotation;
    }

    /// Issues a refresh token as if a person had granted these scopes to the client. Without scopes it has the first of
    /// [`SCOPES`].
    ///
    /// # Errors
    ///
    /// Returns a [`GrantError`] if no client has the `client_id`, or a scope is not one of [`SCOPES`].
    pub fn grant_refresh_token(&self, client_id: &str, scopes: &[&str]) -> Result<String, GrantError> {
        family::begin(&mut self.state.lock(), client_id, scopes)
    }

    /// Returns whether an access or refresh token would be accepted now.
    #[must_use]
    pub fn is_live(&self, token: &str) -> bool {
        self.state.lock().live(token).is_some()
    }

    /// Returns the count of token families, each of one consent, that ended because a replaced refresh token was used
    /// again (RFC 9700 section 4.14.2).
    #[must_use]
    pub fn families_revoked(&self) -> u64 {
        self.state.lock().families_revoked
    }

    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let state = &mut *self.state.lock();
        match (call.path.as_str(), &call.method) {
            ("/authorize", _) => settle(authorization::answer(state, call)),
            ("/token", &Method::POST) => unstored(settle(token::answer(state, call))),
            ("/revoke", &Method::POST) => unstored(settle(inspection::revoke(state, call))),
            ("/introspect", &Method::POST) => unstored(settle(inspection::introspect(state, call))),
            ("/resource", &Method::GET) => settle(inspection::resource(state, call)),
            ("/token" | "/revoke" | "/introspect", _) => {
                Reply::text(405, "POST only").header("allow", "POST")
            }
            ("/resource", _) => Reply::text(405, "GET only").header("allow", "GET"),
            _ => Reply::text(404, "Not Found"),
        }
    }
}

/// Answers with tokens must not be cached (RFC 6749 section 5.1).
fn unstored(reply: Reply) -> Reply {
    reply.header("cache-control", "no-store").header("pragma", "no-cache")
}
