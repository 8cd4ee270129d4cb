//! A standard server at `auth.example`: RFC 6749 with PKCE, issuer identification, revocation and introspection.
//!
//! `/authorize` (RFC 6749 section 4.1.1, RFC 7636 with S256 only, `iss` of RFC 9207), `/token` (client credentials,
//! authorization code, refresh), `/revoke` (RFC 7009), `/introspect` (RFC 7662), `/resource` (RFC 6750). Clients
//! authenticate with HTTP Basic, form-decoded after base64 (RFC 6749 section 2.3.1), or in the body, never both.
//! Unknown parameters (`audience`, `resource`, a vendor's own) change nothing; the log shows them.
//!
//! # Choices the RFCs leave to a server
//!
//! - A public client must send a `code_challenge`; a confidential one may.
//! - Each refresh answers with a new refresh token and ends the old one, unless switched off.
//! - Redeeming a code twice ends the tokens of the first redemption (RFC 6749 section 4.1.2), and so does revoking
//!   their refresh token (RFC 7009 section 2.1).
//! - The demo clients also have [`ANY_LOOPBACK`](crate::ANY_LOOPBACK) among their redirect URIs, so that a program on
//!   this machine can receive the code (RFC 8252 section 7.3); a list that replaces it has no such entry of itself.
//! - Codes live 60 seconds, access tokens 3600 seconds.

use std::time::Duration;

use axum::http::Method;

use crate::call::Call;
use crate::clock::{Clock, millis};
use crate::registration::Registration;
use crate::reply::{Reply, settle};
use crate::shared::Shared;

mod authorization;
mod client;
mod inspection;
mod refusal;
mod state;
mod token;

use state::State;

/// The client id of the confidential demo client.
pub const DEMO_CLIENT_ID: &str = "demo-client";
/// The secret of the confidential demo client; its signs show whether a client form-encodes before base64.
pub const DEMO_CLIENT_SECRET: &str = "demo+secret:100% & more";
/// The client id of the public demo client, which has no secret and must use PKCE.
pub const PUBLIC_CLIENT_ID: &str = "public-demo-client";
/// The redirect URI of both demo clients, besides any on loopback.
pub const DEMO_REDIRECT_URI: &str = "https://client.example/callback";
/// The scopes a client may ask for; the first is given when none is asked for.
pub const SCOPES: [&str; 3] = ["read", "write", "profile"];

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
    pub fn register(&self, name: &str) -> Registration {
        self.state.lock().register(name, true)
    }

    /// Registers a public client with [`DEMO_REDIRECT_URI`]; its secret is empty.
    #[must_use]
    pub fn register_public(&self, name: &str) -> Registration {
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

    /// Sets how long access tokens issued from now on live; 3600 seconds at first.
    pub fn set_access_lifetime(&self, lifetime: Duration) {
        self.state.lock().access_lifetime = millis(lifetime);
    }

    /// Chooses whether a refresh answers with a new refresh token and ends the old one; it does at first.
    pub fn rotate_refresh_tokens(&self, rotate: bool) {
        self.state.lock().rotates = rotate;
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

/// Answers with tokens in them are not to be stored (RFC 6749 section 5.1).
fn unstored(reply: Reply) -> Reply {
    reply.header("cache-control", "no-store").header("pragma", "no-cache")
}
