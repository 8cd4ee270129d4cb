//! Shared parts of the fuzz targets: exchanges with marked secrets, and properties of every answer.
//!
//! Each target feeds arbitrary bytes to one entry point of the core. A panic, a token that is invalid in a header, or a
//! secret in a text for people is a finding; it becomes a row of the corpus.

mod store;

use std::error::Error;
use std::time::Duration;

pub use store::{Machine, Store};

use http::Response;
use octo_auth_core::{
    AdminToken, Answer, Client, Exchange, ExchangeError, Now, Profile, Purpose, Scopes, Secret, Timestamp,
    TokenSet,
};

/// The client secret of every client. The fuzzer learns parts of it from comparisons, so only the whole secret counts
/// as shown.
pub const CLIENT_SECRET: &str = "kQ7-canary-9fWz-client-secret";

/// The refresh token of every refresh.
pub const REFRESH_TOKEN: &str = "kQ7-canary-9fWz-refresh-token";

/// The access token of every API call.
pub const ACCESS_TOKEN: &str = "kQ7-canary-9fWz-access-token";

/// The time of every exchange, 2026-01-01T00:00:00Z.
pub const NOW: Now =
    Now { wall: Timestamp::from_unix_seconds(1_767_225_600), boot: Duration::from_secs(3600) };

/// Returns the profile for a byte.
#[must_use]
pub fn profile(choice: u8) -> Profile {
    match choice % 4 {
        0 => Profile::octorate(),
        1 => Profile::octotable(),
        2 => Profile::officernd(),
        _ => Profile::rfc6749("https://auth.example/token").expect("the URL is sound"),
    }
}

/// Returns a client of that profile with a marked secret.
#[must_use]
pub fn client(choice: u8) -> Client {
    Client::new(profile(choice), "the-client", CLIENT_SECRET).expect("id and secret are sound")
}

/// A token exchange of the client: ApiLogin at Octorate, client credentials or a refresh elsewhere.
pub enum Asked {
    /// The answer is a token.
    Token(Exchange<TokenSet>),
    /// The answer is a token for administration.
    Admin(Exchange<AdminToken>),
}

/// Returns the exchange for two bytes.
#[must_use]
pub fn asked(choice: u8, grant: u8) -> Asked {
    let client = client(choice);
    let refresh = client.refresh(&Secret::new(REFRESH_TOKEN));
    match (choice % 4, refresh) {
        (0, _) if grant % 2 == 0 => Asked::Admin(client.api_login().expect("Octorate has ApiLogin")),
        (_, Ok(exchange)) if grant % 2 == 1 => Asked::Token(exchange),
        _ => {
            let scopes = if choice % 4 == 2 { "flex.community.members.read" } else { "" };
            let scopes = Scopes::parse(scopes).expect("the scopes are sound");
            match client.client_credentials(&scopes) {
                Ok(exchange) => Asked::Token(exchange),
                Err(_) => Asked::Admin(client.api_login().expect("a provider has one of the two grants")),
            }
        }
    }
}

/// Parses a response and checks the properties that must hold for it.
pub fn check(asked: Asked, response: &Response<&[u8]>) {
    match asked {
        Asked::Token(exchange) => sound(exchange.read(response, NOW, NOW)),
        Asked::Admin(exchange) => {
            let token = |answer: Answer<AdminToken>| answer.value.for_ip_authentication();
            match exchange.read(response, NOW, NOW) {
                Ok(answer) => usable(&token(answer)),
                Err(error) => discreet(&error),
            }
        }
    }
}

fn sound(result: Result<Answer<TokenSet>, ExchangeError>) {
    match result {
        Ok(answer) => {
            assert!(!shows_a_secret(&format!("{answer:?}")), "Debug shows a secret");
            usable(&answer.value);
        }
        Err(error) => discreet(&error),
    }
}

/// Checks that a token is valid in a header, and lives at most ten years.
fn usable(token: &TokenSet) {
    let header = token.authorization();
    assert!(header.is_sensitive());
    assert!(header.as_bytes().starts_with(b"Bearer "));
    assert!(token.lifetime().is_none_or(|lifetime| lifetime <= Duration::from_secs(315_360_000)));
    let _ = token.expires_at().map(|expiry| expiry.to_string());
}

/// Checks that an error shows no secret and no control character, has a limited length, and has a remedy.
fn discreet(error: &ExchangeError) {
    let mut texts = vec![error.to_string(), format!("{error:?}"), error.code().into_owned()];
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(format!("{cause} {cause:?}"));
        source = cause.source();
    }
    let refreshed = error.purpose() == Purpose::Refresh;
    assert!(!texts.iter().any(|text| text.contains(CLIENT_SECRET)), "an error shows the client secret");
    // If the refresh token was not sent, it is an ordinary word.
    let shown = refreshed && texts.iter().any(|text| text.contains(REFRESH_TOKEN));
    assert!(!shown, "an error shows the refresh token");
    assert!(!texts[0].contains(char::is_control), "an error shows a control character");
    assert!(texts[0].chars().count() <= 1024, "an error is as long as a page");
    let _ = (error.retry(), error.remedy());
}

/// Whether a text contains a secret of an exchange.
#[must_use]
pub fn shows_a_secret(text: &str) -> bool {
    [CLIENT_SECRET, REFRESH_TOKEN].iter().any(|secret| text.contains(secret))
}
