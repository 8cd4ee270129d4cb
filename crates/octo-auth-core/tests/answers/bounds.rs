//! The exact limits of answers: one step on either side of each limit.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::time::Duration;

use http::{HeaderMap, Response};
use octo_auth_core::profile::LifetimeUnit;
use octo_auth_core::{ANSWER_LIMIT, Answer, Client, Deviation, ExchangeError, Now, Scopes, Secret, TokenSet};
use octo_auth_testkit::registration::{CLIENT_ID, CLIENT_SECRET, standard};
use octo_auth_testkit::response::{json, read, with};
use octo_auth_testkit::{moment, outcome};

const JSON: (&str, &str) = ("content-type", "application/json");
const TOKEN: &str = r#"{"access_token":"AT","token_type":"Bearer","expires_in":3600}"#;

fn token(client: &Client, response: &Response<Vec<u8>>) -> Result<Answer<TokenSet>, ExchangeError> {
    read(client.client_credentials(&Scopes::none()).unwrap(), response)
}

/// Returns the outcome of a standard server's answer.
fn of(response: &Response<Vec<u8>>) -> String {
    outcome::of_token(&token(&standard(), response))
}

/// Returns the outcome of a standard server's answer to a refresh.
fn refreshed(response: &Response<Vec<u8>>) -> String {
    outcome::of_token(&read(standard().refresh(&Secret::from("old")).unwrap(), response))
}

/// Returns the outcome of a standard server's token answer with these headers and its media type.
fn with_headers(headers: &[(&str, &str)]) -> String {
    of(&with(200, &[&[JSON], headers].concat(), TOKEN))
}

/// Returns a client whose provider states when a token ends, in `at`, and when to renew it, in `refresh_in`.
fn dated() -> Client {
    let profile = standard().profile().clone().edit(|document| {
        document.token_answer.expires_at = vec!["at".into()].into();
        document.token_answer.refresh_in = vec!["refresh_in".into()].into();
        document.token_answer.assume_utc = true;
    });
    Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap()
}

/// Returns the outcome of an answer that states the token's end, if the request took this many seconds.
fn ending(at: &str, seconds: u32) -> String {
    let body = format!(r#"{{"access_token":"AT","token_type":"Bearer","at":{at}}}"#);
    let exchange = dated().client_credentials(&Scopes::none()).unwrap();
    outcome::of_token(&exchange.read(&json(200, &body), moment::start(), moment::after(seconds)))
}

/// Returns the wall clock in milliseconds, this long after the request was sent.
fn millis(after: i64) -> i64 {
    moment::start().wall.as_unix_millis() + after
}

#[test]
fn a_clock_difference_is_reported_from_a_minute_and_used_up_to_a_day() {
    let Now { wall, .. } = moment::start();
    for (seconds, expected) in [
        (60, "AT, 3600s"),
        (61, "AT, 3600s; clock_skew"),
        (86_400, "AT, 3600s; clock_skew"),
        (86_401, "AT, 3600s; server_date_implausible"),
    ] {
        for date in [
            wall.saturating_add(Duration::from_secs(seconds)),
            wall.saturating_sub(Duration::from_secs(seconds)),
        ] {
            let date = httpdate::fmt_http_date(
                std::time::UNIX_EPOCH + Duration::from_millis(date.as_unix_millis().try_into().unwrap()),
            );
            assert_eq!(with_headers(&[("date", &date)]), expected, "{date}");
        }
    }
}

#[test]
fn only_an_answer_that_permits_caching_is_reported() {
    for (value, invites) in [
        ("public", true),
        ("private", false),
        ("max-age=1", true),
        ("max-age=0", false),
        ("s-maxage=0", true),
        ("private, MAX-AGE=60", true),
        ("public, no-store", false),
        ("must-revalidate", false),
    ] {
        let expected = if invites { "AT, 3600s; cacheable_token_response" } else { "AT, 3600s" };
        assert_eq!(with_headers(&[("cache-control", value)]), expected, "{value}");
    }
}

#[test]
fn retry_after_is_limited_to_one_hour() {
    let refused = |seconds| of(&with(503, &[("retry-after", seconds)], ""));
    assert_eq!(refused("3600"), "http:503, after 3600s, later 3600s");
    assert_eq!(refused("3601"), "http:503, after 3600s, later 3600s; retry_after_capped");
}

#[test]
fn json_is_read_up_to_128_levels() {
    let nested = |open: &str, close: &str, levels: usize| {
        let more = open.repeat(levels) + "1" + &close.repeat(levels);
        of(&json(200, &TOKEN.replace('}', &format!(r#","more":{more}}}"#))))
    };
    let refused = "not_json, backoff 1s, provider";
    // The answer itself is the first level.
    assert_eq!(nested("[", "]", 127), "AT, 3600s");
    assert_eq!(nested("[", "]", 128), refused);
    assert_eq!(nested(r#"{"a":"#, "}", 127), "AT, 3600s");
    assert_eq!(nested(r#"{"a":"#, "}", 128), refused);
}

#[test]
fn only_brackets_outside_of_strings_count_as_levels() {
    let many = "[".repeat(200);
    let noted = |note: &str| of(&json(200, &TOKEN.replace('}', &format!(r#","note":"{note}"}}"#))));
    assert_eq!(noted(&many), "AT, 3600s", "in a string");
    assert_eq!(noted(&format!(r#"\"{many}"#)), "AT, 3600s", "after an escaped quote");
    assert_eq!(noted(&format!(r"\\\\{many}")), "AT, 3600s", "after escaped backslashes");
    let siblings = vec!["[1]"; 300].join(",");
    let body = TOKEN.replace('}', &format!(r#","more":[{siblings}]}}"#));
    assert_eq!(of(&json(200, &body)), "AT, 3600s", "closed again each time");
    let closing =
        format!(r#","note":"{}","more":{}1{}}}"#, "]".repeat(200), "[".repeat(128), "]".repeat(128));
    let refused = of(&json(200, &TOKEN.replace('}', &closing)));
    assert_eq!(refused, "not_json, backoff 1s, provider", "what closes in a string closes nothing");
    let quoted = format!(r#","note":"\\","more":{}1{}}}"#, "[".repeat(128), "]".repeat(128));
    let refused = of(&json(200, &TOKEN.replace('}', &quoted)));
    assert_eq!(refused, "not_json, backoff 1s, provider", "a string that ends with a backslash ends");
}

/// Returns a response with this number of headers beside its media type, and this many header bytes in total.
fn headed(count: usize, bytes: usize) -> Response<Vec<u8>> {
    let mut response = json(200, TOKEN);
    let size = |headers: &HeaderMap| -> usize {
        headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
    };
    for number in response.headers().len()..count {
        let name: http::HeaderName = format!("x-{number:03}").parse().unwrap();
        let left = bytes - size(response.headers()) - name.as_str().len();
        let length = if number + 1 == count { left } else { 1 };
        response.headers_mut().insert(name, "v".repeat(length).parse().unwrap());
    }
    assert_eq!((response.headers().len(), size(response.headers())), (count, bytes));
    response
}

#[test]
fn headers_are_read_up_to_256_and_256_kib() {
    let refused = "http_malformed, backoff 1s, provider";
    assert_eq!(of(&headed(256, 8192)), "AT, 3600s");
    assert_eq!(of(&headed(257, 8192)), refused);
    assert_eq!(of(&headed(9, 256 * 1024)), "AT, 3600s");
    assert_eq!(of(&headed(9, 256 * 1024 + 1)), refused);
    assert!(refreshed(&headed(257, 8192)).starts_with("http_malformed"));
}

#[test]
fn an_answer_is_framed_by_chunks_or_by_a_length() {
    let refused = "http_malformed, backoff 1s, provider";
    for (headers, expected) in [
        (vec![("transfer-encoding", "chunked")], "AT, 3600s"),
        (vec![("transfer-encoding", " Chunked ")], "AT, 3600s"),
        (vec![("content-length", "61")], "AT, 3600s"),
        (vec![("transfer-encoding", "gzip")], refused),
        (vec![("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], refused),
        (vec![("transfer-encoding", "chunked"), ("content-length", "61")], refused),
    ] {
        assert_eq!(with_headers(&headers), expected, "{headers:?}");
    }
}

#[test]
fn two_different_media_types_count_as_none_and_equal_ones_as_one() {
    let typed = |types: &[&str]| {
        let headers: Vec<_> = types.iter().map(|value| ("content-type", *value)).collect();
        of(&with(200, &headers, TOKEN))
    };
    assert_eq!(typed(&["application/json", "application/json; charset=utf-8"]), "AT, 3600s");
    assert_eq!(typed(&["application/json", "text/html"]), "media_type, backoff 1s, configuration");
    assert_eq!(typed(&[""]), "AT, 3600s; media_type_missing");
    assert_eq!(typed(&["application/vnd.x+json"]), "AT, 3600s; media_type_suffix");
    for other in ["application/vnd.x+xml", "text/x+json"] {
        assert_eq!(typed(&[other]), "media_type, backoff 1s, configuration", "{other}");
    }
}

#[test]
fn a_form_may_contain_brackets_and_its_numbers_are_numbers() {
    let profile = standard().profile().clone().edit(|document| document.token_answer.form = true);
    let client = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
    let form = |body: &str| {
        let response = with(200, &[("content-type", "application/x-www-form-urlencoded")], body);
        outcome::of_token(&token(&client, &response))
    };
    let brackets = "[".repeat(200);
    assert_eq!(form(&format!("access_token=AT&token_type=Bearer&note={brackets}")), "AT");
    assert_eq!(form("access_token=AT&token_type=Bearer&expires_in=0"), "AT, 0ns; expired_on_arrival");
    assert_eq!(form("access_token=AT&token_type=Bearer&expires_in=060"), "AT, 60s; expires_in_string");
    assert_eq!(form("access_token=AT&token_type=Bearer&expires_in="), "AT; expires_in_invalid");
}

#[test]
fn a_lifetime_is_limited_to_ten_years() {
    let lives = |seconds: u64| of(&json(200, &TOKEN.replace("3600", &seconds.to_string())));
    assert_eq!(lives(315_360_000), "AT, 315360000s");
    assert_eq!(lives(315_360_001), "AT, 315360000s; expires_in_clamped");
    assert_eq!(ending(&millis(315_360_000_000).to_string(), 0), "AT, 315360000s; epoch_millis");
    assert_eq!(ending(&millis(315_360_000_001).to_string(), 0), "AT, 315360000s; epoch_millis clamped");
}

#[test]
fn a_null_lifetime_counts_as_missing() {
    assert_eq!(of(&json(200, &TOKEN.replace("3600", "null"))), "AT");
    assert_eq!(of(&json(200, &TOKEN.replace("3600", "true"))), "AT; expires_in_invalid");
}

#[test]
fn an_end_that_cannot_be_distinguished_from_the_past_is_past() {
    // The server's clock has whole seconds, and the answer took two.
    assert_eq!(ending(&millis(3000).to_string(), 2), "AT, 3s; epoch_millis");
    assert_eq!(ending(&millis(2999).to_string(), 2), "AT, 0ns; epoch_millis expired_on_arrival");
}

#[test]
fn the_size_of_a_number_decides_the_unit_of_an_instant() {
    let seconds = millis(60_000) / 1000;
    assert_eq!(ending(&seconds.to_string(), 0), "AT, 60s; epoch_seconds");
    assert_eq!(ending("99999999999", 0), "AT, 315360000s; epoch_seconds clamped");
    assert_eq!(ending("100000000000", 0), "AT, 0ns; epoch_millis expired_on_arrival", "in 1973");
    assert_eq!(ending("253402300799999", 0), "AT, 315360000s; epoch_millis clamped", "the end of 9999");
    assert_eq!(ending("253402300800000", 0), "AT, 315360000s; clamped", "no time, but a very large number");
    assert_eq!(ending("0", 0), "AT, 0ns; epoch_zero");
    assert_eq!(ending("-1", 0), "AT, 0ns; before_epoch");
    assert_eq!(ending("1", 0), "AT, 0ns; epoch_seconds expired_on_arrival");
}

#[test]
fn a_quoted_number_is_an_instant_if_it_is_long_or_not_a_date() {
    assert_eq!(ending("\"100000000\"", 0), "AT, 0ns; epoch_seconds expired_on_arrival", "nine digits");
    assert_eq!(ending("\"99999999\"", 0), "AT; expire_date_invalid");
    assert_eq!(ending("\"0\"", 0), "AT, 0ns; epoch_zero");
    assert_eq!(ending("\"-5\"", 0), "AT, 0ns; before_epoch");
}

#[test]
fn an_end_and_a_lifetime_may_differ_by_five_seconds_and_the_round_trip() {
    let body = |at: i64| {
        format!(r#"{{"access_token":"AT","token_type":"Bearer","expires_in":3600,"at":{}}}"#, millis(at))
    };
    let told = |at: i64| {
        let exchange = dated().client_credentials(&Scopes::none()).unwrap();
        outcome::of_token(&exchange.read(&json(200, &body(at)), moment::start(), moment::after(2)))
    };
    assert_eq!(told(3_607_000), "AT, 3600s; epoch_millis");
    assert_eq!(told(3_607_001), "AT, 3600s; epoch_millis expiry_conflict");
    assert_eq!(told(3_593_000), "AT, 3593s; epoch_millis");
    assert_eq!(told(3_592_999), "AT, 3592.999s; epoch_millis expiry_conflict");
}

#[test]
fn minutes_are_minutes_where_the_profile_says_so() {
    let profile = standard().profile().clone().edit(|document| {
        document.token_answer.expires_in_unit = LifetimeUnit::Minutes;
    });
    let client = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
    let lives = outcome::of_token(&token(&client, &json(200, &TOKEN.replace("3600", "24"))));
    assert_eq!(lives, "AT, 1440s");
}

#[test]
fn a_hint_at_the_tokens_end_is_inside_its_lifetime() {
    let body = |hint: u32| {
        format!(r#"{{"access_token":"AT","token_type":"Bearer","expires_in":3600,"refresh_in":{hint}}}"#)
    };
    let hinted = |hint| outcome::of_token(&token(&dated(), &json(200, &body(hint))));
    assert_eq!(hinted(3600), "AT, 3600s, renew after 3600s");
    assert_eq!(hinted(3601), "AT, 3600s; refresh_in_ignored");
}

#[test]
fn a_token_is_reported_if_it_exceeds_the_header_limit_by_one_byte() {
    const LONG: usize = 8190 - "authorization: Bearer ".len();
    let access = |length| of(&json(200, &TOKEN.replace("AT", &"A".repeat(length))));
    assert!(access(LONG).ends_with("3600s") && access(LONG + 1).ends_with("; access_token_long"));
    let refresh = |length: usize| {
        let more = format!(r#","refresh_token":"{}"}}"#, "r".repeat(length));
        refreshed(&json(200, &TOKEN.replace('}', &more)))
    };
    assert!(refresh(LONG).ends_with('r') && refresh(LONG + 1).ends_with("; refresh_token_long"));
}

#[test]
fn the_first_name_of_a_member_is_not_an_alias_but_the_second_is() {
    let profile = standard().profile().clone().edit(|document| {
        document.token_answer.expires_in = vec!["expires_in".into(), "ttl".into()].into();
    });
    let client = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
    let named = |body: &str| outcome::of_token(&token(&client, &json(200, body)));
    assert_eq!(named(TOKEN), "AT, 3600s");
    assert_eq!(named(&TOKEN.replace("expires_in", "ttl")), "AT, 3600s; alias_member");
}

#[test]
fn a_repeated_member_is_recognized_despite_different_escapes() {
    let twice = |first: &str, second: &str| {
        of(&json(200, &TOKEN.replace('}', &format!(r#","scope":{first},"scope":{second}}}"#))))
    };
    assert_eq!(twice(r#""a""#, r#""\u0061""#), "AT, 3600s, scope a; duplicate_member_same");
    assert!(twice(r#""a""#, r#""b""#).starts_with("duplicate_member"));
    assert!(twice("1", "2").starts_with("duplicate_member"), "neither is a text");
    assert!(twice(r#""a""#, "1").starts_with("duplicate_member"));
    let thrice = TOKEN.replace('}', r#","scope":"a","scope":"b","scope":"a"}"#);
    assert!(of(&json(200, &thrice)).starts_with("duplicate_member"), "once different is different");
}

#[test]
fn an_unusable_body_that_is_not_utf_8_is_reported_as_such() {
    let broken = |body: &[u8]| of(&with(200, &[JSON], body));
    assert_eq!(
        broken(b"{\"access_token\":\"A\xff\""),
        "not_utf8, backoff 1s, provider; invalid_utf8_ignored",
        "cut, too"
    );
    assert_eq!(broken(b"\xff\xfe{\x00\"\x00"), "not_utf8, backoff 1s, provider");
    assert_eq!(broken(b"  \n"), "empty_body, backoff 1s, provider");
    assert_eq!(broken(b"[1]"), "not_object, backoff 1s, provider");
    assert_eq!(broken(b"[1"), "not_json, backoff 1s, provider");
}

#[test]
fn a_redirect_shows_where_to_without_its_query() {
    let moved = token(&standard(), &with(302, &[("location", "https://login.example.com/a?code=1#f")], ""));
    let error = moved.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("to https://login.example.com/a") && !text.contains("code=1"), "{text}");
}

#[test]
fn only_an_error_about_the_media_type_shows_it() {
    let error = token(&standard(), &with(200, &[("content-type", "text/html; x=1")], TOKEN)).unwrap_err();
    assert!(error.to_string().contains("text/html; x=1"), "{error}");
    let error = token(&standard(), &with(200, &[JSON], "")).unwrap_err();
    assert!(!error.to_string().contains("application/json"), "{error}");
}

#[test]
fn an_error_in_a_success_is_reported_like_one_in_a_refusal() {
    let body = r#"{"error":"invalid_scope","error_description":"no such scope","error_uri":"https://e.example.com/x"}"#;
    let typed = with(200, &[("content-type", "text/plain")], body);
    let error = token(&standard(), &typed).unwrap_err();
    assert_eq!(error.code(), "oauth:invalid_scope");
    assert_eq!(error.error_uri(), Some("https://e.example.com/x"));
    assert_eq!(error.provider_text().map(ToString::to_string).as_deref(), Some("no such scope"));
    assert_eq!(outcome::tolerated(error.deviations()), "; media_type_text");
}

#[test]
fn an_error_page_is_shown_up_to_256_visible_characters() {
    let page = |uri: &str| {
        let body = format!(r#"{{"error":"invalid_scope","error_uri":"{uri}"}}"#);
        token(&standard(), &json(400, &body)).unwrap_err().error_uri().map(str::to_owned)
    };
    let long = format!("https://e.example.com/{}", "x".repeat(256 - 22));
    assert_eq!(page(&long).as_deref(), Some(&*long));
    assert_eq!(page(&format!("{long}x")), None);
    assert_eq!(page("https://e.example.com/a b"), None);
    assert_eq!(page(&format!("https://e.example.com/{CLIENT_SECRET}")), None);
}

#[test]
fn an_error_is_read_up_to_1_mib_unless_it_is_compressed() {
    let head = r#"{"error":"invalid_scope","pad":""#;
    let padded = |length: usize| format!("{head}{}\"}}", "p".repeat(length - head.len() - 2));
    assert!(of(&json(400, &padded(ANSWER_LIMIT))).starts_with("oauth:invalid_scope"));
    assert!(of(&json(400, &padded(ANSWER_LIMIT + 1))).starts_with("http:400"));
    let packed = with(400, &[JSON, ("content-encoding", "gzip")], b"\x1f\x8b\x08\x00");
    assert!(of(&packed).starts_with("http:400"));
    // A proxy decompressed the body but left the header.
    let inflated = with(400, &[JSON, ("content-encoding", "gzip")], " \n{\"error\":\"invalid_scope\"}");
    assert!(of(&inflated).starts_with("oauth:invalid_scope"));
    let plain = with(400, &[JSON, ("content-encoding", "identity")], r#"{"error":"invalid_scope"}"#);
    assert!(of(&plain).starts_with("oauth:invalid_scope"));
}

#[test]
fn a_content_encoding_without_a_real_coding_counts_as_none() {
    let coded = |names: &[&str]| {
        let headers: Vec<_> = names.iter().map(|name| ("content-encoding", *name)).collect();
        token(&standard(), &with(200, &[&[JSON], &headers[..]].concat(), TOKEN))
    };
    for names in [&[""][..], &["identity"], &["Identity", " ,"], &[",, identity"]] {
        assert_eq!(coded(names).unwrap().deviations, [], "{names:?}");
    }
    let misnamed: [&[&str]; 10] = [
        &["utf-8"],
        &["UTF-8, identity"],
        &["none"],
        &["", "none"],
        &["binary"],
        &["ASCII"],
        &["charset=utf-8"],
        &["utf-8; q=1"],
        &["\"utf-8\""],
        &["application/json"],
    ];
    for names in misnamed {
        let deviations = coded(names).unwrap().deviations;
        assert_eq!(deviations, [Deviation::ContentEncodingInvalid], "{names:?}");
    }
    for names in [&["gzip"][..], &["utf-8, gzip"], &["identity", "br"], &["gzip;q=1"], &["utf-9"]] {
        assert_eq!(coded(names).unwrap_err().code(), "content_encoding", "{names:?}");
    }
}

#[test]
fn a_refresh_token_is_salvaged_only_from_a_readable_body() {
    let rest = r#""refresh_token":"RT","token_type":"mac","access_token":"AT""#;
    let plain = format!("{{{rest}}}");
    assert!(refreshed(&json(200, &plain)).ends_with("salvaged RT"));
    let packed = with(200, &[JSON, ("content-encoding", "gzip")], b"\x1f\x8b\x08\x00");
    assert!(!refreshed(&packed).contains("salvaged"));
    let padded = |length: usize| format!("{{{rest},\"pad\":\"{}\"}}", "p".repeat(length - rest.len() - 11));
    assert!(refreshed(&json(200, &padded(ANSWER_LIMIT))).ends_with("salvaged RT"));
    assert!(!refreshed(&json(200, &padded(ANSWER_LIMIT + 1))).contains("salvaged"));
    assert!(!refreshed(&json(400, r#"{"refresh_token":"RT"}"#)).contains("salvaged"));
    let doubtful = r#"{"refresh_token":"RT","refresh_token":"OTHER","token_type":"mac","access_token":"AT"}"#;
    assert!(!refreshed(&json(200, doubtful)).contains("salvaged"));
}
