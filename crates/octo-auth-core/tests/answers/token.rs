//! Answers are read tolerantly: each deviation from the provider's document is either reported or refused.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use octo_auth_core::{
    AdminToken, Answer, Client, Deviation, Exchange, ExchangeError, Scopes, Secret, TokenSet, TokenTypeHint,
    TransportError,
};
use octo_auth_testkit::registration::{
    CLIENT_ID, CLIENT_SECRET, entropy, octorate, octotable, officernd, standard,
};
use octo_auth_testkit::response::{json, read, with};
use octo_auth_testkit::{moment, outcome};

/// The token request to which an answer belongs.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asked {
    /// Client credentials with the scopes `a b` at a standard server.
    Standard,
    /// A code at a standard server.
    Code,
    /// A refresh at a standard server.
    Refresh,
    /// A refresh at Octorate.
    Octorate,
    /// ApiLogin at Octorate.
    ApiLogin,
    /// Client credentials at OctoTable.
    OctoTable,
    /// Client credentials with the scope `a` at OfficeRND.
    OfficeRnd,
    /// A standard server whose profile allows form answers.
    Form,
}

use Asked::{ApiLogin, Code, Form, OctoTable, Octorate, OfficeRnd, Refresh, Standard};

fn granted(asked: Asked) -> Exchange<TokenSet> {
    let refresh_token = Secret::from("old");
    match asked {
        Standard => standard().client_credentials(&Scopes::parse("a b").unwrap()),
        Refresh => standard().refresh(&refresh_token),
        Octorate => octorate().refresh(&refresh_token),
        OctoTable => octotable().client_credentials(&Scopes::none()),
        OfficeRnd => officernd().client_credentials(&Scopes::parse("a").unwrap()),
        Form => {
            let profile = standard().profile().clone().edit(|document| document.token_answer.form = true);
            let client = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
            client.client_credentials(&Scopes::none())
        }
        Code => return redeemed(),
        ApiLogin => panic!("ApiLogin yields a token for administration"),
    }
    .unwrap()
}

fn redeemed() -> Exchange<TokenSet> {
    let redirect_uri = "https://client.example.com/cb";
    let (_, pending) =
        standard().authorize(redirect_uri, &Scopes::none(), entropy(), moment::start()).unwrap();
    let callback = format!("?code=c0de&state={}", pending.state().expose());
    pending.receive(&callback, moment::start()).unwrap().exchange(&standard(), moment::start()).unwrap()
}

/// Reads a response to a token request. An ApiLogin token is shown like any other.
fn answer(asked: Asked, response: &http::Response<Vec<u8>>) -> Result<Answer<TokenSet>, ExchangeError> {
    if asked != ApiLogin {
        return read(granted(asked), response);
    }
    let answer = read(octorate().api_login().unwrap(), response)?;
    Ok(answer.map(AdminToken::for_ip_authentication))
}

fn differences<'a>(rows: impl IntoIterator<Item = (String, String, &'a str)>) -> Vec<String> {
    let wrong = rows.into_iter().filter(|(_, found, expected)| found != expected);
    wrong.map(|(row, found, expected)| format!("{row}\n    found {found}\n expected {expected}")).collect()
}

/// Bodies of answers with status 200 and media type JSON, and their outcomes.
const BODIES: &[(Asked, &str, &str)] = &[
    // Tokens.
    (Standard, r#"{"access_token":"AT","token_type":"bEaReR","expires_in":3600}"#, "AT, 3600s"),
    (Standard, r#" {"access_token":"A\/B\u002bC==","token_type":"Bearer","more":{"a":[1]}} "#, "A/B+C=="),
    (Standard, r#"{"token_type":"Bearer"}"#, "access_token_missing, backoff 1s, provider"),
    (Standard, r#"{"access_token":"","token_type":"Bearer"}"#, "access_token_missing, backoff 1s, provider"),
    (
        Standard,
        r#"{"access_token":["AT"],"token_type":"Bearer"}"#,
        "access_token_malformed, backoff 1s, provider",
    ),
    (
        Standard,
        r#"{"access_token":"AT\r\nX: 1","token_type":"Bearer"}"#,
        "access_token_unsafe, backoff 1s, provider",
    ),
    (
        Standard,
        r#"{"access_token":"Bearer AT","token_type":"Bearer"}"#,
        "access_token_unsafe, backoff 1s, provider",
    ),
    (Standard, r#"{"data":{"access_token":"AT"}}"#, "access_token_enveloped, cooldown, provider"),
    (
        Standard,
        r#"{"access_token":"AT","access_token":"BT","token_type":"Bearer"}"#,
        "duplicate_member, backoff 1s, provider",
    ),
    (
        Standard,
        r#"{"access_token":"AT","access_toke\u006e":"AT","token_type":"Bearer"}"#,
        "AT; duplicate_member_same",
    ),
    (Octorate, r#"{"accessToken":"AT","expires_in":60}"#, "AT, 60s; alias_member"),
    (Octorate, r#"{"access_token":"AT","accessToken":"BT"}"#, "member_conflict, cooldown, provider"),
    // Token types.
    (Standard, r#"{"access_token":"AT"}"#, "token_type_missing, cooldown, configuration"),
    (
        Standard,
        r#"{"access_token":"AT","token_type":"mac"}"#,
        "token_type_unsupported, cooldown, configuration",
    ),
    (Standard, r#"{"access_token":"AT","token_type":7}"#, "token_type_malformed, cooldown, provider"),
    (OctoTable, r#"{"access_token":"AT","token_type":"Bearer"}"#, "AT; alias_member"),
    (OctoTable, r#"{"access_token":"AT"}"#, "AT; token_type_assumed_bearer"),
    (
        OctoTable,
        r#"{"access_token":"AT","type":"Bearer","token_type":"mac"}"#,
        "member_conflict, cooldown, provider",
    ),
    (Octorate, r#"{"access_token":"AT","expires_in":60,"token_type":null}"#, "AT, 60s"),
    // Lifetimes.
    (
        Standard,
        r#"{"access_token":"AT","token_type":"Bearer","expires_in":"3600"}"#,
        "AT, 3600s; expires_in_string",
    ),
    (Standard, r#"{"access_token":"AT","token_type":"Bearer","expires_in":3599.9}"#, "AT, 3599s"),
    (
        Standard,
        r#"{"access_token":"AT","token_type":"Bearer","expires_in":0}"#,
        "AT, 0ns; expired_on_arrival",
    ),
    (
        Standard,
        r#"{"access_token":"AT","token_type":"Bearer","expires_in":-1}"#,
        "AT, 0ns; expires_in_negative",
    ),
    (
        Standard,
        r#"{"access_token":"AT","token_type":"Bearer","expires_in":1e300}"#,
        "AT, 315360000s; expires_in_clamped",
    ),
    (
        Standard,
        r#"{"access_token":"AT","token_type":"Bearer","expires_in":"soon"}"#,
        "AT; expires_in_invalid",
    ),
    (Octorate, r#"{"access_token":"AT"}"#, "AT; expire_date_missing"),
    (Octorate, r#"{"access_token":"AT","expireDate":"soon"}"#, "AT; expire_date_invalid"),
    (
        Octorate,
        r#"{"access_token":"AT","expireDate":"2026-01-01T01:00:00Z","expires_in":60}"#,
        "AT, 60s; expiry_conflict",
    ),
    (ApiLogin, r#"{"access_token":"AT","expireDate":"2026-01-01T01:00:00.000Z"}"#, "AT, 3600s"),
    // Refresh tokens, of which the one that was sent is not a replacement, and scopes.
    (Refresh, r#"{"access_token":"AT","token_type":"Bearer","refresh_token":"RT"}"#, "AT, refresh RT"),
    (Refresh, r#"{"access_token":"AT","token_type":"Bearer","refresh_token":" old\r\n"}"#, "AT"),
    (Code, r#"{"access_token":"AT","token_type":"Bearer","refresh_token":"c0de"}"#, "AT, refresh c0de"),
    (Refresh, r#"{"refresh_token":"old"}"#, "access_token_missing, backoff 1s, provider"),
    (
        Refresh,
        r#"{"access_token":"AT","token_type":"Bearer","refresh_token":null}"#,
        "AT; refresh_token_null",
    ),
    (Refresh, r#"{"access_token":"AT","token_type":"Bearer","refresh_token":""}"#, "AT; refresh_token_empty"),
    (
        Refresh,
        r#"{"access_token":"AT","token_type":"Bearer","refresh_token":[]}"#,
        "AT; refresh_token_malformed",
    ),
    (
        Standard,
        r#"{"access_token":"AT","token_type":"Bearer","refresh_token":"RT"}"#,
        "AT; refresh_token_unexpected",
    ),
    (
        Standard,
        r#"{"access_token":"AT","token_type":"Bearer","scope":["b","a"]}"#,
        "AT, scope b a; scope_array",
    ),
    (Standard, r#"{"access_token":"AT","token_type":"Bearer","scope":"a"}"#, "AT, scope a; scope_narrowed"),
    (Standard, r#"{"access_token":"AT","token_type":"Bearer","scope":"a \"b"}"#, "AT; scope_malformed"),
    (
        OfficeRnd,
        r#"{"access_token":"AT","token_type":"Bearer","scope":" a b"}"#,
        "AT, scope a b; scope_widened",
    ),
    // A refresh token is not lost if the answer is otherwise unusable.
    (
        Refresh,
        r#"{"token_type":"Bearer","refresh_token":"RT"}"#,
        "access_token_missing, backoff 1s, provider, salvaged RT",
    ),
    (
        Octorate,
        r#"{"access_token":"A T","refresh_token":"RT"}"#,
        "access_token_unsafe, backoff 1s, provider, salvaged RT",
    ),
    (
        Refresh,
        r#"{"access_token":"AT","token_type":"mac","refresh_token":"RT"}"#,
        "token_type_unsupported, cooldown, configuration, salvaged RT",
    ),
    // Errors with a success status.
    (Standard, r#"{"error":"invalid_client"}"#, "oauth:invalid_client, cooldown, configuration"),
    (Standard, r#"{"error":7}"#, "oauth_malformed, cooldown, provider"),
    (OctoTable, r#"{"success":false,"error":{"code":"X","message":"m"}}"#, "provider:X, cooldown, provider"),
    // Bodies that are not objects.
    (Standard, "", "empty_body, backoff 1s, provider"),
    (Standard, "{", "not_json, backoff 1s, provider"),
    (Standard, "[1]", "not_object, backoff 1s, provider"),
    (Refresh, "<html>", "not_json, ambiguous, provider"),
];

#[test]
fn each_body_is_read_or_refused_as_the_table_says() {
    let rows = BODIES.iter().map(|(asked, body, expected)| {
        let found = outcome::of_token(&answer(*asked, &json(200, body)));
        (format!("{asked:?} {body}"), found, *expected)
    });
    assert_eq!(differences(rows), [""; 0]);
}

/// Headers by name.
type Headers = &'static [(&'static str, &'static str)];

/// Statuses and headers of an otherwise good answer, and their outcomes.
const AROUND: &[(Asked, u16, Headers, &str)] = &[
    (Standard, 201, &[JSON], "AT, 3600s; status_not_200"),
    (Standard, 204, &[JSON], "http:204, cooldown, provider"),
    (Standard, 206, &[JSON], "http:206, cooldown, provider"),
    (Standard, 302, &[JSON, ("location", "https://evil.example/?a")], "redirect, cooldown, configuration"),
    (Standard, 200, &[], "AT, 3600s; media_type_missing"),
    (Standard, 200, &[("content-type", "Application/JSON; charset=utf-8")], "AT, 3600s"),
    (Standard, 200, &[("content-type", "text/plain")], "AT, 3600s; media_type_text"),
    (Standard, 200, &[("content-type", "application/problem+json")], "AT, 3600s; media_type_suffix"),
    (Standard, 200, &[("content-type", "text/html")], "media_type, backoff 1s, configuration"),
    (Standard, 200, &[("content-type", "image/x+json")], "media_type, backoff 1s, configuration"),
    (Refresh, 200, &[("content-type", "text/html")], "media_type, ambiguous, configuration"),
    (Standard, 200, &[JSON, ("content-encoding", "gzip")], "content_encoding, cooldown, provider"),
    (Standard, 200, &[JSON, ("cache-control", "public, max-age=60")], "AT, 3600s; cacheable_token_response"),
    (Standard, 200, &[JSON, ("age", "600")], "AT, 3000s; age_nonzero"),
    (Standard, 200, &[JSON, ("date", "Mon, 01 Jan 2024 00:00:00 GMT")], "AT, 3600s; server_date_implausible"),
];

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn statuses_and_headers_count_as_the_table_says() {
    let body = r#"{"access_token":"AT","token_type":"Bearer","expires_in":3600}"#;
    let rows = AROUND.iter().map(|(asked, status, headers, expected)| {
        let found = outcome::of_token(&answer(*asked, &with(*status, headers, body)));
        (format!("{asked:?} {status} {headers:?}"), found, *expected)
    });
    assert_eq!(differences(rows), [""; 0]);
}

/// Refusals: the error, the advice for the program, and the remedy.
const REFUSALS: &[(Asked, u16, &str, &str)] = &[
    (Standard, 401, r#"{"error":"invalid_client"}"#, "oauth:invalid_client, cooldown, configuration"),
    (Standard, 400, r#"{"error":"invalid_scope"}"#, "oauth:invalid_scope, cooldown, configuration"),
    (Standard, 400, r#"{"error":"new_word"}"#, "oauth:new_word, cooldown, configuration"),
    (Standard, 400, r#"{"error":"a b"}"#, "oauth_malformed, cooldown, configuration"),
    (Standard, 400, r#"{"error":{"code":190}}"#, "provider_error, cooldown, configuration"),
    (Standard, 400, r#"{"error":"slow_down"}"#, "oauth:slow_down, backoff 1s, later 1s"),
    (Refresh, 400, r#"{"error":"invalid_grant"}"#, "oauth:invalid_grant, never, sign in"),
    (Code, 400, r#"{"error":"invalid_grant"}"#, "oauth:invalid_grant, never, sign in"),
    (Code, 400, r#"{"error":"invalid_client"}"#, "oauth:invalid_client, cooldown, configuration"),
    (Code, 403, "", "http:403, cooldown, sign in"),
    (Refresh, 401, "", "http:401, cooldown, provider"),
    (Standard, 401, "", "http:401, cooldown, configuration"),
    (Standard, 404, "", "http:404, cooldown, configuration"),
    (Standard, 405, "", "http:405, cooldown, configuration"),
    (Standard, 407, "", "http:407, cooldown, configuration"),
    (Standard, 415, "", "http:415, cooldown, configuration"),
    (Standard, 418, "", "http:418, cooldown, provider"),
    (Standard, 408, "", "http:408, backoff 1s, later 1s"),
    (Standard, 429, "", "http:429, backoff 5s, later 5s"),
    (OfficeRnd, 429, "Too many requests, please try again later", "http:429, backoff 12s, later 12s"),
    (Standard, 500, r#"{"error":"invalid_client"}"#, "http:500, backoff 1s, later 1s"),
    (Standard, 600, r#"{"error":"invalid_client"}"#, "http:600, backoff 1s, later 1s"),
    (OfficeRnd, 500, "", "http:500, backoff 12s, later 12s"),
    (Refresh, 502, "<html>", "http:502, ambiguous, later 1s"),
    (Refresh, 503, r#"{"error":"temporarily_unavailable"}"#, "http:503, backoff 5s, later 5s"),
    (Octorate, 500, r#"{"type":"ApiServerError","message":"m"}"#, "http:500, backoff 1s, later 1s"),
    (
        Octorate,
        403,
        r#"{"message":"Accesso negato","type":"ApiSecurityException"}"#,
        "provider:ApiSecurityException, cooldown, provider",
    ),
    (
        ApiLogin,
        403,
        r#"{"message":"no","type":"ApiSecurityException"}"#,
        "provider:ApiSecurityException, cooldown, configuration",
    ),
    (
        ApiLogin,
        403,
        r#"{"status":"ERROR","message":"not from this IP"}"#,
        "http:403, cooldown, configuration",
    ),
];

#[test]
fn each_refusal_says_what_a_machine_may_do_and_who_must_act() {
    let rows = REFUSALS.iter().map(|(asked, status, body, expected)| {
        let found = outcome::of_token(&answer(*asked, &json(*status, body)));
        (format!("{asked:?} {status} {body}"), found, *expected)
    });
    assert_eq!(differences(rows), [""; 0]);
}

#[test]
fn a_stated_time_to_wait_is_obeyed_for_at_most_an_hour() {
    for (retry_after, expected) in [
        ("30", "http:429, after 30s, later 30s"),
        ("Thu, 01 Jan 2026 00:02:00 GMT", "http:429, after 120s, later 120s"),
        ("99999999999999999999999", "http:429, after 3600s, later 3600s; retry_after_capped"),
        ("5, 10", "http:429, after 10s, later 10s"),
        ("soon", "http:429, backoff 5s, later 5s; retry_after_invalid"),
    ] {
        let response = with(429, &[("retry-after", retry_after)], "");
        assert_eq!(outcome::of_token(&answer(Standard, &response)), expected, "{retry_after}");
    }
}

#[test]
fn a_lost_answer_differs_from_a_request_that_was_never_sent() {
    for (asked, fault, expected) in [
        (Standard, TransportError::not_sent("connection refused"), "not_sent, backoff 1s, later 1s"),
        (Standard, TransportError::unknown("connection reset"), "maybe_processed, backoff 1s, later 1s"),
        (Refresh, TransportError::not_sent("connection refused"), "not_sent, backoff 1s, later 1s"),
        (Refresh, TransportError::unknown("connection reset"), "maybe_processed, ambiguous, later 1s"),
        (Refresh, TransportError::timed_out("no answer within 60 s"), "timeout, ambiguous, later 1s"),
        (Refresh, TransportError::malformed("no status line"), "http_malformed, ambiguous, later 1s"),
        (Refresh, TransportError::broken_off("the body ended early"), "body_incomplete, ambiguous, later 1s"),
    ] {
        let text = format!("{asked:?} {fault}");
        assert_eq!(outcome::of_error(&granted(asked).failed(fault)), expected, "{text}");
    }
}

/// A code is sent at most once, so waiting cannot help: the user has to sign in for another code.
#[test]
fn a_code_is_lost_if_its_exchange_fails_temporarily() {
    let failures = [
        redeemed().failed(TransportError::not_sent("connection refused")),
        redeemed().failed(TransportError::unknown("connection reset")),
        answer(Code, &json(503, "")).unwrap_err(),
        answer(Code, &json(429, "")).unwrap_err(),
    ];
    let remedies: Vec<_> = failures
        .iter()
        .map(|error| format!("{}: {}", error.code(), outcome::remedy(error.remedy())))
        .collect();
    let expected = ["not_sent", "maybe_processed", "http:503", "http:429"];
    assert_eq!(remedies, expected.map(|code| format!("{code}: sign in")));
}

#[test]
fn a_form_is_read_only_if_the_profile_allows_it() {
    let body = "access_token=AT&token_type=Bearer&expires_in=3600";
    let form = with(200, &[("content-type", "application/x-www-form-urlencoded")], body);
    assert_eq!(outcome::of_token(&answer(Form, &form)), "AT, 3600s");
    assert_eq!(
        outcome::of_token(&answer(Standard, &form)),
        "media_type, cooldown, configuration; form_answer"
    );
}

#[test]
fn an_answer_is_read_up_to_1_mib() {
    let head = r#"{"access_token":"AT","token_type":"Bearer","pad":""#;
    let fits = "p".repeat(octo_auth_core::ANSWER_LIMIT - head.len() - 2);
    assert_eq!(outcome::of_token(&answer(Standard, &json(200, &format!("{head}{fits}\"}}")))), "AT");
    let over = json(200, &format!("{head}{fits}p\"}}"));
    assert_eq!(outcome::of_token(&answer(Standard, &over)), "too_large, cooldown, provider");
}

#[test]
fn access_tokens_longer_than_a_header_are_reported_and_then_refused() {
    let body =
        |length: usize| format!(r#"{{"access_token":"{}","token_type":"Bearer"}}"#, "A".repeat(length));
    let deviations = |length| answer(Standard, &json(200, &body(length))).map(|answer| answer.deviations);
    assert_eq!(deviations(4096).unwrap(), []);
    assert_eq!(deviations(8192).unwrap(), [Deviation::AccessTokenLong]);
    assert_eq!(deviations(65_536).unwrap(), [Deviation::AccessTokenLong]);
    assert_eq!(deviations(65_537).unwrap_err().code(), "access_token_too_long");
}

#[test]
fn bytes_that_are_not_utf_8_cost_only_their_own_member() {
    let mut elsewhere = br#"{"note":"??","access_token":"AT","token_type":"Bearer"}"#.to_vec();
    elsewhere[9..11].copy_from_slice(&[0xff, 0xfe]);
    let found = outcome::of_token(&answer(Standard, &with(200, &[JSON], &elsewhere)));
    assert_eq!(found, "AT; invalid_utf8_ignored");
    let mut inside = br#"{"access_token":"A?","token_type":"Bearer"}"#.to_vec();
    inside[18] = 0xff;
    let error = answer(Standard, &with(200, &[JSON], &inside)).unwrap_err();
    assert_eq!(error.code(), "not_utf8");
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend_from_slice(br#"{"access_token":"AT","token_type":"Bearer"}"#);
    assert_eq!(outcome::of_token(&answer(Standard, &with(200, &[JSON], &marked))), "AT; bom");
}

/// "`type` (OctoTable), `token_type` (OAuth) or neither (Octorate): one reading serves all three." An undocumented
/// member never costs a token (RFC 6749 section 5.1).
#[test]
fn a_member_named_type_beside_a_token_of_octorate_is_not_an_error() {
    for word in ["Bearer", "access"] {
        let body = format!(r#"{{"access_token":"AT","expires_in":60,"type":"{word}"}}"#);
        let found = outcome::of_token(&answer(Octorate, &json(200, &body)));
        assert!(found.starts_with("AT, 60s"), "{found}");
    }
    let worded = r#"{"access_token":"AT","expires_in":60,"type":"Notice","message":"a new version is out"}"#;
    assert!(outcome::of_token(&answer(Octorate, &json(200, worded))).starts_with("AT, 60s"));
    let wordless = outcome::of_token(&answer(Octorate, &json(200, r#"{"type":"Notice"}"#)));
    assert!(
        wordless.starts_with("access_token_missing"),
        "no error of the provider without its words: {wordless}"
    );
}

#[test]
fn lifetimes_count_from_sending_not_from_arrival() {
    let body = r#"{"access_token":"AT","token_type":"Bearer","expires_in":3600,"refresh_in":1}"#;
    let exchange = granted(Standard);
    let found = exchange.read(&json(200, body), moment::start(), moment::after(20)).unwrap().value;
    assert_eq!(found.issued_at(), moment::start().wall);
    assert_eq!(found.expires_at(), Some(moment::after(3600).wall));
}

#[test]
fn a_renewal_hint_is_used_only_within_the_lifetime() {
    let profile = standard().profile().clone().edit(|document| {
        document.token_answer.refresh_in = vec!["refresh_in".into()].into();
    });
    let client = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
    for (hint, expected) in [
        ("1800", "AT, 3600s, renew after 1800s"),
        ("null", "AT, 3600s"),
        ("0", "AT, 3600s; refresh_in_ignored"),
        ("3601", "AT, 3600s; refresh_in_ignored"),
        ("\"x\"", "AT, 3600s; refresh_in_ignored"),
    ] {
        let body =
            format!(r#"{{"access_token":"AT","token_type":"Bearer","expires_in":3600,"refresh_in":{hint}}}"#);
        let exchange = client.client_credentials(&Scopes::none()).unwrap();
        assert_eq!(outcome::of_token(&read(exchange, &json(200, &body))), expected, "{hint}");
    }
}

#[test]
fn revocation_succeeds_with_any_body_and_fails_with_an_error() {
    let revoke = || standard().revoke(&Secret::from("45ghiukl"), TokenTypeHint::AccessToken).unwrap();
    for response in
        [with(200, &[], ""), with(204, &[], ""), with(200, &[("content-type", "text/html")], "ok")]
    {
        assert!(read(revoke(), &response).is_ok(), "{response:?}");
    }
    let refused = read(revoke(), &json(400, r#"{"error":"unsupported_token_type"}"#)).unwrap_err();
    assert_eq!(outcome::of_error(&refused), "oauth:unsupported_token_type, cooldown, configuration");
    let busy = read(revoke(), &with(503, &[("retry-after", "9")], "")).unwrap_err();
    assert_eq!(outcome::of_error(&busy), "http:503, after 9s, later 9s");
}

#[test]
fn an_error_uri_is_kept_only_if_a_user_can_open_it() {
    for (uri, kept) in [
        ("https://docs.example.com/errors", true),
        ("http://docs.example.com", true),
        ("javascript:alert(1)", false),
    ] {
        let body = format!(r#"{{"error":"invalid_client","error_uri":"{uri}"}}"#);
        let error = answer(Standard, &json(401, &body)).unwrap_err();
        assert_eq!(error.error_uri(), kept.then_some(uri));
    }
}

#[test]
fn an_administration_token_is_read_like_any_other() {
    let body = r#"{"access_token":"AT","expireDate":"2027-01-01T00:00:00.000Z"}"#;
    let token = read(octorate().api_login().unwrap(), &json(200, body)).unwrap().value;
    assert_eq!(token.access_token().expose(), "AT");
    assert_eq!(token.issued_at(), moment::start().wall);
    assert_eq!(token.expires_at().map(|end| end.to_string()).as_deref(), Some("2027-01-01T00:00:00.000Z"));
    assert_eq!(token.lifetime(), Some(std::time::Duration::from_secs(365 * 86_400)));
}
