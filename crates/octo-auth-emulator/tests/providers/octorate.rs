//! Octorate: the life of a property's tokens, then ApiLogin, addresses, migration, configuration, onboarding.

use std::time::Duration;

use octo_auth_emulator::octorate::{
    DEMO_API_KEY, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_EMAIL, DEMO_NETWORK, DEMO_PROPERTY,
    DEMO_REDIRECT_URI, Expiry, OTHER_PROPERTY,
};
use octo_auth_emulator::{Browser, Emulator};
use serde_json::json;
use ureq::http::Method;

use crate::wire::{Answer, bearer, frozen, get, parameter, post_form, post_form_with, send_json, with_query};

const CREDENTIALS: [(&str, &str); 2] = [("client_id", DEMO_CLIENT_ID), ("client_secret", DEMO_CLIENT_SECRET)];

fn api(emulator: &Emulator, path: &str) -> String {
    format!("{}/connect/rest/{path}", emulator.base("api.octorate.com"))
}

fn authorize_url(emulator: &Emulator, extra: &[(&str, &str)]) -> String {
    let page = format!("{}/octobook/identity/oauth.xhtml", emulator.base("admin.octorate.com"));
    let own = [("client_id", DEMO_CLIENT_ID), ("redirect_uri", DEMO_REDIRECT_URI)];
    with_query(&page, &[&own, extra].concat())
}

fn granted_code(emulator: &Emulator) -> String {
    let page = Browser::new().open(&authorize_url(emulator, &[])).expect("a page");
    parameter(&page.grant().expect("a redirect"), "code").expect("a code")
}

fn redeem(emulator: &Emulator, code: &str, changed: Option<(&str, &str)>) -> Answer {
    let mut form = [
        CREDENTIALS[0],
        CREDENTIALS[1],
        ("grant_type", "code"),
        ("code", code),
        ("redirect_uri", DEMO_REDIRECT_URI),
    ];
    if let Some((name, value)) = changed {
        form.iter_mut().find(|(known, _)| *known == name).expect("a known field").1 = value;
    }
    post_form(&api(emulator, "v1/identity/token"), &form)
}

fn refresh(emulator: &Emulator, token: &str) -> Answer {
    let form = [CREDENTIALS[0], CREDENTIALS[1], ("refresh_token", token)];
    post_form(&api(emulator, "v1/identity/refresh"), &form)
}

fn api_login(emulator: &Emulator) -> String {
    post_form(&api(emulator, "v1/identity/apilogin"), &CREDENTIALS).text("access_token")
}

fn reservations(emulator: &Emulator, token: &str, property: &str) -> Answer {
    get(&api(emulator, &format!("v1/reservation/{property}")), &[("authorization", &bearer(token))])
}

fn create(emulator: &Emulator, body: &serde_json::Value) -> Answer {
    let token = bearer(&api_login(emulator));
    send_json(&Method::POST, &api(emulator, "v2/accommodation"), body, &[("authorization", &token)])
}

#[test]
fn a_granted_consent_returns_code_and_state_to_the_registered_address_unchanged() {
    let emulator = frozen();
    let page = Browser::new().open(&authorize_url(&emulator, &[("state", "a&b=c d/é")])).expect("a page");
    assert_eq!(page.status, 200);
    assert!(page.html.contains("Demo Application") && page.html.contains("Hotel Aurora"));
    let callback = page.grant().expect("a redirect");
    assert!(callback.starts_with("https://localhost?code="), "{callback}");
    assert_eq!(parameter(&callback, "state").as_deref(), Some("a&b=c d/é"));
    let code = parameter(&callback, "code").expect("a code");
    assert_eq!(code.len(), 64);
    assert!(code.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn a_refused_consent_returns_an_error_and_no_code() {
    let emulator = frozen();
    let page = Browser::new().open(&authorize_url(&emulator, &[("state", "s")])).expect("a page");
    assert_eq!(page.refuse().expect("a redirect"), "https://localhost?error=access_denied&state=s");
}

#[test]
fn the_authorize_page_names_any_parameter_beyond_its_three() {
    let emulator = frozen();
    for name in ["response_type", "scope", "code_challenge"] {
        let page = Browser::new().open(&authorize_url(&emulator, &[(name, "x")])).expect("a page");
        assert_eq!(page.status, 400);
        assert!(page.html.contains(&format!("The parameter {name} is unknown")), "{}", page.html);
        assert!(page.grant().is_err());
    }
}

#[test]
fn the_redirect_uri_is_compared_byte_for_byte_and_never_followed_when_it_differs() {
    let emulator = frozen();
    let page = format!("{}/octobook/identity/oauth.xhtml", emulator.base("admin.octorate.com"));
    emulator.octorate().set_redirect_uris(DEMO_CLIENT_ID, &["https://localhost", "http://localhost"]);
    for (client_id, redirect_uri) in [
        (DEMO_CLIENT_ID, "https://localhost/"),
        (DEMO_CLIENT_ID, "http://localhost"),
        ("public_ffffffffffffffffffffffffffffffff", "https://localhost"),
    ] {
        let url = with_query(&page, &[("client_id", client_id), ("redirect_uri", redirect_uri)]);
        let answer = get(&url, &[]);
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{redirect_uri}");
    }
}

#[test]
fn a_code_becomes_tokens_of_the_documented_shapes() {
    let emulator = frozen();
    let answer = redeem(&emulator, &granted_code(&emulator), None);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text("access_token").len(), 72);
    let refresh_token = answer.text("refresh_token");
    assert_eq!(refresh_token.len(), 34);
    assert!(refresh_token[32..].bytes().all(|byte| byte.is_ascii_uppercase()));
    assert_eq!(answer.text("expireDate"), "2023-11-15T22:13:20.000Z");
    assert_eq!(answer.json().as_object().map(serde_json::Map::len), Some(3));
}

#[test]
fn a_code_dies_after_one_use_and_after_one_minute() {
    let emulator = frozen();
    let code = granted_code(&emulator);
    assert_eq!(redeem(&emulator, &code, None).status, 200);
    let again = redeem(&emulator, &code, None);
    assert_eq!((again.status, again.text("type").as_str()), (400, "ApiParamsExemption"));

    let in_time = granted_code(&emulator);
    emulator.advance(Duration::from_secs(60));
    assert_eq!(redeem(&emulator, &in_time, None).status, 200);
    let late = granted_code(&emulator);
    emulator.advance(Duration::from_millis(60_001));
    assert_eq!(redeem(&emulator, &late, None).status, 400);
}

#[test]
fn a_code_exchange_refuses_every_departure_from_the_document() {
    let emulator = frozen();
    for (field, value, status, element) in [
        ("client_secret", "secret_wrong", 403, None),
        ("grant_type", "authorization_code", 400, Some("grant_type")),
        ("redirect_uri", "https://localhost/", 400, Some("redirect_uri")),
        ("code", "", 400, Some("code")),
    ] {
        let answer = redeem(&emulator, &granted_code(&emulator), Some((field, value)));
        assert_eq!(answer.status, status, "{field}");
        assert_eq!(answer.json()["element"].as_str(), element, "{field}");
    }
    let url = api(&emulator, "v1/identity/token");
    assert_eq!(send_json(&Method::POST, &url, &json!({ "grant_type": "code" }), &[]).status, 415);
}

#[test]
fn a_refresh_gives_an_access_token_and_keeps_the_refresh_token() {
    let emulator = frozen();
    let first = redeem(&emulator, &granted_code(&emulator), None);
    let answer = refresh(&emulator, &first.text("refresh_token"));
    assert_eq!(answer.status, 200);
    assert!(answer.json().get("refresh_token").is_none());
    assert_eq!(reservations(&emulator, &answer.text("access_token"), DEMO_PROPERTY).status, 200);
    assert_eq!(refresh(&emulator, &first.text("refresh_token")).status, 200);
}

#[test]
fn a_refresh_rotates_and_states_its_lifetime_in_seconds_when_told_to() {
    let emulator = frozen();
    emulator.octorate().rotate_refresh_tokens(true);
    emulator.octorate().set_expiry(Expiry::Seconds);
    let first = redeem(&emulator, &granted_code(&emulator), None);
    let second = refresh(&emulator, &first.text("refresh_token"));
    assert_ne!(second.text("refresh_token"), first.text("refresh_token"));
    assert_eq!(second.json()["expires_in"], json!(86_400));
    assert!(second.json().get("expireDate").is_none());
    assert_eq!(refresh(&emulator, &first.text("refresh_token")).status, 400);
}

#[test]
fn a_cancelled_refresh_token_and_a_removed_application_are_refused() {
    let emulator = frozen();
    let first = redeem(&emulator, &granted_code(&emulator), None);
    emulator.octorate().revoke_refresh_token(&first.text("refresh_token"));
    assert_eq!(refresh(&emulator, &first.text("refresh_token")).status, 400);
    assert_eq!(reservations(&emulator, &first.text("access_token"), DEMO_PROPERTY).status, 200);
    emulator.octorate().revoke_application(DEMO_CLIENT_ID);
    assert_eq!(reservations(&emulator, &first.text("access_token"), DEMO_PROPERTY).status, 401);
    assert_eq!(refresh(&emulator, &first.text("refresh_token")).text("type"), "ApiSecurityException");
}

#[test]
fn an_expired_access_token_is_refused_with_403_and_a_missing_or_unknown_one_with_401() {
    let emulator = frozen();
    let token = redeem(&emulator, &granted_code(&emulator), None).text("access_token");
    emulator.advance(Duration::from_secs(86_399));
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).status, 200);
    emulator.advance(Duration::from_secs(1));
    let expired = reservations(&emulator, &token, DEMO_PROPERTY);
    assert_eq!(expired.status, 403);
    assert_eq!(
        expired.json(),
        json!({ "type": "ApiLoginExpired", "message": "Expired Token", "nested": [] })
    );

    let unknown = reservations(&emulator, "nonsense", DEMO_PROPERTY);
    assert_eq!((unknown.status, unknown.text("type").as_str()), (401, "ApiKeyInvalid"));
    let missing = get(&api(&emulator, "v1/accommodation"), &[]);
    assert_eq!((missing.status, missing.text("type").as_str()), (401, "ApiKeyMissing"));
}

#[test]
fn tokens_can_be_expired_or_forgotten_from_outside() {
    let emulator = frozen();
    let token = redeem(&emulator, &granted_code(&emulator), None).text("access_token");
    emulator.octorate().expire_access_tokens();
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).text("type"), "ApiLoginExpired");
    emulator.octorate().revoke_access_token(&token);
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).text("type"), "ApiKeyInvalid");
}

#[test]
fn a_property_token_reaches_its_property_alone() {
    let emulator = frozen();
    let token = redeem(&emulator, &granted_code(&emulator), None).text("access_token");
    let list = get(&api(&emulator, "v1/accommodation"), &[("authorization", &bearer(&token))]);
    assert_eq!(list.json()["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(list.json()["data"][0]["id"], json!(DEMO_PROPERTY));
    let other = reservations(&emulator, &token, OTHER_PROPERTY);
    let body =
        json!({ "message": "errNoResourcesForIdentity", "nested": [], "type": "ApiSecurityException" });
    assert_eq!((other.status, other.json()), (403, body));
}

#[test]
fn the_owner_at_the_consent_page_decides_which_property_is_granted() {
    let emulator = frozen();
    emulator.octorate().seat_owner_of(OTHER_PROPERTY);
    let token = redeem(&emulator, &granted_code(&emulator), None).text("access_token");
    assert_eq!(reservations(&emulator, &token, OTHER_PROPERTY).status, 200);
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).status, 403);
}

#[test]
fn an_api_login_token_administers_for_a_year_and_has_no_refresh_token() {
    let emulator = frozen();
    let answer = post_form(&api(&emulator, "v1/identity/apilogin"), &CREDENTIALS);
    assert_eq!(answer.text("expireDate"), "2024-11-13T22:13:20.000Z");
    assert!(answer.json().get("refresh_token").is_none());
    let token = answer.text("access_token");
    let list = get(&api(&emulator, "v1/accommodation"), &[("authorization", &bearer(&token))]);
    assert_eq!(list.json()["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).text("message"), "errNoResourcesForIdentity");
}

#[test]
fn an_api_login_token_reaches_properties_from_a_whitelisted_address() {
    let emulator = frozen();
    let token = api_login(&emulator);
    let octorate = emulator.octorate();
    octorate.allow_address(DEMO_CLIENT_ID, "203.0.113.7").expect("an address");
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).status, 403);
    octorate.allow_address(DEMO_CLIENT_ID, "127.0.0.0/30").expect("a block");
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).status, 200);
    assert_eq!(reservations(&emulator, &token, "999999").status, 403);
    for wrong in [
        "::1",
        "127.0.0.1/33",
        "localhost",
        "",
        "010.0.0.1",
        "010.0.0.0/8",
        "10.0.0.0/08",
        "10.0.0.5/8",
        "::ffff:10.0.0.1",
    ] {
        assert!(octorate.allow_address(DEMO_CLIENT_ID, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn no_header_changes_the_address_that_is_whitelisted_or_not() {
    let emulator = frozen();
    let token = api_login(&emulator);
    let reservations = |claimed: &str| {
        let forwarded = format!("for={claimed}");
        let headers = [
            ("authorization", bearer(&token)),
            ("x-forwarded-for", claimed.to_owned()),
            ("forwarded", forwarded),
            ("x-real-ip", claimed.to_owned()),
        ];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        get(&api(&emulator, &format!("v1/reservation/{DEMO_PROPERTY}")), &headers)
    };
    emulator.octorate().allow_address(DEMO_CLIENT_ID, "203.0.113.7").expect("an address");
    let denied = reservations("203.0.113.7");
    assert_eq!((denied.status, denied.text("message").as_str()), (403, "errNoResourcesForIdentity"));
    emulator.octorate().allow_address(DEMO_CLIENT_ID, "127.0.0.1").expect("an address");
    assert_eq!(reservations("198.51.100.1").status, 200);
}

#[test]
fn an_old_api_key_is_exchanged_once_for_each_property() {
    let emulator = frozen();
    let url = api(&emulator, "v1/identity/migrate");
    let migrate =
        |key: &str, property: &str| post_form_with(&url, &[("accommodation", property)], &[("key", key)]);
    let answer = migrate(DEMO_API_KEY, DEMO_PROPERTY);
    assert_eq!(answer.status, 200);
    assert_eq!(refresh(&emulator, &answer.text("refresh_token")).status, 200);
    assert_eq!(migrate(DEMO_API_KEY, DEMO_PROPERTY).status, 400);
    assert_eq!(migrate(DEMO_API_KEY, OTHER_PROPERTY).status, 200);
    assert_eq!(migrate(DEMO_API_KEY, "999999").status, 403);
    assert_eq!(migrate("wrong", DEMO_PROPERTY).text("type"), "ApiKeyInvalid");
    assert_eq!(post_form(&url, &[("accommodation", DEMO_PROPERTY)]).text("type"), "ApiKeyMissing");
}

#[test]
fn the_configuration_tells_where_to_authorize_and_replaces_the_redirect_list() {
    let emulator = frozen();
    let url = api(&emulator, "v1/api/configuration");
    let token = bearer(&api_login(&emulator));
    let own = [("authorization", token.as_str())];
    let before = get(&url, &own).json();
    assert_eq!(before["redirectUri"], json!([DEMO_REDIRECT_URI]));
    assert_eq!(before["authorizationPages"][0]["name"], json!("Octorate Identity page"));
    let page = before["authorizationPages"][0]["url"].as_str().expect("an address");
    assert!(authorize_url(&emulator, &[]).starts_with(page));

    let list =
        json!({ "redirectUri": ["https://a.example/", "https://b.example"], "environment": "PRODUCTION" });
    assert_eq!(send_json(&Method::PATCH, &url, &list, &own).status, 200);
    let after = get(&url, &own).json();
    assert_eq!(after["redirectUri"], list["redirectUri"]);
    assert_eq!(after["environment"], json!("PRODUCTION"));
    let plain = json!({ "redirectUri": ["http://a.example"] });
    assert_eq!(send_json(&Method::PATCH, &url, &plain, &own).status, 400);
    assert_eq!(send_json(&Method::PATCH, &url, &json!({ "redirectUri": null }), &own).status, 200);
    assert_eq!(get(&url, &own).json()["redirectUri"], json!([]));
    assert_eq!(get(&authorize_url(&emulator, &[]), &[]).status, 400);
}

#[test]
fn the_configuration_is_closed_to_a_property_token() {
    let emulator = frozen();
    let token = redeem(&emulator, &granted_code(&emulator), None).text("access_token");
    let answer = get(&api(&emulator, "v1/api/configuration"), &[("authorization", &bearer(&token))]);
    assert_eq!(answer.status, 403);
}

#[test]
fn a_created_property_comes_with_a_refresh_token_that_works_at_once() {
    let emulator = frozen();
    let answer = create(&emulator, &json!({ "name": "Villa Nuova", "email": "new@villa.example" }));
    assert_eq!((answer.status, answer.text("status").as_str()), (200, "CREATED_ACCOMMODATION"));
    assert!(answer.json().get("access_token").is_none());
    let renewed = refresh(&emulator, &answer.text("refresh_token"));
    assert_eq!(reservations(&emulator, &renewed.text("access_token"), &answer.text("id")).status, 200);
}

#[test]
fn properties_of_a_network_share_one_refresh_token() {
    let emulator = frozen();
    let first = create(&emulator, &json!({ "name": "One", "networkName": DEMO_NETWORK }));
    assert_eq!(first.text("status"), "created");
    assert_eq!(first.json()["refresh_properties"], json!([OTHER_PROPERTY, first.text("id")]));
    let second = create(&emulator, &json!({ "name": "Two", "networkName": DEMO_NETWORK }));
    assert_eq!(second.text("refresh_token"), first.text("refresh_token"));
    let token = refresh(&emulator, &first.text("refresh_token")).text("access_token");
    assert_eq!(reservations(&emulator, &token, &second.text("id")).status, 200);
}

#[test]
fn a_property_that_exists_an_unknown_network_and_a_wrong_token_create_nothing() {
    let emulator = frozen();
    let existing = create(&emulator, &json!({ "name": "Copy", "email": DEMO_EMAIL }));
    assert_eq!(
        (existing.status, existing.json()),
        (412, json!({ "status": "existing", "id": DEMO_PROPERTY }))
    );
    let network = create(&emulator, &json!({ "name": "Lost", "networkName": "Unknown" }));
    assert_eq!(network.status, 400);
    let body = json!({ "element": "$.networkName", "message": "Master account not found or invalid", "nested": [],
        "type": "ApiParamsExemption" });
    assert_eq!(network.json(), body);
    let token = bearer(&redeem(&emulator, &granted_code(&emulator), None).text("access_token"));
    let url = api(&emulator, "v2/accommodation");
    let wrong = send_json(&Method::POST, &url, &json!({ "name": "No" }), &[("authorization", &token)]);
    assert_eq!(wrong.status, 403);
}

#[test]
fn the_quota_is_counted_down_and_ends_with_403() {
    let emulator = frozen();
    emulator.octorate().set_quota(2);
    let token = redeem(&emulator, &granted_code(&emulator), None).text("access_token");
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).header("x-ratelimit-remaining"), "1");
    assert_eq!(reservations(&emulator, &token, OTHER_PROPERTY).header("x-ratelimit-remaining"), "0");
    let spent = reservations(&emulator, &token, DEMO_PROPERTY);
    assert_eq!((spent.status, spent.text("type").as_str()), (403, "ApiQuotaException"));
    emulator.advance(Duration::from_secs(300));
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).status, 200);
}

#[test]
fn a_second_application_has_credentials_of_the_documented_shapes_and_its_own_codes() {
    let emulator = frozen();
    let other = emulator.octorate().register("Other <b>Application</b>");
    assert_eq!((other.client_id.len(), other.client_secret.len()), (39, 49));
    let code = granted_code(&emulator);
    let form = [
        ("client_id", other.client_id.as_str()),
        ("client_secret", other.client_secret.as_str()),
        ("grant_type", "code"),
        ("code", code.as_str()),
        ("redirect_uri", DEMO_REDIRECT_URI),
    ];
    assert_eq!(post_form(&api(&emulator, "v1/identity/token"), &form).status, 400);
    assert_eq!(redeem(&emulator, &code, None).status, 200);
    let page = format!("{}/octobook/identity/oauth.xhtml", emulator.base("admin.octorate.com"));
    let own = [("client_id", other.client_id.as_str()), ("redirect_uri", DEMO_REDIRECT_URI)];
    let html = Browser::new().open(&with_query(&page, &own)).expect("a page").html;
    assert!(html.contains("Other &lt;b&gt;Application&lt;/b&gt;") && !html.contains("<b>"));
}

#[test]
fn unknown_paths_are_an_empty_404_and_wrong_methods_a_405() {
    let emulator = frozen();
    for path in ["v1/identity/token/", "v1/oauth/token", "v2/identity/token"] {
        let answer = post_form(&api(&emulator, path), &CREDENTIALS);
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
    }
    assert_eq!(get(&api(&emulator, "v1/identity/token"), &[]).status, 405);
}

#[test]
fn a_call_in_the_wrong_environment_is_refused_until_it_fits_again_and_tokens_come_all_the_same() {
    let emulator = frozen();
    let first = redeem(&emulator, &granted_code(&emulator), None);
    let token = first.text("access_token");
    emulator.octorate().set_environment_mismatch(true);
    let refused = reservations(&emulator, &token, DEMO_PROPERTY);
    assert_eq!((refused.status, refused.text("type").as_str()), (403, "WrongEnviroment"));
    assert_eq!(refresh(&emulator, &first.text("refresh_token")).status, 200);
    emulator.octorate().set_environment_mismatch(false);
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).status, 200);
}

#[test]
fn an_application_that_may_only_read_creates_nothing_and_is_told_in_plain_text() {
    let emulator = frozen();
    emulator.octorate().set_read_only(DEMO_CLIENT_ID, true);
    let token = bearer(&api_login(&emulator));
    let own = [("authorization", token.as_str())];
    let configuration = get(&api(&emulator, "v1/api/configuration"), &own).json();
    assert_eq!(configuration["permissions"]["accommodation"], json!("READONLY"));
    let refused = create(&emulator, &json!({ "name": "Villa Nuova" }));
    assert_eq!((refused.status, refused.body.as_str()), (403, "Caller not in requested role"));
    assert!(refused.header("content-type").starts_with("text/plain"));
    assert_eq!(get(&api(&emulator, "v1/accommodation"), &own).status, 200);
    emulator.octorate().set_read_only(DEMO_CLIENT_ID, false);
    assert_eq!(create(&emulator, &json!({ "name": "Villa Nuova" })).status, 200);
}

#[test]
fn an_error_of_a_partner_is_550_once_at_the_api_and_at_the_token_endpoints() {
    let emulator = frozen();
    let first = redeem(&emulator, &granted_code(&emulator), None);
    let (token, refresh_token) = (first.text("access_token"), first.text("refresh_token"));
    emulator.octorate().answer_next_with_partner_error();
    let failed = reservations(&emulator, &token, DEMO_PROPERTY);
    assert_eq!((failed.status, failed.text("type").as_str()), (550, "ApiPartnerServerError"));
    assert_eq!(reservations(&emulator, &token, DEMO_PROPERTY).status, 200);
    emulator.octorate().answer_next_with_partner_error();
    assert_eq!(refresh(&emulator, &refresh_token).status, 550);
    assert_eq!(refresh(&emulator, &refresh_token).status, 200);
}

#[test]
fn a_redirect_to_loopback_over_http_is_not_sent_back_to() {
    let emulator = frozen();
    let page = format!("{}/octobook/identity/oauth.xhtml", emulator.base("admin.octorate.com"));
    let callback = emulator.callback();
    let url = with_query(&page, &[("client_id", DEMO_CLIENT_ID), ("redirect_uri", &callback)]);
    assert_eq!(get(&url, &[]).status, 400);
}
