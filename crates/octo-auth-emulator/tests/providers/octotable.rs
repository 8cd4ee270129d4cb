//! OctoTable: the token, the resources it opens, and the creation of clients.

use std::time::Duration;

use octo_auth_emulator::Emulator;
use octo_auth_emulator::octotable::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_PROPERTY};
use serde_json::{Value, json};
use ureq::http::Method;

use crate::wire::{Answer, bearer, frozen, get, post_form, send_json};

fn token_url(emulator: &Emulator) -> String {
    format!("{}/octotable-auth/api/v2/oauth2/token", emulator.base("api.octotable.com"))
}

fn token_for(url: &str, client_id: &str, client_secret: &str) -> Answer {
    let grant = ("grant_type", "client_credentials");
    post_form(url, &[grant, ("client_id", client_id), ("client_secret", client_secret)])
}

fn token(emulator: &Emulator) -> String {
    token_for(&token_url(emulator), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).text("access_token")
}

fn properties(emulator: &Emulator, token: &str, property: &str) -> Answer {
    let url = format!("{}/octotable-pms/api/v2/properties", emulator.base("api.octotable.com"));
    get(&url, &[("authorization", &bearer(token)), ("property", property)])
}

fn wish(username: &str) -> Value {
    json!({
        "redirect_uri": "http://localhost:8183/main-page",
        "sandbox_property": {
            "name": "Your Company SPA",
            "username": username,
            "password": "yourCompany123!",
            "email": "yourcompany1@demo.com",
            "position": { "latitude": 45.4442, "longitude": 9.99, "country": "IT" },
        },
    })
}

fn create(emulator: &Emulator, service: &str, body: &Value) -> Answer {
    let base = emulator.base("api.octotable.com");
    send_json(&Method::POST, &format!("{base}/{service}/api/v2/api-account/oauth2/client"), body, &[])
}

#[test]
fn the_token_answer_has_type_and_1440_and_no_refresh_token() {
    let emulator = frozen();
    let answer = token_for(&token_url(&emulator), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET);
    assert_eq!(answer.status, 200);
    let expected =
        json!({ "access_token": answer.text("access_token"), "expires_in": 1440, "type": "Bearer" });
    assert_eq!(answer.json(), expected);
}

#[test]
fn the_older_base_answers_too_and_its_path_on_the_newer_host_does_not() {
    let emulator = frozen();
    let older = format!("{}/octotable-pms/api/v2/oauth2/token", emulator.base("api.octorate.com"));
    assert_eq!(token_for(&older, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).status, 200);
    let mixed = format!("{}/octotable-pms/api/v2/oauth2/token", emulator.base("api.octotable.com"));
    assert_eq!(token_for(&mixed, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).status, 404);
}

#[test]
fn a_path_with_a_second_slash_is_another_path() {
    let emulator = frozen();
    let doubled = format!("{}//octotable-auth/api/v2/oauth2/token", emulator.base("api.octotable.com"));
    assert_eq!(token_for(&doubled, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).status, 404);
}

#[test]
fn a_json_token_request_is_refused_with_415_and_no_json() {
    let emulator = frozen();
    let body = json!({ "grant_type": "client_credentials", "client_id": DEMO_CLIENT_ID,
        "client_secret": DEMO_CLIENT_SECRET });
    let answer = send_json(&Method::POST, &token_url(&emulator), &body, &[]);
    assert_eq!((answer.status, answer.json()), (415, Value::Null));
}

#[test]
fn wrong_credentials_and_a_wrong_grant_are_refused_in_the_envelope() {
    let emulator = frozen();
    let wrong = token_for(&token_url(&emulator), DEMO_CLIENT_ID, "wrong");
    assert_eq!((wrong.status, &wrong.json()["success"]), (401, &json!(false)));
    for member in ["code", "message", "class_name"] {
        assert!(wrong.json()["error"][member].is_string(), "{member}");
    }
    let fields = [("client_id", DEMO_CLIENT_ID), ("client_secret", DEMO_CLIENT_SECRET)];
    assert_eq!(post_form(&token_url(&emulator), &fields).status, 400);
    let fields = [fields[0], fields[1], ("grant_type", "password")];
    assert_eq!(post_form(&token_url(&emulator), &fields).status, 400);
}

#[test]
fn a_resource_needs_the_token_and_the_header_property() {
    let emulator = frozen();
    let token = token(&emulator);
    let own = DEMO_PROPERTY.to_string();
    let answer = properties(&emulator, &token, &own);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["data"][0]["id"], json!(DEMO_PROPERTY));
    assert_eq!(properties(&emulator, &token, "").status, 400);
    assert_eq!(properties(&emulator, &token, "1").status, 403);
    assert_eq!(properties(&emulator, "nonsense", &own).status, 401);
    let services = format!("{}/octotable-pms/api/v2/services", emulator.base("api.octotable.com"));
    let both = [("authorization", bearer(&token)), ("property", own)];
    let both: Vec<_> = both.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(get(&services, &both).json()["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(get(&services, &both[..1]).status, 400);
}

#[test]
fn a_token_lives_1440_seconds_unless_told_otherwise() {
    let emulator = frozen();
    let own = DEMO_PROPERTY.to_string();
    let first = token(&emulator);
    emulator.advance(Duration::from_secs(1439));
    assert_eq!(properties(&emulator, &first, &own).status, 200);
    emulator.advance(Duration::from_secs(1));
    assert_eq!(properties(&emulator, &first, &own).status, 401);
    emulator.octotable().set_access_lifetime(Duration::from_secs(1440 * 60));
    let second = token(&emulator);
    emulator.advance(Duration::from_secs(1440 * 60 - 1));
    assert_eq!(properties(&emulator, &second, &own).status, 200);
    emulator.octotable().set_expires_in(60);
    assert_eq!(
        token_for(&token_url(&emulator), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).json()["expires_in"],
        json!(60)
    );
}

#[test]
fn tokens_and_clients_can_be_revoked_from_outside() {
    let emulator = frozen();
    let own = DEMO_PROPERTY.to_string();
    let (first, second, third) = (token(&emulator), token(&emulator), token(&emulator));
    emulator.octotable().revoke_access_token(&first);
    assert_eq!(properties(&emulator, &first, &own).status, 401);
    assert_eq!(properties(&emulator, &second, &own).status, 200);
    emulator.octotable().revoke_all_access_tokens();
    assert_eq!(properties(&emulator, &third, &own).status, 401);
    emulator.octotable().revoke_client(DEMO_CLIENT_ID);
    assert_eq!(token_for(&token_url(&emulator), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).status, 401);
}

#[test]
fn a_created_client_gets_the_documented_answer_and_works_at_the_token_endpoint() {
    let emulator = frozen();
    for (service, username) in [("octotable-pms", "one@demo.com"), ("octotable-auth", "two@demo.com")] {
        let answer = create(&emulator, service, &wish(username));
        assert_eq!(answer.status, 201);
        let client = &answer.json()["data"][0];
        assert_eq!(client["username"], json!(username));
        assert_eq!(client["password"], json!("yourCompany123!"));
        assert_eq!(client["redirect_uri"], json!("http://localhost:8183/main-page"));
        assert_eq!(client["properties"][0]["sandbox"], json!(true));
        let (id, secret) = (client["client_id"].as_str(), client["client_secret"].as_str());
        let (id, secret) = (id.expect("an id"), secret.expect("a secret"));
        assert_eq!((id.len(), secret.len()), (DEMO_CLIENT_ID.len(), DEMO_CLIENT_SECRET.len()));
        let token = token_for(&token_url(&emulator), id, secret).text("access_token");
        let property = client["properties"][0]["id"].to_string();
        assert_eq!(properties(&emulator, &token, &property).status, 200);
        assert_eq!(emulator.octotable().properties(id), [property.parse::<u64>().expect("a number")]);
    }
}

#[test]
fn clients_are_created_from_an_array_as_well() {
    let emulator = frozen();
    let answer = create(&emulator, "octotable-pms", &json!([wish("one@demo.com"), wish("two@demo.com")]));
    assert_eq!((answer.status, answer.json()["data"].as_array().map(Vec::len)), (201, Some(2)));
}

#[test]
fn an_incomplete_a_flat_and_a_repeated_wish_create_nothing() {
    let emulator = frozen();
    let mut incomplete = wish("one@demo.com");
    incomplete["sandbox_property"]["email"] = Value::Null;
    assert_eq!(create(&emulator, "octotable-pms", &incomplete).status, 400);
    let flat = json!({ "redirect_uri": "http://localhost", "name": "n", "email": "e", "username": "u",
        "password": "p" });
    assert_eq!(create(&emulator, "octotable-pms", &flat).status, 400);
    let twice = json!([wish("one@demo.com"), wish("one@demo.com")]);
    assert_eq!(create(&emulator, "octotable-pms", &twice).status, 409);
    assert_eq!(create(&emulator, "octotable-pms", &wish("one@demo.com")).status, 201);
    assert_eq!(create(&emulator, "octotable-pms", &wish("one@demo.com")).status, 409);
}

#[test]
fn unknown_paths_are_404_in_the_envelope() {
    let emulator = frozen();
    let answer = get(&format!("{}/api/v2/", emulator.base("api.octotable.com")), &[]);
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &json!("RESOURCE_NOT_FOUND")));
}
