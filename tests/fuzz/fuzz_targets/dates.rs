//! Arbitrary texts as the expiry date of an Octorate answer, and as the dates of its headers.
#![no_main]

use http::{HeaderValue, Response};
use libfuzzer_sys::fuzz_target;
use octo_auth_fuzz::{asked, check};

fuzz_target!(|text: &str| {
    let quoted: String =
        text.chars().filter(|letter| !letter.is_control() && !"\"\\".contains(*letter)).collect();
    for value in [format!("\"{quoted}\""), quoted] {
        let body = format!("{{\"access_token\":\"AT\",\"expireDate\":{value}}}");
        let mut response = Response::new(body.as_bytes());
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        for name in ["date", "retry-after"] {
            if let Ok(value) = HeaderValue::from_str(text) {
                response.headers_mut().insert(name, value);
            }
        }
        check(asked(0, 0), &response);
    }
});
