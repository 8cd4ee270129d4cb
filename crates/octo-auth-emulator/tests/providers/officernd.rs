//! OfficeRND: client credentials and their limit, the organisation, then the flow of the vendor's samples.

use std::time::Duration;

use octo_auth_emulator::officernd::{
    DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_INTEGRATION, DEMO_ORGANIZATION, DEMO_REDIRECT_URI,
};
use octo_auth_emulator::{Browser, Emulator};
use serde_json::json;
use ureq::http::Method;

use crate::wire::{Answer, bearer, frozen, get, parameter, post_form, send_json, with_query};

fn token_url(emulator: &Emulator) -> String {
    format!("{}/oauth/token", emulator.base("identity.officernd.com"))
}

fn ask(emulator: &Emulator, grant_type: &str, extra: &[(&str, &str)]) -> Answer {
    let own =
        [("grant_type", grant_type), ("client_id", DEMO_CLIENT_ID), ("client_secret", DEMO_CLIENT_SECRET)];
    post_form(&token_url(emulator), &[&own, extra].concat())
}

fn token(emulator: &Emulator, scope: &str) -> Answer {
    ask(emulator, "client_credentials", &[("scope", scope)])
}

fn api(emulator: &Emulator, path: &str, token: &str) -> Answer {
    let url = format!("{}/api/{path}", emulator.base("app.officernd.com"));
    get(&url, &[("authorization", &bearer(token))])
}

fn members(emulator: &Emulator, token: &str) -> Answer {
    api(emulator, &format!("v2/organizations/{DEMO_ORGANIZATION}/members"), token)
}

fn authorize_url(emulator: &Emulator, extra: &[(&str, &str)]) -> String {
    let own = [("response_type", "code"), ("client_id", DEMO_CLIENT_ID), ("redirect_uri", DEMO_REDIRECT_URI)];
    let url = format!("{}/oauth/authorize", emulator.base("identity.officernd.com"));
    with_query(&url, &[&own, extra].concat())
}

fn granted_code(emulator: &Emulator) -> String {
    let url = authorize_url(emulator, &[("scope", "officernd.api.read")]);
    let page = Browser::new().open(&url).expect("a page");
    parameter(&page.grant().expect("a redirect"), "code").expect("a code")
}

fn redeem(emulator: &Emulator, code: &str) -> Answer {
    ask(emulator, "authorization_code", &[("code", code), ("redirect_uri", DEMO_REDIRECT_URI)])
}

#[test]
fn client_credentials_give_a_bearer_token_for_the_scopes_asked_for() {
    let emulator = frozen();
    let answer = token(&emulator, "officernd.api.read officernd.api.write");
    assert_eq!(answer.status, 200);
    let access_token = answer.text("access_token");
    assert_eq!(access_token.len(), 40);
    let expected = json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": 3599,
        "scope": "officernd.api.read officernd.api.write" });
    assert_eq!(answer.json(), expected);
    assert_eq!(members(&emulator, &access_token).json()["results"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_missing_excessive_or_comma_separated_scope_is_refused() {
    let emulator = frozen();
    assert_eq!(ask(&emulator, "client_credentials", &[]).text("error"), "invalid_scope");
    for scope in ["flex.billing.payments.create", "officernd.api.read,officernd.api.write"] {
        let answer = token(&emulator, scope);
        assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_scope"), "{scope}");
    }
}

#[test]
fn a_registered_application_is_held_to_its_own_permissions() {
    let emulator = frozen();
    let reader = emulator.officernd().register("Reader", &["officernd.api.read"]);
    assert_eq!((reader.client_id.len(), reader.client_secret.len()), (16, 32));
    let ask = |scope: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &reader.client_id),
            ("client_secret", &reader.client_secret),
            ("scope", scope),
        ];
        post_form(&token_url(&emulator), &form).status
    };
    assert_eq!(ask("officernd.api.read"), 200);
    assert_eq!(ask("officernd.api.write"), 400);
}

#[test]
fn wrong_credentials_a_json_body_and_an_unknown_grant_are_refused() {
    let emulator = frozen();
    let wrong =
        [("grant_type", "client_credentials"), ("client_id", DEMO_CLIENT_ID), ("client_secret", "wrong")];
    let answer = post_form(&token_url(&emulator), &wrong);
    assert_eq!((answer.status, answer.text("error").as_str()), (401, "invalid_client"));
    let json = send_json(&Method::POST, &token_url(&emulator), &json!({ "client_id": DEMO_CLIENT_ID }), &[]);
    assert_eq!((json.status, json.text("error").as_str()), (400, "invalid_request"));
    assert_eq!(ask(&emulator, "password", &[]).text("error"), "unsupported_grant_type");
}

#[test]
fn the_sixth_request_in_a_minute_is_refused_whether_the_others_failed_or_not() {
    let emulator = frozen();
    for attempt in 0..5 {
        let scope = if attempt % 2 == 0 { "officernd.api.read" } else { "nonsense" };
        assert_ne!(token(&emulator, scope).status, 429, "{attempt}");
        emulator.advance(Duration::from_secs(1));
    }
    assert_eq!(emulator.officernd().requests_in_window(DEMO_CLIENT_ID), 5);
    let sixth = token(&emulator, "officernd.api.read");
    assert_eq!(sixth.status, 429);
    assert_eq!(sixth.body, "Too many requests, please try again later");
    assert!(sixth.header("content-type").starts_with("text/plain"));

    emulator.advance(Duration::from_secs(55));
    assert_eq!(token(&emulator, "officernd.api.read").status, 200);
    assert_eq!(token(&emulator, "officernd.api.read").status, 429);
    emulator.officernd().set_requests_per_minute(6);
    assert_eq!(token(&emulator, "officernd.api.read").status, 200);
}

#[test]
fn the_limit_is_counted_for_each_client() {
    let emulator = frozen();
    emulator.officernd().set_requests_per_minute(1);
    let other = emulator.officernd().register("Other", &["officernd.api.read"]);
    assert_eq!(token(&emulator, "officernd.api.read").status, 200);
    assert_eq!(token(&emulator, "officernd.api.read").status, 429);
    let form = [("client_id", other.client_id.as_str())];
    assert_eq!(post_form(&token_url(&emulator), &form).status, 400);
}

#[test]
fn the_organisation_names_its_region_where_the_same_token_works() {
    let emulator = frozen();
    let token = token(&emulator, "flex.community.members.read").text("access_token");
    let organization = api(&emulator, &format!("v2/organizations/{DEMO_ORGANIZATION}"), &token).json();
    let region = organization["regionInfo"]["regionUrl"].as_str().expect("an address").to_owned();
    let url = format!("{region}/api/v1/organizations/{DEMO_ORGANIZATION}/members");
    let answer = get(&url, &[("authorization", &bearer(&token))]);
    assert_eq!(answer.json().as_array().map(Vec::len), Some(2));
    assert_eq!(api(&emulator, "v2/organizations/elsewhere/members", &token).status, 404);
}

#[test]
fn members_need_a_live_token_with_a_reading_scope() {
    let emulator = frozen();
    let writer = token(&emulator, "officernd.api.write").text("access_token");
    assert_eq!(members(&emulator, &writer).status, 403);
    let reader = token(&emulator, "officernd.api.read").text("access_token");
    emulator.advance(Duration::from_secs(3598));
    assert_eq!(members(&emulator, &reader).status, 200);
    emulator.advance(Duration::from_secs(1));
    let expired = members(&emulator, &reader);
    assert_eq!((expired.status, expired.text("message").as_str()), (401, "Unauthorized"));
}

#[test]
fn a_deleted_application_takes_its_tokens_along() {
    let emulator = frozen();
    let (first, second) = (token(&emulator, "officernd.api.read"), token(&emulator, "officernd.api.read"));
    emulator.officernd().revoke_access_token(&first.text("access_token"));
    assert_eq!(members(&emulator, &first.text("access_token")).status, 401);
    assert_eq!(members(&emulator, &second.text("access_token")).status, 200);
    emulator.officernd().revoke_application(DEMO_CLIENT_ID);
    assert_eq!(members(&emulator, &second.text("access_token")).status, 401);
    assert_eq!(token(&emulator, "officernd.api.read").text("error"), "invalid_client");
}

#[test]
fn the_callback_carries_the_organisation_and_the_integration_beside_the_code() {
    let emulator = frozen();
    let page = Browser::new().open(&authorize_url(&emulator, &[("state", "s 1")])).expect("a page");
    let callback = page.grant().expect("a redirect");
    assert_eq!(parameter(&callback, "state").as_deref(), Some("s 1"));
    assert_eq!(parameter(&callback, "org_slug").as_deref(), Some(DEMO_ORGANIZATION));
    assert_eq!(parameter(&callback, "integrationId").as_deref(), Some(DEMO_INTEGRATION));
    let refused = page.refuse().expect("a redirect");
    assert_eq!(parameter(&refused, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&refused, "code"), None);
    let stateless = Browser::new().open(&authorize_url(&emulator, &[])).expect("a page").grant();
    assert_eq!(parameter(&stateless.expect("a redirect"), "state"), None);
}

#[test]
fn a_code_is_redeemed_once_and_within_a_minute() {
    let emulator = frozen();
    let code = granted_code(&emulator);
    let answer = redeem(&emulator, &code);
    assert_eq!((answer.status, answer.text("scope").as_str()), (200, "officernd.api.read"));
    assert_eq!(members(&emulator, &answer.text("access_token")).status, 200);
    assert_eq!(redeem(&emulator, &code).text("error"), "invalid_grant");
    let late = granted_code(&emulator);
    emulator.advance(Duration::from_millis(60_001));
    assert_eq!(redeem(&emulator, &late).text("error"), "invalid_grant");
    let elsewhere = [("code", granted_code(&emulator)), ("redirect_uri", "https://app.example".to_owned())];
    let elsewhere = elsewhere.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(ask(&emulator, "authorization_code", &elsewhere).text("error"), "invalid_grant");
}

#[test]
fn a_refresh_replaces_the_refresh_token() {
    let emulator = frozen();
    let first = redeem(&emulator, &granted_code(&emulator)).text("refresh_token");
    let answer = ask(&emulator, "refresh_token", &[("refresh_token", &first)]);
    assert_eq!(answer.status, 200);
    let second = answer.text("refresh_token");
    assert_ne!(second, first);
    assert_eq!(ask(&emulator, "refresh_token", &[("refresh_token", &first)]).text("error"), "invalid_grant");
    emulator.officernd().revoke_refresh_token(&second);
    assert_eq!(ask(&emulator, "refresh_token", &[("refresh_token", &second)]).text("error"), "invalid_grant");
}

#[test]
fn the_authorize_page_redirects_to_no_unregistered_address() {
    let emulator = frozen();
    emulator.officernd().set_redirect_uris(DEMO_CLIENT_ID, &[]);
    let answer = get(&authorize_url(&emulator, &[]), &[]);
    assert_eq!((answer.status, answer.header("location")), (400, ""));
}

#[test]
fn unknown_paths_are_404_with_a_message() {
    let emulator = frozen();
    let answer = post_form(&format!("{}/token", emulator.base("identity.officernd.com")), &[]);
    assert_eq!((answer.status, answer.text("message").as_str()), (404, "Not Found"));
}

#[test]
fn the_hybrid_host_answers_the_first_version_for_the_same_token() {
    let emulator = frozen();
    let token = token(&emulator, "officernd.api.read").text("access_token");
    let own = bearer(&token);
    let own = [("authorization", own.as_str())];
    let hybrid = emulator.base("hybrid.officernd.com");
    let organization = get(&format!("{hybrid}/api/v1/organizations/{DEMO_ORGANIZATION}"), &own).json();
    assert_eq!(organization["regionInfo"]["regionUrl"].as_str(), Some(hybrid.as_str()));
    let members = get(&format!("{hybrid}/api/v1/organizations/{DEMO_ORGANIZATION}/members"), &own).json();
    assert_eq!(members.as_array().map(Vec::len), Some(2));
    assert_eq!(get(&format!("{hybrid}/api/v2/organizations/{DEMO_ORGANIZATION}"), &own).status, 404);
    assert_eq!(get(&format!("{hybrid}/api/v1/organizations/{DEMO_ORGANIZATION}"), &[]).status, 401);
    assert_eq!(post_form(&format!("{hybrid}/oauth/token"), &[]).status, 404);
}

#[test]
fn the_demo_application_gets_its_code_on_loopback_and_a_registered_one_does_not() {
    let emulator = frozen();
    let page = format!("{}/oauth/authorize", emulator.base("identity.officernd.com"));
    let redirect = emulator.callback();
    let url = |client_id: &str| {
        let own = [("response_type", "code"), ("client_id", client_id), ("redirect_uri", &*redirect)];
        with_query(&page, &own)
    };
    let back = Browser::new().open(&url(DEMO_CLIENT_ID)).expect("a page").grant().expect("a redirect");
    assert!(back.starts_with(&format!("{redirect}?code=")), "{back}");
    let code = parameter(&back, "code").expect("a code");
    assert!(get(&back, &[]).body.contains(&code), "the page at the end shows the code");
    let fields = [("code", code.as_str()), ("redirect_uri", &*redirect)];
    assert_eq!(ask(&emulator, "authorization_code", &fields).status, 200);
    let other = emulator.officernd().register("Other", &["officernd.api.read"]);
    assert_eq!(get(&url(&other.client_id), &[]).status, 400);
}
