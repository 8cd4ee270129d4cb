//! The generic server: authentication of clients, the grants, then revocation, introspection and use.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_REDIRECT_URI, PUBLIC_CLIENT_ID};
use octo_auth_emulator::{Browser, Emulator, Rotation};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::wire::{Answer, START, bearer, frozen, get, parameter, post_form, post_form_with, with_query};

const CREDENTIALS: [(&str, &str); 2] = [("client_id", DEMO_CLIENT_ID), ("client_secret", DEMO_CLIENT_SECRET)];
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn at(emulator: &Emulator, path: &str) -> String {
    format!("{}{path}", emulator.base("auth.example"))
}

/// Sends a request of the confidential demo client, authenticated in the body.
fn ask(emulator: &Emulator, path: &str, fields: &[(&str, &str)]) -> Answer {
    post_form(&at(emulator, path), &[&CREDENTIALS, fields].concat())
}

fn client_credentials(emulator: &Emulator) -> Answer {
    ask(emulator, "/token", &[("grant_type", "client_credentials")])
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

fn authorize_url(emulator: &Emulator, client_id: &str, extra: &[(&str, &str)]) -> String {
    let own = [("response_type", "code"), ("client_id", client_id), ("redirect_uri", DEMO_REDIRECT_URI)];
    with_query(&at(emulator, "/authorize"), &[&own, extra].concat())
}

fn granted_code(emulator: &Emulator, client_id: &str) -> String {
    let challenge = challenge();
    let extra =
        [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256"), ("scope", "read write")];
    let page = Browser::new().open(&authorize_url(emulator, client_id, &extra)).expect("a page");
    parameter(&page.grant().expect("a redirect"), "code").expect("a code")
}

fn redeem(emulator: &Emulator, code: &str, verifier: &str) -> Answer {
    let grant = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", DEMO_REDIRECT_URI)];
    ask(emulator, "/token", &[&grant[..], &[("code_verifier", verifier)]].concat())
}

fn resource(emulator: &Emulator, token: &str) -> Answer {
    get(&at(emulator, "/resource"), &[("authorization", &bearer(token))])
}

fn basic(client_id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret))))
}

#[test]
fn client_credentials_in_the_body_give_a_token_that_is_not_to_be_stored() {
    let emulator = frozen();
    let answer = client_credentials(&emulator);
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!((&answer.json()["expires_in"], answer.text("scope").as_str()), (&json!(3600), "read"));
    assert!(answer.json().get("refresh_token").is_none());
    assert_eq!(resource(&emulator, &answer.text("access_token")).status, 200);
}

#[test]
fn basic_credentials_are_form_decoded_after_base64() {
    let emulator = frozen();
    let grant = [("grant_type", "client_credentials")];
    let encoded = basic(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET);
    let answer = post_form_with(&at(&emulator, "/token"), &grant, &[("authorization", &encoded)]);
    assert_eq!(answer.status, 200);
    let raw = format!("Basic {}", STANDARD.encode(format!("{DEMO_CLIENT_ID}:{DEMO_CLIENT_SECRET}")));
    let refused = post_form_with(&at(&emulator, "/token"), &grant, &[("authorization", &raw)]);
    assert_eq!((refused.status, refused.text("error").as_str()), (401, "invalid_client"));
    assert!(refused.header("www-authenticate").starts_with("Basic "));
}

#[test]
fn wrong_doubled_and_missing_authentication_are_refused() {
    let emulator = frozen();
    let wrong =
        [("client_id", DEMO_CLIENT_ID), ("client_secret", "wrong"), ("grant_type", "client_credentials")];
    let answer = post_form(&at(&emulator, "/token"), &wrong);
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, ""));
    let both = [CREDENTIALS[0], CREDENTIALS[1], ("grant_type", "client_credentials")];
    let encoded = basic(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET);
    let answer = post_form_with(&at(&emulator, "/token"), &both, &[("authorization", &encoded)]);
    assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_request"));
    let none = post_form(&at(&emulator, "/token"), &[("grant_type", "client_credentials")]);
    assert_eq!((none.status, none.text("error").as_str()), (401, "invalid_client"));
}

#[test]
fn grants_scopes_and_repeated_parameters_outside_the_rules_are_refused() {
    let emulator = frozen();
    for (fields, error) in [
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("grant_type", "client_credentials"), ("scope", "everything")], "invalid_scope"),
        (vec![("grant_type", "client_credentials"), ("grant_type", "client_credentials")], "invalid_request"),
        (vec![], "invalid_request"),
    ] {
        let answer = ask(&emulator, "/token", &fields);
        assert_eq!((answer.status, answer.text("error").as_str()), (400, error));
    }
    let public = [("client_id", PUBLIC_CLIENT_ID), ("grant_type", "client_credentials")];
    assert_eq!(post_form(&at(&emulator, "/token"), &public).text("error"), "unauthorized_client");
}

#[test]
fn extra_parameters_change_nothing_and_are_logged() {
    let emulator = frozen();
    let fields = [("grant_type", "client_credentials"), ("audience", "a"), ("resource", "https://r.example")];
    let answer = ask(&emulator, "/token", &fields);
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("audience") && !answer.body.contains("r.example"));
    assert_eq!(emulator.log()[0].form_value("resource"), Some("https://r.example"));
}

#[test]
fn the_callback_names_the_issuer_and_gives_the_state_back() {
    let emulator = frozen();
    let page =
        Browser::new().open(&authorize_url(&emulator, DEMO_CLIENT_ID, &[("state", "s")])).expect("a page");
    let issuer = emulator.base("auth.example");
    for callback in [page.grant(), page.refuse()] {
        let callback = callback.expect("a redirect");
        assert_eq!(parameter(&callback, "iss").as_deref(), Some(issuer.as_str()));
        assert_eq!(parameter(&callback, "state").as_deref(), Some("s"));
    }
}

#[test]
fn a_code_is_redeemed_with_the_verifier_of_its_challenge() {
    let emulator = frozen();
    let answer = redeem(&emulator, &granted_code(&emulator, DEMO_CLIENT_ID), VERIFIER);
    assert_eq!((answer.status, answer.text("scope").as_str()), (200, "read write"));
    let wrong = redeem(&emulator, &granted_code(&emulator, DEMO_CLIENT_ID), "wrong");
    assert_eq!(wrong.text("error"), "invalid_grant");
    let none = redeem(&emulator, &granted_code(&emulator, DEMO_CLIENT_ID), "");
    assert_eq!(none.text("error"), "invalid_grant");
}

#[test]
fn a_code_used_twice_ends_the_tokens_of_its_first_use() {
    let emulator = frozen();
    let code = granted_code(&emulator, DEMO_CLIENT_ID);
    let token = redeem(&emulator, &code, VERIFIER).text("access_token");
    assert_eq!(resource(&emulator, &token).status, 200);
    assert_eq!(redeem(&emulator, &code, VERIFIER).text("error"), "invalid_grant");
    assert_eq!(resource(&emulator, &token).status, 401);
    let late = granted_code(&emulator, DEMO_CLIENT_ID);
    emulator.advance(Duration::from_millis(60_001));
    assert_eq!(redeem(&emulator, &late, VERIFIER).text("error"), "invalid_grant");
}

#[test]
fn a_public_client_must_send_a_challenge_and_no_other_method_than_s256() {
    let emulator = frozen();
    for extra in
        [&[][..], &[("code_challenge", "x"), ("code_challenge_method", "plain")], &[("code_challenge", "x")]]
    {
        let callback = get(&authorize_url(&emulator, PUBLIC_CLIENT_ID, extra), &[]);
        assert_eq!(parameter(callback.header("location"), "error").as_deref(), Some("invalid_request"));
    }
    let code = granted_code(&emulator, PUBLIC_CLIENT_ID);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", PUBLIC_CLIENT_ID),
        ("code", &code),
        ("redirect_uri", DEMO_REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(post_form(&at(&emulator, "/token"), &form).status, 200);
}

#[test]
fn the_authorize_page_redirects_to_no_unregistered_address() {
    let emulator = frozen();
    emulator.generic().set_redirect_uris(DEMO_CLIENT_ID, &["https://client.example/other"]);
    let answer = get(&authorize_url(&emulator, DEMO_CLIENT_ID, &[]), &[]);
    assert_eq!((answer.status, answer.header("location")), (400, ""));
    let unknown = get(&authorize_url(&emulator, "unknown", &[]), &[]);
    assert_eq!((unknown.status, unknown.header("location")), (400, ""));
}

#[test]
fn a_refresh_rotates_narrows_and_never_widens() {
    let emulator = frozen();
    let first = redeem(&emulator, &granted_code(&emulator, DEMO_CLIENT_ID), VERIFIER).text("refresh_token");
    let refresh = |token: &str, scope: &str| {
        ask(
            &emulator,
            "/token",
            &[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)],
        )
    };
    assert_eq!(refresh(&first, "profile").text("error"), "invalid_scope");
    let narrowed = refresh(&first, "write");
    assert_eq!(narrowed.text("scope"), "write");
    emulator.generic().set_rotation(Rotation::None);
    let kept = refresh(&narrowed.text("refresh_token"), "");
    assert_eq!(kept.text("scope"), "read write");
    assert!(kept.json().get("refresh_token").is_none());
}

#[test]
fn a_refresh_token_serves_its_own_client_alone() {
    let emulator = frozen();
    let token = redeem(&emulator, &granted_code(&emulator, DEMO_CLIENT_ID), VERIFIER).text("refresh_token");
    let other = emulator.generic().register("Other");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &other.client_id),
        ("client_secret", &other.client_secret),
        ("refresh_token", &token),
    ];
    assert_eq!(post_form(&at(&emulator, "/token"), &form).text("error"), "invalid_grant");
}

#[test]
fn revoking_a_refresh_token_ends_its_access_tokens_and_an_unknown_token_is_fine() {
    let emulator = frozen();
    let tokens = redeem(&emulator, &granted_code(&emulator, DEMO_CLIENT_ID), VERIFIER);
    assert_eq!(ask(&emulator, "/revoke", &[("token", "unknown")]).status, 200);
    assert_eq!(ask(&emulator, "/revoke", &[("token", &tokens.text("refresh_token"))]).status, 200);
    assert_eq!(resource(&emulator, &tokens.text("access_token")).status, 401);
    assert_eq!(ask(&emulator, "/revoke", &[]).text("error"), "invalid_request");
    let unauthenticated =
        post_form(&at(&emulator, "/revoke"), &[("token", "t"), ("client_id", DEMO_CLIENT_ID)]);
    assert_eq!(unauthenticated.text("error"), "invalid_client");
}

#[test]
fn introspection_tells_a_live_token_from_any_other() {
    let emulator = frozen();
    let token = client_credentials(&emulator).text("access_token");
    let live = ask(&emulator, "/introspect", &[("token", &token)]).json();
    assert_eq!((&live["active"], &live["client_id"]), (&json!(true), &json!(DEMO_CLIENT_ID)));
    assert_eq!(live["exp"], json!(START / 1_000 + 3_600));
    emulator.advance(Duration::from_secs(3_600));
    let dead = ask(&emulator, "/introspect", &[("token", &token)]);
    assert_eq!(dead.json(), json!({ "active": false }));
    let public = [("client_id", PUBLIC_CLIENT_ID), ("token", token.as_str())];
    assert_eq!(post_form(&at(&emulator, "/introspect"), &public).status, 401);
}

#[test]
fn the_resource_challenges_a_missing_an_unknown_and_an_expired_token() {
    let emulator = frozen();
    let missing = get(&at(&emulator, "/resource"), &[]);
    assert_eq!((missing.status, missing.header("www-authenticate")), (401, "Bearer realm=\"auth.example\""));
    emulator.generic().set_access_lifetime(Duration::from_secs(10));
    let token = client_credentials(&emulator).text("access_token");
    emulator.advance(Duration::from_secs(10));
    for token in [token.as_str(), "unknown"] {
        let answer = resource(&emulator, token);
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    }
}

#[test]
fn tokens_and_clients_can_be_revoked_from_outside() {
    let emulator = frozen();
    let (first, second) = (client_credentials(&emulator), client_credentials(&emulator));
    emulator.generic().revoke_token(&first.text("access_token"));
    assert_eq!(resource(&emulator, &first.text("access_token")).status, 401);
    assert_eq!(resource(&emulator, &second.text("access_token")).status, 200);
    emulator.generic().revoke_all_access_tokens();
    assert_eq!(resource(&emulator, &second.text("access_token")).status, 401);
    emulator.generic().revoke_client(DEMO_CLIENT_ID);
    assert_eq!(client_credentials(&emulator).text("error"), "invalid_client");
    assert!(emulator.generic().register_public("App").client_secret.is_empty());
}

#[test]
fn the_demo_clients_get_their_code_on_loopback_at_any_port_and_nowhere_else() {
    let emulator = frozen();
    let own = |redirect_uri| {
        let fields =
            [("response_type", "code"), ("client_id", DEMO_CLIENT_ID), ("redirect_uri", redirect_uri)];
        with_query(&at(&emulator, "/authorize"), &fields)
    };
    for redirect in ["http://127.0.0.1:49152/cb", "http://localhost:8080/"] {
        let back = Browser::new().open(&own(redirect)).expect("a page").grant().expect("a redirect");
        assert!(back.starts_with(&format!("{redirect}?code=")), "{back}");
    }
    for other in ["http://127.0.0.1:80@evil.example/", "http://evil.example/", "https://localhost/"] {
        assert_eq!(get(&own(other), &[]).status, 400, "{other}");
    }
    emulator.generic().set_redirect_uris(DEMO_CLIENT_ID, &[DEMO_REDIRECT_URI]);
    assert_eq!(get(&own("http://127.0.0.1:49152/cb"), &[]).status, 400);
}
