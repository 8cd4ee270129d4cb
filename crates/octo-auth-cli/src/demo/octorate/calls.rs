//! The API calls of the flows.

use http::Request;
use octo_auth_core::{ApiAnswer, Body, Client, Exchange, TokenSet};

use crate::demo::stopped::Stopped;

/// Builds the call for the properties that a token may see.
pub(super) fn accommodations(client: &Client, tokens: &TokenSet) -> Result<Exchange<ApiAnswer>, Stopped> {
    call(client, tokens, "/connect/rest/v1/accommodation")
}

/// Builds the call for the reservations of one property.
pub(super) fn reservations(
    client: &Client,
    tokens: &TokenSet,
    property: &str,
) -> Result<Exchange<ApiAnswer>, Stopped> {
    call(client, tokens, &format!("/connect/rest/v1/reservation/{property}"))
}

fn call(client: &Client, tokens: &TokenSet, path: &str) -> Result<Exchange<ApiAnswer>, Stopped> {
    let url = client.profile().host("api").map(|host| host.join(path)).unwrap_or_default();
    Ok(client.api_call(tokens, Request::get(url).body(Body::empty())?)?)
}
