//! Arbitrary bodies as successful token answers.
#![no_main]

use http::Response;
use libfuzzer_sys::fuzz_target;
use octo_auth_fuzz::{asked, check};

fuzz_target!(|data: &[u8]| {
    let [choice, grant, body @ ..] = data else { return };
    let response =
        Response::builder().header("content-type", "application/json").body(body).expect("a response");
    check(asked(*choice, *grant), &response);
});
