//! The answers of a transcript.

use octo_auth_core::{
    Answer, ApiAnswer, Body, Client, CreatedClient, Exchange, ExchangeError, ProviderText, Secret, TokenSet,
};

use super::samples::{
    CONFIGURATION, CREATED_CLIENT, CREATED_PROPERTY, ERRORS, INTROSPECTION, OCTOTABLE_TOKENS, REFUSALS,
    TOKENS,
};
use super::{Script, client_credentials, refresh};
use crate::registration::{admin_token, documented_client, property_token};
use crate::{outcome, reply};

pub(super) fn write(client: &Client, script: &mut Script) {
    let own: &[&str] = if client.profile().name() == "octotable" { &OCTOTABLE_TOKENS } else { &[] };
    tokens(script, "client credentials", own, &|| client_credentials(client));
    tokens(script, "a refresh", own, &|| refresh(client));
    script.section("answers to client creation");
    if let Ok(exchange) = documented_client().exchange(client.profile()) {
        created_client(script, reply::read(exchange, &reply::json(201, CREATED_CLIENT)));
    }
    created_properties(client, script);
    configuration(client, script);
    api(client, script);
}

/// Writes what is read in each token answer and in each error.
fn tokens(script: &mut Script, title: &str, own: &[&str], exchange: &dyn Fn() -> Option<Exchange<TokenSet>>) {
    script.section(&format!("answers to {title}"));
    for (status, body) in TOKENS.iter().chain(own).map(|body| (200, *body)).chain(ERRORS) {
        let Some(exchange) = exchange() else { return script.line("not offered") };
        let read = reply::read(exchange, &reply::json(status, body));
        script.line(format!("{status} {body}"));
        script.line(format!("  {}", outcome::of_token(&read)));
        if let Err(error) = read {
            script.line(format!("  {error}"));
        }
    }
}

fn created_client(script: &mut Script, read: Result<Answer<CreatedClient>, ExchangeError>) {
    match read {
        Err(error) => script.line(error),
        Ok(Answer { value, .. }) => {
            let password = value.password.as_ref().map(Secret::expose);
            script.line(format!("{} {}", value.client_id, value.client_secret.expose()));
            script.line(format!("{:?} {:?} {password:?} {:?}", value.id, value.username, value.redirect_uri));
            script.line(format!("{:?}", value.properties));
        }
    }
}

fn created_properties(client: &Client, script: &mut Script) {
    script.section("answers to property creation");
    for (status, body) in CREATED_PROPERTY {
        let Ok(exchange) = client.create_property(&admin_token(client.profile(), "admin-token-1"), "{}")
        else {
            return;
        };
        script.line(format!("{status} {body}"));
        match reply::read(exchange, &reply::json(status, body)) {
            Ok(Answer { value, .. }) => script.line(format!("  {value:?} {}", value.refresh_token.expose())),
            Err(error) => script.line(format!("  {error}")),
        }
    }
}

fn configuration(client: &Client, script: &mut Script) {
    script.section("API configuration and introspection");
    if let Ok(exchange) = client.api_configuration(&admin_token(client.profile(), "admin-token-1")) {
        let read = reply::read(exchange, &reply::json(200, CONFIGURATION));
        script.line(read.map_or_else(|error| error.to_string(), |answer| format!("{:?}", answer.value)));
    }
    if let Ok(exchange) = client.introspect(&Secret::from("token-1")) {
        let read = reply::read(exchange, &reply::json(200, INTROSPECTION));
        script.line(read.map_or_else(|error| error.to_string(), |answer| format!("{:?}", answer.value)));
    }
}

/// Writes what each refusal of the API means, and the remaining quota.
fn api(client: &Client, script: &mut Script) {
    script.section("answers of the API");
    let quota = reply::with(200, &[("x-ratelimit-remaining", "17")], "[]");
    let refusals = REFUSALS.iter().map(|(status, body)| reply::json(*status, body));
    for response in refusals.chain([quota]) {
        let Some(exchange) = api_call(client) else { return script.line("not offered") };
        let body = String::from_utf8_lossy(response.body()).into_owned();
        script.line(format!("{} {body}", response.status().as_u16()));
        match reply::read(exchange, &response) {
            Ok(Answer { value, quota_remaining, .. }) => {
                let said = value.provider_text().map(ProviderText::as_str);
                let meaning = value.meaning();
                script.line(format!("  {meaning:?} {:?} {said:?} {quota_remaining:?}", value.code()));
            }
            Err(error) => script.line(format!("  {error}")),
        }
    }
}

/// Returns a call of the first of the provider's API hosts.
fn api_call(client: &Client) -> Option<Exchange<ApiAnswer>> {
    let url = client.profile().api_origins().next()? + "/";
    let request = http::Request::get(url).header("property", "999641").body(Body::empty()).ok()?;
    client.api_call(&property_token(client.profile(), "access-token-1"), request).ok()
}
