//! Registrations at the providers, and the tokens they hold.

use octo_auth_core::profile::Replay;
use octo_auth_core::{
    AccessToken, AdminToken, Client, Exchange, NewClient, Position, Profile, Reply, Secret, TokenSet,
};
pub use octo_auth_testkit::registration::{
    CLIENT_ID, CLIENT_SECRET, entropy, octorate, octotable, officernd, standard, standard_profile, with,
};

use crate::{moment, reply};

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

/// A client of a standard server that takes no refresh token twice.
#[must_use]
pub fn never_replayed() -> Client {
    let profile = standard().profile().clone().edit(|document| {
        document.refresh.iter_mut().for_each(|refresh| refresh.replay = Replay::Never);
    });
    sound(Client::new(sound(profile), CLIENT_ID, CLIENT_SECRET))
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
