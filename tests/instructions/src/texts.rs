//! Building requests and parsing answers.

use std::hint::black_box;
use std::time::Duration;

use http::Response;
use octo_auth_core::{Client, Exchange, Now, Profile, Scopes, Secret, Timestamp, TokenSet};

use crate::{Error, Round};

/// The lengths of access and refresh tokens in bytes.
const TOKENS: (usize, usize) = (256, 34);

/// The time of all operations: 2026-01-01.
const NOW: Now = Now { wall: Timestamp::from_unix_seconds(1_767_225_600), boot: Duration::from_secs(1000) };

pub(crate) fn octorate(count: usize) -> Result<Round, Error> {
    let client = client(Profile::octorate())?;
    let ends = r#""expireDate":"2026-01-01T17:41:51.178Z""#;
    reading(count, || Ok(client.refresh(&secret(TOKENS.1))?), &body(&format!("{},{ends}", refresh_member())))
}

pub(crate) fn octotable(count: usize) -> Result<Round, Error> {
    let client = client(Profile::octotable())?;
    let exchange = || Ok(client.client_credentials(&Scopes::none())?);
    reading(count, exchange, &body(r#""expires_in":1440,"type":"Bearer""#))
}

pub(crate) fn officernd(count: usize) -> Result<Round, Error> {
    let client = client(Profile::officernd())?;
    let scopes = Scopes::parse("flex.community.members.read")?;
    let members = r#""token_type":"Bearer","expires_in":3599,"scope":"flex.community.members.read""#;
    reading(count, || Ok(client.client_credentials(&scopes)?), &body(members))
}

pub(crate) fn client_credentials(_: usize) -> Result<Round, Error> {
    let client = client(Profile::officernd())?;
    let scopes = Scopes::parse("flex.community.members.read")?;
    Ok(Box::new(move |_| assert!(black_box(client.client_credentials(&scopes)).is_ok(), "no exchange")))
}

pub(crate) fn refresh(_: usize) -> Result<Round, Error> {
    let (client, token) = (client(Profile::octorate())?, secret(TOKENS.1));
    Ok(Box::new(move |_| assert!(black_box(client.refresh(&token)).is_ok(), "no exchange")))
}

fn client(profile: Profile) -> Result<Client, Error> {
    Ok(Client::new(profile, "public_8956990355e6df036", "12404a0a-9cbf-4c5d-9d1f-5f2b6a3c7e88")?)
}

fn secret(length: usize) -> Secret {
    Secret::from("r".repeat(length))
}

fn refresh_member() -> String {
    format!(r#""refresh_token":"{}""#, "r".repeat(TOKENS.1))
}

/// Returns a token answer with these members besides the access token.
fn body(members: &str) -> String {
    format!(r#"{{"access_token":"{}",{members}}}"#, "a".repeat(TOKENS.0))
}

/// Parses the same answer for one exchange after the other.
fn reading(
    count: usize,
    exchange: impl Fn() -> Result<Exchange<TokenSet>, Error>,
    body: &str,
) -> Result<Round, Error> {
    let mut exchanges: Vec<_> = (0..count).map(|_| exchange().map(Some)).collect::<Result<_, _>>()?;
    let response =
        Response::builder().header("content-type", "application/json").body(body.as_bytes().to_vec())?;
    Ok(Box::new(move |number| {
        let exchange = exchanges.get_mut(number).and_then(Option::take);
        let answer = exchange.map(|exchange| exchange.read(black_box(&response), NOW, NOW));
        let is_clean = |answer: &octo_auth_core::Answer<TokenSet>| answer.deviations.is_empty();
        assert!(answer.is_some_and(|answer| answer.as_ref().is_ok_and(is_clean)), "no clean answer");
    }))
}
