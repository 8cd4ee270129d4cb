//! Rows about answers of a provider's API: their meaning for the token, by the core's pure function.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use octo_auth_core::{AccessToken, Authorizer, Body, Client, Now, Profile, TokenSet, TokenStatus};
use serde_json::Value;

use super::facts::Facts;
use super::input;
use super::row::Row;

/// Returns the facts of a row of a resource server; `None` if more than one answer matters.
pub(super) fn observe(row: &Row) -> Option<Result<Facts, String>> {
    (row.text("from") == Some("resource_server") && !row.concerns_the_lifecycle()).then(|| {
        let body = input::body(row)?;
        let meaning = meaning(row, &body)?;
        let mut facts = Facts::new();
        facts.insert("outcome".into(), word(meaning).into());
        facts.insert("refresh".into(), meaning.calls_for_renewal().into());
        if let TokenStatus::Quota { retry_after } = meaning {
            facts.insert("delay_s".into(), retry_after.map_or(0, |wait| wait.as_secs()).into());
        }
        // The bytes after the first 8 KiB must make no difference.
        let head = &body[..body.len().min(8192)];
        let read = if self::meaning(row, head)? == meaning { head.len() } else { body.len() };
        facts.insert("read".into(), read.into());
        Ok(facts)
    })
}

pub(super) fn meaning(row: &Row, body: &[u8]) -> Result<TokenStatus, String> {
    let profile = input::profile(row, None)?;
    let now = input::now(row)?;
    let url = profile.api_origins().next().ok_or("the profile names no API host")?;
    let token = token(&profile, now).ok_or("the token cannot stand in a header")?;
    let client = Client::new(profile, "the-client", "CS0-in-flight").map_err(|error| error.to_string())?;
    let request = Request::get(url).header("property", "1").body(Body::empty());
    let exchange = client
        .api_call(&token, request.map_err(|error| error.to_string())?)
        .map_err(|error| error.to_string())?;
    let status =
        row.input.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let mut response = Response::builder().status(status.ok_or("the row has no status")?);
    for (name, value) in input::headers(row)? {
        // An invalid header never reaches the core.
        if http::HeaderValue::from_str(&value).is_ok() {
            response = response.header(name, value);
        }
    }
    let response = response.body(body).map_err(|error| error.to_string())?;
    let answer = exchange.read(&response, now, now).map_err(|error| error.to_string())?;
    let (by_exchange, by_call) = (answer.value.meaning(), by_call(&client, &response, now)?);
    if by_exchange != by_call {
        return Err(format!("an exchange reads it as {by_exchange:?}, a call as {by_call:?}"));
    }
    Ok(by_exchange)
}

/// What the answer means to a caller that sends its API calls itself, as middlewares do. Such a caller passes on only
/// the part of the body that is examined, and only for a status at which it is examined.
fn by_call(client: &Client, response: &Response<&[u8]>, now: Now) -> Result<TokenStatus, String> {
    let authorizer = Authorizer::from(client);
    let url = authorizer.profile().api_origins().next().ok_or("the profile names no API host")?;
    let url = url.parse().map_err(|_| "the API host is no URL")?;
    let headers =
        HeaderMap::from_iter([(HeaderName::from_static("property"), HeaderValue::from_static("1"))]);
    let call = authorizer.call(&url, &headers).map_err(|error| error.to_string())?;
    let looked_at = if authorizer.looks_at_body(response.status()) { Authorizer::LOOKED_AT } else { 0 };
    let head = &response.body()[..response.body().len().min(looked_at)];
    Ok(call.answered((response.status(), response.headers(), head), true, now).meaning)
}

/// Returns an earlier token of the provider.
fn token(profile: &Profile, now: Now) -> Option<TokenSet> {
    let access_token = AccessToken::new("AT0-in-flight")?;
    Some(TokenSet::restore(profile, access_token, now.wall, None, None))
}

pub(super) fn word(meaning: TokenStatus) -> &'static str {
    match meaning {
        TokenStatus::TokenRefused => "invalidate_generation",
        TokenStatus::InsufficientScope => "insufficient_scope",
        TokenStatus::Quota { .. } => "throttled",
        _ => "no_change",
    }
}
