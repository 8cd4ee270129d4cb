//! Octorate: authorization of a property by its owner, ApiLogin, IP authentication, migration, onboarding.
//!
//! Written from Octorate's "Authentication Process" (S2) and its OpenAPI document (OAS). The API is below
//! `api.octorate.com/connect/rest/…`, the consent page at `admin.octorate.com/octobook/identity/oauth.xhtml`.
//!
//! # Decided here, because no document says it
//!
//! - The authorize page refuses every parameter except `client_id`, `redirect_uri` and `state`, and names the refused
//!   one. S2 and OAS list exactly these three.
//! - A refused consent is redirected as `error=access_denied` with the state; the provider's own parameters for it are
//!   not published.
//! - The documents name status 400 and 403 for failed token requests, without a body. Here wrong credentials are `403
//!   ApiSecurityException`. A used, expired or foreign code and a cancelled refresh token are `400 ApiParamsExemption`.
//!   An attempt with right credentials uses the code up, whatever else was wrong with it.
//! - A code lives 60 seconds, the shorter of the two documented lifetimes (S2; OAS says three minutes).
//! - `code_challenge` does not replace the client secret: the text of OAS says so, its schema contradicts it.
//! - Only `https` redirect URIs are accepted, and `GET /api/configuration` with a property token is forbidden (OAS).
//! - `authorizationPages` is a list of `{name, description, url}`; its exact form is not published.
//! - The duplicate check when a property is created compares the member `email`; the list of properties is
//!   `{"data":[…]}`.
//! - `415 Unsupported Media Type`, for a body of another type than the call accepts, has no body.
//! - `WrongEnviroment` (the provider's spelling) is one switch: it affects calls for properties, not those for tokens
//!   and the configuration. A PATCH of `environment` only changes the value that is returned.
//! - If the permission for properties is `READONLY`, creating one is refused with the plain text `Caller not in
//!   requested role`; reading still works.
//! - `550 ApiPartnerServerError` answers the next request below `/connect/rest/`, whatever it is.
//! - An address for IP authentication must have its canonical form: numbers without leading zeros, and a block without
//!   bits beyond its prefix. The address of the connection counts, an IPv4-mapped one as IPv4; headers are ignored.
//! - The quota counts calls of one application in five minutes; the documents only call it dynamic.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::http::Method;
use ipnet::Ipv4Net;

use crate::call::Call;
use crate::clock::{Clock, millis};
use crate::registration::RegisteredApp;
use crate::reply::{Reply, settle};
use crate::shared::Shared;

mod accommodation;
mod authorization;
mod configuration;
mod demo;
mod identity;
mod refusal;
mod state;

pub use demo::{
    DEMO_API_KEY, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_EMAIL, DEMO_NETWORK, DEMO_PROPERTY,
    DEMO_REDIRECT_URI, OTHER_PROPERTY,
};
pub use state::Expiry;

use state::State;

/// The error of a text that is not an address for IP authentication.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an IPv4 address nor an IPv4 CIDR block such as 203.0.113.0/24")]
pub struct AddressError(String);

/// The control handle of the emulated Octorate.
pub struct Octorate {
    state: Shared<State>,
}

impl Octorate {
    pub(crate) fn new(clock: Clock, seed: &[u8; 32]) -> Self {
        Self { state: Shared::new(State::new(clock, seed)) }
    }

    /// Registers an application with the default redirect URI and no property.
    #[must_use]
    pub fn register(&self, name: &str) -> RegisteredApp {
        self.state.lock().register(name)
    }

    /// Replaces the registered redirect URIs of an application.
    pub fn set_redirect_uris(&self, client_id: &str, uris: &[&str]) {
        let mut state = self.state.lock();
        if let Some(application) = state.applications.get_mut(client_id) {
            application.redirect_uris = uris.iter().map(|&uri| uri.to_owned()).collect();
        }
    }

    /// Adds a property that an application may be granted, and returns its id. The e-mail address is derived from the
    /// id.
    #[must_use]
    pub fn add_property(&self, client_id: &str, name: &str) -> String {
        let mut state = self.state.lock();
        let id = state.new_property_id();
        let email = format!("owner@{id}.example");
        state.add_property(client_id, &id, name, &email);
        id
    }

    /// Makes the owner of another property the person at the consent page. The default is [`DEMO_PROPERTY`].
    pub fn seat_owner_of(&self, property: &str) {
        self.state.lock().visitor = property.to_owned();
    }

    /// Whitelists an IPv4 address or CIDR block for IP authentication (S2 case 3).
    ///
    /// # Errors
    ///
    /// Returns an [`AddressError`] for anything else: IPv6, `010.0.0.1`, and `10.0.0.5/8`, which has bits beyond its
    /// prefix.
    pub fn allow_address(&self, client_id: &str, address: &str) -> Result<(), AddressError> {
        let single = address.parse::<Ipv4Addr>().map(Ipv4Net::from).ok();
        // `ipnet` accepts leading zeros, which other programs read as octal, and bits beyond the prefix.
        let block = || address.parse().ok().filter(|block: &Ipv4Net| block.trunc().to_string() == address);
        let block = single.or_else(block).ok_or_else(|| AddressError(address.to_owned()))?;
        if let Some(application) = self.state.lock().applications.get_mut(client_id) {
            application.addresses.push(block);
        }
        Ok(())
    }

    /// Expires every live access token now: API calls answer `403 ApiLoginExpired`.
    pub fn expire_access_tokens(&self) {
        let mut state = self.state.lock();
        let now = state.clock.now();
        for access in state.access.values_mut() {
            access.expires_at = access.expires_at.min(now);
        }
    }

    /// Revokes an access token: API calls with it answer `401 ApiKeyInvalid`.
    pub fn revoke_access_token(&self, token: &str) {
        self.state.lock().access.remove(token);
    }

    /// Cancels a refresh token, as happens after a breach or when a customer reconnects (S2).
    pub fn revoke_refresh_token(&self, token: &str) {
        for grant in self.state.lock().grants.values_mut() {
            grant.refresh_token.take_if(|known| known == token);
        }
    }

    /// Removes an application with all its tokens, codes and properties.
    pub fn revoke_application(&self, client_id: &str) {
        self.state.lock().remove(client_id);
    }

    /// Sets the lifetime of property tokens issued from now on. The default is 24 hours.
    pub fn set_access_lifetime(&self, lifetime: Duration) {
        self.state.lock().access_lifetime = millis(lifetime);
    }

    /// Sets the lifetime of ApiLogin tokens issued from now on. The default is 365 days.
    pub fn set_api_login_lifetime(&self, lifetime: Duration) {
        self.state.lock().api_login_lifetime = millis(lifetime);
    }

    /// Sets whether a refresh returns a new refresh token and cancels the old one. The default is no.
    pub fn rotate_refresh_tokens(&self, rotate: bool) {
        self.state.lock().rotates = rotate;
    }

    /// Sets which expiry members token answers contain.
    pub fn set_expiry(&self, expiry: Expiry) {
        self.state.lock().expiry = expiry;
    }

    /// Sets the count of API calls that an application may make in five minutes. The default is 10,000. The next call
    /// answers `403 ApiQuotaException`.
    pub fn set_quota(&self, calls: usize) {
        self.state.lock().quota = calls;
    }

    /// Sets whether an application of one environment (sandbox or production) calls the other. Calls for properties
    /// then answer `403 WrongEnviroment`, the provider's spelling.
    pub fn set_environment_mismatch(&self, mismatch: bool) {
        self.state.lock().environment_mismatch = mismatch;
    }

    /// Sets whether an application may only read properties (`permissions.accommodation` is `READONLY`). Creating one
    /// then answers 403 with the plain text `Caller not in requested role`.
    pub fn set_read_only(&self, client_id: &str, read_only: bool) {
        if let Some(application) = self.state.lock().applications.get_mut(client_id) {
            application.read_only = read_only;
        }
    }

    /// Makes the next request to the API or a token endpoint answer `550 ApiPartnerServerError`.
    pub fn answer_next_with_partner_error(&self) {
        self.state.lock().partner_error_is_next = true;
    }

    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let state = &mut *self.state.lock();
        if call.host == "admin.octorate.com" {
            return match call.path.as_str() {
                "/octobook/identity/oauth.xhtml" => settle(authorization::answer(state, call)),
                _ => Reply::empty(404),
            };
        }
        let Some(path) = call.path.strip_prefix("/connect/rest/") else { return Reply::empty(404) };
        if std::mem::take(&mut state.partner_error_is_next) {
            return refusal::partner_error();
        }
        settle(match (path, &call.method) {
            ("v1/identity/token", &Method::POST) => identity::token(state, call),
            ("v1/identity/refresh", &Method::POST) => identity::refresh(state, call),
            ("v1/identity/apilogin", &Method::POST) => identity::api_login(state, call),
            ("v1/identity/migrate", &Method::POST) => identity::migrate(state, call),
            ("v1/api/configuration", &Method::GET) => configuration::read(state, call),
            ("v1/api/configuration", &Method::PATCH) => configuration::write(state, call),
            ("v1/accommodation", &Method::GET) => accommodation::list(state, call),
            ("v2/accommodation", &Method::POST) => accommodation::create(state, call),
            (path, method) => match path.strip_prefix("v1/reservation/") {
                Some(property) if method == Method::GET => accommodation::reservations(state, call, property),
                Some(_) => Ok(Reply::empty(405)),
                None if PATHS.contains(&path) => Ok(Reply::empty(405)),
                None => Ok(Reply::empty(404)),
            },
        })
    }
}

/// The paths that exist for at least one method; other methods are answered with 405 (glossary of OAS).
const PATHS: [&str; 7] = [
    "v1/identity/token",
    "v1/identity/refresh",
    "v1/identity/apilogin",
    "v1/identity/migrate",
    "v1/api/configuration",
    "v1/accommodation",
    "v2/accommodation",
];
