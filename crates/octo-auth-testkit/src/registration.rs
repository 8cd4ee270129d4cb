//! Registrations at the providers, alike in everything but the profile.

use std::fmt::Display;

use octo_auth_core::profile::ClientAuthentication;
use octo_auth_core::{Client, Entropy, Profile};

/// The client id of every registration here.
pub const CLIENT_ID: &str = "client-1";

/// The client secret of every registration here.
pub const CLIENT_SECRET: &str = "client-secret-1";

/// A registration with this profile.
#[must_use]
pub fn with(profile: Profile) -> Client {
    sound(Client::new(profile, CLIENT_ID, CLIENT_SECRET))
}

/// A registration at Octorate.
#[must_use]
pub fn octorate() -> Client {
    with(Profile::octorate())
}

/// A registration at OctoTable.
#[must_use]
pub fn octotable() -> Client {
    with(Profile::octotable())
}

/// A registration at OfficeRND.
#[must_use]
pub fn officernd() -> Client {
    with(Profile::officernd())
}

/// A registration at a standard server that takes client id and secret in the body.
#[must_use]
pub fn standard() -> Client {
    with(standard_profile(ClientAuthentication::Body))
}

/// A standard server with every endpoint, at `server.example.com` as in the examples of RFC 6749, 7009 and 7662.
#[must_use]
pub fn standard_profile(authentication: ClientAuthentication) -> Profile {
    sound(
        Profile::rfc6749("https://server.example.com/token")
            .and_then(|profile| profile.with_authorization_url("https://server.example.com/authorize"))
            .and_then(|profile| profile.with_revocation_url("https://server.example.com/revoke"))
            .and_then(|profile| profile.with_introspection_url("https://server.example.com/introspect"))
            .and_then(|profile| profile.with_client_authentication(authentication)),
    )
}

/// Bytes that stand for randomness: 0, 1, 2, …, 63.
#[must_use]
pub fn entropy() -> Entropy {
    let mut bytes = [0; 64];
    for (value, byte) in (0..).zip(&mut bytes) {
        *byte = value;
    }
    Entropy::from_bytes(bytes)
}

/// The value of a step whose parts are constants of this crate.
pub(crate) fn sound<T, E: Display>(step: Result<T, E>) -> T {
    step.unwrap_or_else(|error| panic!("a constant of the test kit is refused: {error}"))
}
