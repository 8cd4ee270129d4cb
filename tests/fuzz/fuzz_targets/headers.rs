//! Arbitrary headers around a sound body and around a refusal.
#![no_main]

use http::{HeaderName, HeaderValue, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use octo_auth_fuzz::{asked, check};

const NAMES: [&str; 10] = [
    "age",
    "cache-control",
    "content-encoding",
    "content-type",
    "date",
    "location",
    "retry-after",
    "www-authenticate",
    "x-ratelimit-remaining",
    "x-other",
];

fuzz_target!(|data: &[u8]| {
    let [choice, status, rest @ ..] = data else { return };
    let body: &[u8] = br#"{"access_token":"AT","token_type":"Bearer","expires_in":3600,"expireDate":"2026-01-01T01:00:00Z"}"#;
    let mut response = Response::new(body);
    let statuses = [200, 201, 206, 302, 400, 401, 403, 429, 503, 550];
    *response.status_mut() =
        StatusCode::from_u16(statuses[usize::from(*status) % statuses.len()]).expect("a status");
    for line in rest.split(|byte| *byte == b'\n').take(300) {
        let Some((name, value)) = line.split_first() else { continue };
        let name = HeaderName::from_static(NAMES[usize::from(*name) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            response.headers_mut().append(name, value);
        }
    }
    check(asked(*choice, status / 16), &response);
});
