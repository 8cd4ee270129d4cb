//! The requests of a transcript.

use octo_auth_core::{Body, Client, Scopes, Secret, TokenTypeHint};

use super::Script;
use crate::registration::{admin_token, documented_client, entropy, property_token};
use crate::{moment, wire};

/// Addresses of the providers' APIs and of other servers.
const API_URLS: [&str; 7] = [
    "https://api.octorate.com/connect/rest/v1/accommodation",
    "https://admin.octorate.com/octobook/",
    "https://api.octotable.com/octotable-pms/api/v2/reservation",
    "https://identity.officernd.com/oauth/token",
    "https://app.officernd.com/api/v2/organizations/acme",
    "https://hybrid.officernd.com/api/v1/organizations/acme",
    "https://server.example.com/",
];

pub(super) fn write(client: &Client, script: &mut Script) {
    let scopes = Scopes::parse(" b  a ").unwrap_or_default();
    let (token, admin) = (Secret::from("token-1"), admin_token(client.profile(), "admin-token-1"));
    script.request("client credentials without scopes", client.client_credentials(&Scopes::none()));
    script.request("client credentials with scopes", client.client_credentials(&scopes));
    sign_in(client, script, "https://localhost", &Scopes::none());
    sign_in(client, script, "http://localhost/cb", &scopes);
    sign_in(client, script, "http://host.example/cb", &Scopes::none());
    script.request("refresh", client.refresh(&Secret::from("refresh-token-1")));
    script.request("ApiLogin", client.api_login());
    script.request("migration", client.migrate(&Secret::from("api-key-1"), "219642"));
    script.request("API configuration", client.api_configuration(&admin));
    let uris = ["https://localhost", "https://localhost/"];
    script.request("redirect URIs", client.replace_redirect_uris(&admin, Some(&uris)));
    script.request("property creation", client.create_property(&admin, r#"{"name":"n"}"#));
    script.request("client creation", documented_client().exchange(client.profile()));
    script.request("revocation", client.revoke(&token, TokenTypeHint::RefreshToken));
    script.request("introspection", client.introspect(&token));
    api_calls(client, script);
}

/// Writes the page, and the exchange of its code at the ages at which codes expire.
fn sign_in(client: &Client, script: &mut Script, redirect_uri: &str, scopes: &Scopes) {
    script.section(&format!("sign-in back to {redirect_uri} with the scopes [{scopes}]"));
    for age in [0, 59, 60, 599, 600] {
        let (page, pending) = match client.authorize(redirect_uri, scopes, entropy(), moment::start()) {
            Ok(started) => started,
            Err(error) => return script.line(format!("no request: {error}")),
        };
        let callback = format!("?code=code-1&state={}", pending.state().expose());
        let Ok(code) = pending.receive(&callback, moment::start()) else {
            return script.line("the callback was refused");
        };
        let redeemed = code.exchange(client, moment::after(age));
        match redeemed {
            Ok(exchange) if age == 0 => script.line(format!("{page}\n{}", wire::sent(&exchange))),
            Ok(_) => script.line(format!("after {age} s: sent")),
            Err(error) => script.line(format!("after {age} s: {error}")),
        }
    }
}

fn api_calls(client: &Client, script: &mut Script) {
    script.section("calls of the API");
    for url in API_URLS {
        for property in [None, Some("999641")] {
            let mut request = http::Request::new(Body::empty());
            *request.uri_mut() = http::Uri::from_static(url);
            if let Some(property) = property {
                request.headers_mut().insert("property", http::HeaderValue::from_static(property));
            }
            match client.api_call(&property_token(client.profile(), "access-token-1"), request) {
                Ok(exchange) => script.line(wire::sent(&exchange)),
                Err(error) => script.line(format!("{url} {property:?}: {error}")),
            }
        }
    }
}
