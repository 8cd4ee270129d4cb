//! Responses of token endpoints: those of RFC 6749, and arbitrary others.

use http::{HeaderName, HeaderValue, Response, StatusCode};
use proptest::prelude::*;
use proptest::sample::select;

use crate::response::{json, with};

/// Generates any response: any status, known headers with odd values, bodies with odd members or of arbitrary bytes.
/// Code that reads responses must return a value or an error for each.
pub fn answers() -> impl Strategy<Value = Response<Vec<u8>>> {
    (statuses(), headers(), bodies()).prop_map(|(status, headers, body)| response(status, &headers, body))
}

/// Generates a successful token response (RFC 6749 section 5.1). The access token is valid in a header. Lifetime (in
/// seconds), refresh token, scope and an unknown member are optional.
pub fn token_answers() -> impl Strategy<Value = Response<Vec<u8>>> {
    let lifetime = prop_oneof![select(vec![0, 1, 60, 1440, 3599, 86_400]), any::<u32>()];
    let (refresh_token, scope) =
        (prop::option::of("[!-~]{1,60}"), prop::option::of("[a-z.:/]{1,9}( [a-z]{1,9}){0,3}"));
    (
        "[!-~]{1,200}",
        prop::option::weighted(0.9, lifetime),
        refresh_token,
        scope,
        prop::option::of(odd_values()),
    )
        .prop_map(|(token, lifetime, refresh_token, scope, other)| {
            let text = |text: String| serde_json::Value::from(text).to_string();
            let mut members =
                vec![format!(r#""access_token":{}"#, text(token)), r#""token_type":"Bearer""#.into()];
            members.extend(lifetime.map(|seconds| format!(r#""expires_in":{seconds}"#)));
            members.extend(refresh_token.map(|token| format!(r#""refresh_token":{}"#, text(token))));
            members.extend(scope.map(|scope| format!(r#""scope":{}"#, text(scope))));
            members.extend(other.map(|value| format!(r#""other":{value}"#)));
            json(200, &format!("{{{}}}", members.join(",")))
        })
}

/// Generates an error response: an OAuth error (RFC 6749 section 5.2), throttling, an HTML page of a gateway, or an
/// empty body.
pub fn error_answers() -> impl Strategy<Value = Response<Vec<u8>>> {
    let codes = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "temporarily_unavailable",
        "something_else",
    ];
    let coded = (select(vec![400_u16, 401, 403]), select(codes.to_vec()), prop::option::of("[ -~]{0,40}"));
    let coded = coded.prop_map(|(status, code, description)| {
        let description = description.map(serde_json::Value::from);
        let description = description.map(|text| format!(r#","error_description":{text}"#));
        json(status, &format!(r#"{{"error":"{code}"{}}}"#, description.unwrap_or_default()))
    });
    let busy = (select(vec![429_u16, 503]), prop::option::of(any::<u16>())).prop_map(|(status, seconds)| {
        let seconds = seconds.map(|seconds| seconds.to_string());
        let after: Vec<_> = seconds.as_deref().map(|seconds| ("retry-after", seconds)).into_iter().collect();
        with(status, &after, "")
    });
    let pages = select(vec![500_u16, 502, 503, 504, 404, 405, 408]);
    let pages = pages.prop_map(|status| with(status, &[("content-type", "text/html")], "<p>sorry</p>"));
    prop_oneof![4 => coded, 2 => busy, 2 => pages, 1 => Just(with(200, &[], ""))]
}

/// Generates a JSON value as text, for any member of a response. Odd values are frequent.
pub fn odd_values() -> impl Strategy<Value = String> {
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

fn response(status: u16, headers: &[(HeaderName, Vec<u8>)], body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            response.headers_mut().append(name.clone(), value);
        }
    }
    response
}

/// Generates a status: one with a special meaning, or any other.
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

/// Generates an object with members that a reader of some response asks for.
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
    let member = (prop::sample::select(names.to_vec()), odd_values());
    prop::collection::vec(member, 0..8).prop_map(|members| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![3 => objects(), 1 => prop::collection::vec(any::<u8>(), 0..200)]
}
