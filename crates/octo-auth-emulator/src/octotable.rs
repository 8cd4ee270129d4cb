//! OctoTable: client credentials with a special answer, creation of clients, resources that need two headers.
//!
//! Written from "Create Token" (S0, S1), "How to create clients" (S4) and measurements of third parties (NOV).
//!
//! # Decided here, because no document says it
//!
//! - Errors of the token endpoint use the documented envelope of the API. The codes and class names are invented in the
//!   style of the one documented sample.
//! - `415 Unsupported Media Type` for a JSON token request (measured) comes with plain text.
//! - The token path of the older service, `octotable-pms`, is 404 on the newer host, and that of `octotable-auth` is
//!   404 on the older one. The documents name each only on its own host.
//! - The 1440 of `expires_in` is interpreted as seconds. The lifetime and the number can be set separately.
//! - A second client with the same user name is refused with 409, a status the documents list.
//! - The documented sample answers with another redirect URI than was sent; here it is the one that was sent.
//! - `properties` and `services` are the protected resources. A missing `Property` header is 400; one with another
//!   client's property is 403.

use std::time::Duration;

use axum::http::Method;

use crate::call::Call;
use crate::clock::{Clock, millis};
use crate::registration::RegisteredApp;
use crate::reply::{Reply, ReplyResult, settle};
use crate::shared::Shared;

mod clients;
mod demo;
mod refusal;
mod resources;
mod state;
mod token;

pub use demo::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_PROPERTY};

use refusal::not_found;
use state::State;

/// The control handle of the emulated OctoTable.
pub struct OctoTable {
    state: Shared<State>,
}

impl OctoTable {
    pub(crate) fn new(clock: Clock, seed: &[u8; 32]) -> Self {
        Self { state: Shared::new(State::new(clock, seed)) }
    }

    /// Registers a client with one sandbox property, like the API for creating clients.
    #[must_use]
    pub fn register(&self, name: &str) -> RegisteredApp {
        self.state.lock().register(name)
    }

    /// Returns the ids of a client's properties.
    #[must_use]
    pub fn properties(&self, client_id: &str) -> Vec<u64> {
        let state = self.state.lock();
        state
            .clients
            .get(client_id)
            .map(|client| client.properties.iter().map(|p| p.id).collect())
            .unwrap_or_default()
    }

    /// Revokes an access token: resources answer 401.
    pub fn revoke_access_token(&self, token: &str) {
        self.state.lock().access.remove(token);
    }

    /// Revokes every access token, as a restart of the provider might.
    pub fn revoke_all_access_tokens(&self) {
        self.state.lock().access.clear();
    }

    /// Removes a client and its tokens.
    pub fn revoke_client(&self, client_id: &str) {
        let mut state = self.state.lock();
        state.clients.remove(client_id);
        state.access.retain(|_, access| access.client_id != client_id);
    }

    /// Sets the real lifetime of access tokens issued from now on. The default is 1440 seconds.
    pub fn set_access_lifetime(&self, lifetime: Duration) {
        self.state.lock().access_lifetime = millis(lifetime);
    }

    /// Sets the number sent as `expires_in`, whatever its unit. The default is 1440.
    pub fn set_expires_in(&self, number: u64) {
        self.state.lock().expires_in = number;
    }

    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let state = &mut *self.state.lock();
        settle(answer(state, call))
    }
}

/// The newer host serves the token under `octotable-auth`, the older one under `octotable-pms` (S0).
fn answer(state: &mut State, call: &Call) -> ReplyResult {
    let parts = call.path.strip_prefix('/').and_then(|path| path.split_once("/api/v2/"));
    let (service, path) = parts.ok_or_else(not_found)?;
    let tokens_at = if call.host == "api.octotable.com" { "octotable-auth" } else { "octotable-pms" };
    match (&call.method, service, path) {
        (&Method::POST, _, "oauth2/token") if service == tokens_at => token::answer(state, call),
        (&Method::POST, "octotable-auth" | "octotable-pms", "api-account/oauth2/client") => {
            clients::create(state, call)
        }
        (&Method::GET, "octotable-pms", "properties") => resources::properties(state, call),
        (&Method::GET, "octotable-pms", "services") => resources::services(state, call),
        _ => Err(not_found()),
    }
}
