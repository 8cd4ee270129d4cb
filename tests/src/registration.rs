//! Registrations at the providers, and the tokens they hold.

use octo_auth_core::profile::ClientAuthentication;
use octo_auth_core::{
    AccessToken, AdminToken, Client, Entropy, Exchange, NewClient, Position, Profile, Reply, Secret, TokenSet,
};

use crate::{log, moment, reply};

/// The client id of every registration here.
pub const CLIENT_ID: &str = "client-1";

/// The client secret of every registration here.
pub const CLIENT_SECRET: &str = "client-secret-1";

/// A registration with this profile.
#[must_use]
pub fn with(profile: Profile) -> Client {
    log::keep();
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

/// A standard server with every endpoint, at `server.example.com` as in the examples of the RFCs.
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

/// What an exchange makes of a JSON answer with status 200.
#[must_use]
pub fn answered<T: Reply>(exchange: Exchange<T>, body: &str) -> T {
    let now = moment::start();
    sound(exchange.finish(&reply::json(200, body), now, now)).value
}

/// A token for administration at a provider.
#[must_use]
pub fn admin_token(profile: &Profile, token: &str) -> AdminToken {
    AdminToken::restore(profile, sound_token(token), moment::start().wall, None)
}

/// An ordinary token of a provider.
#[must_use]
pub fn property_token(profile: &Profile, token: &str) -> TokenSet {
    TokenSet::restore(profile, sound_token(token), moment::start().wall, None, None)
}

fn sound_token(token: &str) -> AccessToken {
    sound(AccessToken::new(token).ok_or("the token cannot stand in a header"))
}

/// The client of the example in OctoTable's "How to create clients".
#[must_use]
pub fn documented_client() -> NewClient {
    NewClient {
        redirect_uri: "http://localhost:8183/main-page".to_owned(),
        name: "Your Company SPA".to_owned(),
        username: "yourcompany100@demo.com".to_owned(),
        password: Secret::from("yourCompany123!"),
        email: "yourcompany1@demo.com".to_owned(),
        description: Some("A financial institution specializing in global banking".to_owned()),
        website: Some("www.yourcmpany.com".to_owned()),
        phone: Some("+1234567890".to_owned()),
        position: Some(Position {
            latitude: 45.4442,
            longitude: 9.99,
            country: "IT".to_owned(),
            address: "Piazza, 33".to_owned(),
            city: "Milan".to_owned(),
            zip: "20154".to_owned(),
        }),
    }
}

/// The value of a step that the tests build on.
///
/// # Panics
///
/// If the step failed.
pub fn sound<T, E: std::fmt::Display>(step: Result<T, E>) -> T {
    step.unwrap_or_else(|error| panic!("a step the tests build on failed: {error}"))
}
