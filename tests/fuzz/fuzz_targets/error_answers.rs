//! Arbitrary bodies as refusals, of a token endpoint and of an API.
#![no_main]

use http::{Request, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use octo_auth_core::{AccessToken, Body, TokenSet};
use octo_auth_fuzz::{ACCESS_TOKEN, NOW, asked, check, client};

fuzz_target!(|data: &[u8]| {
    let [choice, grant, status, body @ ..] = data else { return };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(300 + 2 * u16::from(*status)).expect("a status below 1000");
    check(asked(*choice, *grant), &response);
    api(*choice, &response);
});

/// Checks the same answer as one of an API: it must always have a meaning, and only its own body may be shown.
fn api(choice: u8, response: &Response<&[u8]>) {
    let client = client(choice);
    let Some(url) = client.profile().api_origins().next() else { return };
    let access_token = AccessToken::new(ACCESS_TOKEN).expect("a sound token");
    let token = TokenSet::restore(client.profile(), access_token, NOW.wall, None, None);
    let request = Request::get(url).header("property", "1").body(Body::empty()).expect("a request");
    let call = client.api_call(&token, request).expect("the host is the provider's own");
    let answer = call.read(response, NOW, NOW).expect("an API answer of any status is read").value;
    let shown = format!("{answer:?} {:?} {:?}", answer.code(), answer.provider_text());
    assert!(!shown.contains(ACCESS_TOKEN), "an answer shows the token");
}
