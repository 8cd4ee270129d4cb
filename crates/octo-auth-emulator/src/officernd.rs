//! OfficeRND: client credentials with scopes, five token requests a minute, and the flow of the vendor's samples.
//!
//! Written from "Generating a token" (S3, R-AUTH, R-TOK) and the vendor's two example applications (R-EX1, R-EX2).
//! Tokens come from `identity.officernd.com`. The API is at `app.officernd.com`, that of the Hybrid product at
//! `hybrid.officernd.com` (R-HYB, R-EX2), only in its first version.
//!
//! # Decided here, because no document says it
//!
//! - Errors of the token endpoint are `{"error", "error_description"}` as in RFC 6749 section 5.2. `invalid_client` has
//!   status 401, all others 400.
//! - The limit counts requests by `client_id` over the last 60 seconds; a request that was refused with 429 does not
//!   count. The message is plain text, without `Retry-After`.
//! - Client credentials without a scope are refused (one of two contradicting reports).
//! - A refresh returns a new refresh token, and the old one ends at once.
//! - Codes live 60 seconds and end with the first attempt of their own application.
//! - A code exchange or refresh may request a scope within the granted ones (R-EX2 does).
//! - The demo application also has [`ANY_LOOPBACK`](crate::ANY_LOOPBACK) among its redirect URIs, so that a program on
//!   this machine can receive the code (RFC 8252 section 7.3). A list that replaces the default does not contain it
//!   automatically.
//! - The region of an organisation is the host to which the request was sent.
//! - Both API versions accept both families of scopes. Members are answered as `{"results":[…]}` in v2 and as a plain
//!   list in v1.

use std::time::Duration;

use axum::http::Method;

use crate::call::Call;
use crate::clock::{Clock, millis};
use crate::registration::RegisteredApp;
use crate::reply::{Reply, settle};
use crate::shared::Shared;

mod authorization;
mod demo;
mod organization;
mod refusal;
mod state;
mod token;

pub use demo::{
    DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_INTEGRATION, DEMO_ORGANIZATION, DEMO_PERMISSIONS,
    DEMO_REDIRECT_URI,
};

use refusal::message;
use state::State;

/// The control handle of the emulated OfficeRND.
pub struct OfficeRnd {
    state: Shared<State>,
}

impl OfficeRnd {
    pub(crate) fn new(clock: Clock, seed: &[u8; 32]) -> Self {
        Self { state: Shared::new(State::new(clock, seed)) }
    }

    /// Registers an application of the demo organisation with its permissions (scopes) and [`DEMO_REDIRECT_URI`].
    #[must_use]
    pub fn register(&self, name: &str, permissions: &[&str]) -> RegisteredApp {
        self.state.lock().register(name, permissions)
    }

    /// Replaces the registered redirect URIs of an application. An empty list disables the authorization-code flow.
    pub fn set_redirect_uris(&self, client_id: &str, uris: &[&str]) {
        if let Some(application) = self.state.lock().applications.get_mut(client_id) {
            application.redirect_uris = uris.iter().map(|&uri| uri.to_owned()).collect();
        }
    }

    /// Revokes an access token: the API answers 401.
    pub fn revoke_access_token(&self, token: &str) {
        self.state.lock().access.remove(token);
    }

    /// Revokes every access token.
    pub fn revoke_all_access_tokens(&self) {
        self.state.lock().access.clear();
    }

    /// Revokes a refresh token.
    pub fn revoke_refresh_token(&self, token: &str) {
        self.state.lock().refresh.remove(token);
    }

    /// Deletes an application, which revokes all its tokens (R-HELP).
    pub fn revoke_application(&self, client_id: &str) {
        self.state.lock().remove(client_id);
    }

    /// Sets the lifetime of access tokens issued from now on. The default is 3599 seconds.
    pub fn set_access_lifetime(&self, lifetime: Duration) {
        self.state.lock().access_lifetime = millis(lifetime);
    }

    /// Sets the count of token requests that a client may make in 60 seconds. The default is 5 (R-TOK).
    pub fn set_requests_per_minute(&self, requests: usize) {
        self.state.lock().requests_per_minute = requests;
    }

    /// Returns the count of token requests of a client in the last 60 seconds.
    #[must_use]
    pub fn requests_in_window(&self, client_id: &str) -> usize {
        self.state.lock().requests_in_window(client_id)
    }

    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let state = &mut *self.state.lock();
        settle(match (call.host.as_str(), &call.method, call.path.as_str()) {
            ("identity.officernd.com", &Method::POST, "/oauth/token") => token::answer(state, call),
            ("identity.officernd.com", _, "/oauth/authorize") => authorization::answer(state, call),
            ("app.officernd.com", &Method::GET, path) => organization::answer(state, call, path),
            ("hybrid.officernd.com", &Method::GET, path) if path.starts_with("/api/v1/") => {
                organization::answer(state, call, path)
            }
            _ => Err(message(404, "Not Found")),
        })
    }
}
