//! Whatever a server sends, reading ends with a value or an error, and never with a panic or a token that cannot
//! stand in a header.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use http::{HeaderName, HeaderValue, Response, StatusCode};
use octo_auth_core::{Exchange, Reply, Scopes, Secret, TokenSet, TokenTypeHint};
use octo_auth_tests::registration::{
    admin_token, entropy, octorate, octotable, officernd, property_token, standard,
};
use octo_auth_tests::{canary, moment, reply};
use proptest::prelude::*;

/// The token requests of the four profiles.
fn token_requests() -> Vec<Exchange<TokenSet>> {
    let refresh_token = Secret::from("old-refresh-token");
    vec![
        octotable().client_credentials(&Scopes::none()).unwrap(),
        officernd().client_credentials(&Scopes::parse("a b").unwrap()).unwrap(),
        octorate().refresh(&refresh_token).unwrap(),
        octorate().migrate(&refresh_token, "1").unwrap(),
        standard().refresh(&refresh_token).unwrap(),
    ]
}

/// Reads an answer to any exchange; an error's texts are written out as well.
fn total<T: Reply + std::fmt::Debug>(exchange: Exchange<T>, response: &Response<Vec<u8>>) {
    match exchange.finish(response, moment::start(), moment::after(1)) {
        Ok(answer) => drop(canary::shown(&answer)),
        Err(error) => {
            drop((canary::shown_by_error(&error), error.retry(), error.remedy().to_string()));
        }
    }
}

fn response(status: u16, headers: &[(HeaderName, Vec<u8>)], body: &[u8]) -> Response<Vec<u8>> {
    let mut response = Response::new(body.to_vec());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            response.headers_mut().append(name.clone(), value);
        }
    }
    response
}

/// Statuses that are read in a way of their own, and any other.
fn statuses() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(200), 1 => prop::sample::select(vec![201, 204, 302, 400, 401, 403, 412, 429, 503]), 2 => 100_u16..1000]
}

fn headers() -> impl Strategy<Value = Vec<(HeaderName, Vec<u8>)>> {
    use http::header as h;
    let names = [
        h::CONTENT_TYPE,
        h::CONTENT_ENCODING,
        h::RETRY_AFTER,
        h::DATE,
        h::AGE,
        h::CACHE_CONTROL,
        h::WWW_AUTHENTICATE,
        h::LOCATION,
    ];
    let words = [
        "application/json",
        "identity",
        "30",
        "-1",
        "Thu, 01 Jan 2026 00:00:00 GMT",
        "Bearer error=\"x",
        "https://a/?b",
        "99999999999999999999",
    ];
    let value = prop_oneof![
        prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec((prop::sample::select(names.to_vec()), value), 0..5)
}

/// A JSON value, odd ones among them.
fn values() -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "\"Bearer\"",
        "\"AT\"",
        "0",
        "-1",
        "3600",
        "\"3600\"",
        "1e999",
        "-0",
        "99999999999999999999999999",
        "\"2026-01-01T01:00:00Z\"",
        "\"2026-01-01T01:00:00Z[UTC]\"",
        "\"9999-99-99\"",
        "\"\\ud800\"",
        "\"a\\u0000b\"",
        "\"a b\"",
        "{\"code\":\"X\",\"message\":7}",
        "[{\"client_id\":\"c\"}]",
        "[[[[[[]]]]]]",
    ];
    prop_oneof![
        3 => prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        1 => any::<f64>().prop_filter("JSON has no such number", |number| number.is_finite()).prop_map(|number| number.to_string()),
        1 => any::<i128>().prop_map(|number| number.to_string()),
        1 => any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
    ]
}

/// An object of members that some reading asks for.
fn objects() -> impl Strategy<Value = Vec<u8>> {
    let names = [
        "access_token",
        "accessToken",
        "refresh_token",
        "token_type",
        "type",
        "expires_in",
        "expireDate",
        "scope",
        "error",
        "error_description",
        "error_uri",
        "message",
        "data",
        "status",
        "id",
        "refresh_properties",
        "active",
        "exp",
        "authorizationPages",
        "redirectUri",
        "environment",
        "other",
    ];
    let member = (prop::sample::select(names.to_vec()), values());
    prop::collection::vec(member, 0..8).prop_map(|members| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![3 => objects(), 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #[test]
    fn a_token_that_was_read_can_always_stand_in_a_header(
        status in statuses(), headers in headers(), body in bodies()
    ) {
        for exchange in token_requests() {
            let response = response(status, &headers, &body);
            if let Ok(answer) = exchange.finish(&response, moment::start(), moment::after(1)) {
                let token = answer.value.access_token().expose().to_owned();
                prop_assert!(response.status().is_success());
                prop_assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(answer.value.authorization(), format!("Bearer {token}"));
                prop_assert!(answer.value.lifetime().is_none_or(|life| life <= octo_auth_core::LONGEST_LIFETIME));
            }
        }
    }

    #[test]
    fn every_exchange_reads_every_answer(status in statuses(), headers in headers(), body in bodies()) {
        let response = response(status, &headers, &body);
        let (admin, token) = (admin_token(octorate().profile(), "admin"), Secret::from("token-in-question"));
        for exchange in token_requests() {
            total(exchange, &response);
        }
        total(octorate().api_login().unwrap(), &response);
        total(octorate().api_configuration(&admin).unwrap(), &response);
        total(octorate().replace_redirect_uris(&admin, None).unwrap(), &response);
        total(octorate().create_property(&admin, "{}").unwrap(), &response);
        total(standard().revoke(&token, TokenTypeHint::AccessToken).unwrap(), &response);
        total(standard().introspect(&token).unwrap(), &response);
        let request = http::Request::get("https://api.octorate.com/").body(octo_auth_core::Body::empty());
        total(octorate().api_call(&property_token(octorate().profile(), "t"), request.unwrap()).unwrap(), &response);
    }

    #[test]
    fn an_odd_optional_member_never_costs_a_token(
        name in prop::sample::select(vec!["refresh_token", "expires_in", "expireDate", "scope", "other"]),
        value in values(),
    ) {
        let body = format!(r#"{{"access_token":"AT","token_type":"Bearer","type":"Bearer","{name}":{value}}}"#);
        let plain = body.replace(r#""type":"Bearer","#, "");
        for exchange in token_requests() {
            // At Octorate `type` is the member an error is known by.
            let octorates = exchange.request().uri().host() == Some("api.octorate.com");
            let answer = reply::read(exchange, &reply::json(200, if octorates { &plain } else { &body }));
            let token = answer.unwrap().value.access_token().expose().to_owned();
            prop_assert_eq!(token, "AT");
        }
    }

    #[test]
    fn every_number_is_a_lifetime_or_none(number in prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u128>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("JSON has no such number", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,5})?",
    ]) {
        for member in ["expires_in", "expireDate"] {
            let body = format!(r#"{{"access_token":"AT","{member}":{number}}}"#);
            let exchange = octorate().refresh(&Secret::from("old-refresh-token")).unwrap();
            let life = reply::read(exchange, &reply::json(200, &body)).unwrap().value.lifetime();
            prop_assert!(life.is_none_or(|life| life <= octo_auth_core::LONGEST_LIFETIME));
        }
    }

    #[test]
    fn a_whole_number_of_seconds_is_that_many_seconds(seconds in 0_u64..=315_360_000) {
        let body = format!(r#"{{"access_token":"AT","expires_in":{seconds}}}"#);
        let exchange = octorate().refresh(&Secret::from("old-refresh-token")).unwrap();
        let life = reply::read(exchange, &reply::json(200, &body)).unwrap().value.lifetime();
        prop_assert_eq!(life, Some(std::time::Duration::from_secs(seconds)));
    }

    #[test]
    fn a_callback_is_a_code_or_a_refusal_and_without_the_state_never_a_code(text in any::<String>()) {
        let (_, pending) = octorate().authorize("https://localhost", &Scopes::none(), entropy()).unwrap();
        let rejected = pending.receive(&text, moment::start()).map(drop).unwrap_err();
        drop(canary::shown_by_error(&rejected));
        prop_assert!(rejected.pending.is_some());
    }

    #[test]
    fn a_sign_in_cut_short_is_not_read_back(cut in any::<prop::sample::Index>()) {
        let (_, pending) = standard().authorize("https://localhost", &Scopes::none(), entropy()).unwrap();
        let json = pending.to_json();
        let whole = json.expose();
        let end = cut.index(whole.len());
        prop_assert!(octo_auth_core::Pending::from_json(whole).is_some());
        prop_assert!(octo_auth_core::Pending::from_json(&whole[..end]).is_none());
    }
}
