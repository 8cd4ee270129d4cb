//! Client registrations at the providers, which differ only in the profile.

use std::fmt::Display;
use std::sync::LazyLock;

use octo_auth_core::profile::{ClientAuthentication, Replay};
use octo_auth_core::{
    AccessToken, AdminToken, Client, Entropy, Exchange, NewClient, Position, Profile, Reply, Secret, TokenSet,
};

use crate::{moment, response};

/// The client ID of every registration in this module.
pub const CLIENT_ID: &str = "client-1";

/// The client secret of every registration in this module.
pub const CLIENT_SECRET: &str = "client-secret-1";

/// Returns a registration with this profile.
#[must_use]
pub fn with(profile: Profile) -> Client {
    sound(Client::new(profile, CLIENT_ID, CLIENT_SECRET))
}

/// Returns a registration at Octorate.
#[must_use]
pub fn octorate() -> Client {
    with(Profile::octorate())
}

/// Returns a registration at OctoTable.
#[must_use]
pub fn octotable() -> Client {
    with(Profile::octotable())
}

/// Returns a registration at OfficeRND.
#[must_use]
pub fn officernd() -> Client {
    with(Profile::officernd())
}

/// Returns a registration at a standard server that takes the client ID and secret in the body.
#[must_use]
pub fn standard() -> Client {
    // Cached: a simulated process asks for it at each restart, and checking a profile takes longer than simulating an
    // hour.
    static CLIENT: LazyLock<Client> = LazyLock::new(|| with(standard_profile(ClientAuthentication::Body)));
    CLIENT.clone()
}

/// Returns the profile of a standard server with every endpoint, at `server.example.com` as in the examples of RFC
/// 6749, 7009 and 7662.
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

/// Returns a registration at a standard server that accepts no refresh token twice.
#[must_use]
pub fn never_replayed() -> Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| replaying(Replay::Never));
    CLIENT.clone()
}

/// Returns a registration at a standard server that accepts a refresh token any number of times.
#[must_use]
pub fn always_replayed() -> Client {
    replaying(Replay::Always)
}

fn replaying(replay: Replay) -> Client {
    let profile = standard().profile().clone().edit(|document| {
        document.refresh.iter_mut().for_each(|refresh| refresh.replay = replay);
    });
    with(sound(profile))
}

/// Returns fixed bytes in place of randomness: 0, 1, 2, …, 63.
#[must_use]
pub fn entropy() -> Entropy {
    let mut bytes = [0; 64];
    for (value, byte) in (0..).zip(&mut bytes) {
        *byte = value;
    }
    Entropy::from_bytes(bytes)
}

/// Returns the client of the example in OctoTable's document "How to create clients".
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

/// Returns the result that an exchange reads from a JSON response with status 200, at the [start](moment::start).
///
/// # Panics
///
/// If the result is an error.
#[must_use]
pub fn answered<T: Reply>(exchange: Exchange<T>, body: &str) -> T {
    sound(response::read(exchange, &response::json(200, body))).value
}

/// Returns an administration token of a provider, without a lifetime.
///
/// # Panics
///
/// If the token cannot be in a header.
#[must_use]
pub fn admin_token(profile: &Profile, token: &str) -> AdminToken {
    AdminToken::restore(profile, sound_token(token), moment::start().wall, None)
}

/// Returns an ordinary token of a provider, without a lifetime.
///
/// # Panics
///
/// If the token cannot be in a header.
#[must_use]
pub fn property_token(profile: &Profile, token: &str) -> TokenSet {
    TokenSet::restore(profile, sound_token(token), moment::start().wall, None, None)
}

fn sound_token(token: &str) -> AccessToken {
    sound(AccessToken::new(token).ok_or("the token cannot be in a header"))
}

/// Returns the value of a step that a test relies on.
///
/// # Panics
///
/// If the step failed. The message contains the error.
pub fn sound<T, E: Display>(step: Result<T, E>) -> T {
    step.unwrap_or_else(|error| panic!("a step that the test builds on failed: {error}"))
}
