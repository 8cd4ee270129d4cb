//! What the response of a provider's API means for the token, and to which hosts a token may be sent.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use octo_auth_core::profile::{ClientAuthentication, Profile, RefusalMeaning};
use octo_auth_core::{ANSWER_LIMIT, ApiAnswer, Body, Client, ProviderText, Remedy, TokenStatus};
use octo_auth_testkit::registration::{
    CLIENT_ID, CLIENT_SECRET, octorate, octotable, officernd, property_token, standard_profile,
};
use octo_auth_testkit::response::{json, read, with};

/// A standard server whose API is on the same host. Only RFC 6750 defines what its responses mean.
fn standard() -> Client {
    let profile = standard_profile(ClientAuthentication::Body).edit(|document| {
        document.api = Some(octo_auth_core::profile::Api {
            hosts: vec!["server".into()].into(),
            required_headers: vec![].into(),
            remaining_header: None,
            source: "URL".into(),
        });
    });
    Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap()
}

fn request(url: &str) -> http::Request<Body> {
    http::Request::get(url).header("Property", "1").body(Body::empty()).unwrap()
}

/// Returns the first API host of a client's profile.
fn api_url(client: &Client) -> String {
    client.profile().api_origins().next().unwrap() + "/path"
}

fn answered(client: &Client, response: &http::Response<Vec<u8>>) -> ApiAnswer {
    let exchange =
        client.api_call(&property_token(client.profile(), "AT"), request(&api_url(client))).unwrap();
    read(exchange, response).unwrap().value
}

fn challenged(client: &Client, status: u16, challenges: &[&str]) -> TokenStatus {
    let headers: Vec<_> = challenges.iter().map(|challenge| ("www-authenticate", *challenge)).collect();
    answered(client, &with(status, &headers, "")).meaning()
}

const NO_WAIT: TokenStatus = TokenStatus::Quota { retry_after: None };

#[test]
fn statuses_are_read_as_each_provider_documents_them() {
    use TokenStatus::{Accepted, Forbidden, TokenRefused, Unrelated};
    let clients = [octorate(), octotable(), officernd(), standard()];
    for (status, meanings) in [
        (200, [Accepted; 4]),
        (204, [Accepted; 4]),
        (304, [Unrelated; 4]),
        (400, [Unrelated; 4]),
        (401, [TokenRefused; 4]),
        (403, [Forbidden; 4]),
        (404, [Unrelated; 4]),
        (429, [NO_WAIT; 4]),
        (500, [Unrelated; 4]),
        (503, [Unrelated; 4]),
        (550, [Unrelated; 4]),
    ] {
        let found = clients.each_ref().map(|client| answered(client, &with(status, &[], "")).meaning());
        assert_eq!(found, meanings, "{status}");
    }
}

#[test]
fn octorates_type_member_says_what_a_403_means() {
    for (body, meaning) in [
        (r#"{"type":"ApiLoginExpired","message":"Expired Token"}"#, TokenStatus::TokenRefused),
        (r#"{"type":"ApiSecurityException","message":"errNoResourcesForIdentity"}"#, TokenStatus::Forbidden),
        (r#"{"type":"ApiQuotaException","message":"m"}"#, NO_WAIT),
        (r#"{"type":"WrongEnviroment","message":"m"}"#, TokenStatus::WrongEnvironment),
        (r#"{"type":"Unheard","message":"ApiLoginExpired"}"#, TokenStatus::Forbidden),
        ("Caller not in requested role", TokenStatus::Forbidden),
        ("", TokenStatus::Forbidden),
    ] {
        let answer = answered(&octorate(), &json(403, body));
        assert_eq!(answer.meaning(), meaning, "{body}");
        assert_eq!(answer.meaning().calls_for_renewal(), body.contains(r#""type":"ApiLoginExpired""#));
    }
    let elsewhere = answered(&octotable(), &json(403, r#"{"type":"ApiLoginExpired"}"#));
    assert_eq!(elsewhere.meaning(), TokenStatus::Forbidden);
    let invalid = answered(&octorate(), &json(401, r#"{"type":"ApiKeyInvalid","message":"m"}"#));
    assert_eq!(invalid.meaning(), TokenStatus::TokenRefused);
}

#[test]
fn an_error_is_recognized_by_its_code_and_its_text() {
    let answer =
        answered(&octorate(), &json(403, r#"{"type":"ApiQuotaException","message":"limits \u001b[1m"}"#));
    assert_eq!(answer.code(), Some("provider:ApiQuotaException"));
    assert_eq!(answer.provider_text().map(ProviderText::as_str), Some("limits  [1m"));
    let table =
        r#"{"success":false,"error":{"code":"RESOURCE_NOT_FOUND","message":"No table","class_name":"X"}}"#;
    let answer = answered(&octotable(), &json(404, table));
    assert_eq!(answer.code(), Some("provider:RESOURCE_NOT_FOUND"));
    assert_eq!((answer.status().as_u16(), answer.body()), (404, table.as_bytes()));
    let answer = answered(&officernd(), &json(403, r#"{"message":"no access"}"#));
    assert_eq!((answer.code(), answer.provider_text().map(ProviderText::as_str)), (None, Some("no access")));
}

/// Basic, Digest, Negotiate and NTLM ask for another credential. Any other scheme may be the vendor's name for
/// Bearer.
#[test]
fn a_401_refuses_the_token_unless_only_other_credentials_are_requested() {
    for (challenges, meaning) in [
        (&[r#"Basic realm="x""#][..], TokenStatus::Unrelated),
        (&[r#"DIGEST realm="x", nonce="y", qop=auth"#], TokenStatus::Unrelated),
        (&["Negotiate", "NTLM TlRMTVNTUAAC="], TokenStatus::Unrelated),
        (&["Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa"], TokenStatus::Unrelated),
        (&[r#"Basic realm="x", Negotiate abc, NTLM"#], TokenStatus::Unrelated),
        (&[r#"Basic realm="x", Bearer error="invalid_token""#], TokenStatus::TokenRefused),
        (&[r#"Basic realm="x""#, r#"bearer error="invalid_token""#], TokenStatus::TokenRefused),
        (&[r#"Basic realm="x", error="invalid_token""#], TokenStatus::TokenRefused),
        (&[r#"Basic realm="x", OAuth realm="y""#], TokenStatus::TokenRefused),
        (&[r#"Basic realm="a, Bearer error=\"invalid_token\"""#], TokenStatus::Unrelated),
        (&[r#"Basic realm="a\", Bearer error=\"x""#], TokenStatus::Unrelated),
        (&["Bearer"], TokenStatus::TokenRefused),
        (&["Token"], TokenStatus::TokenRefused),
        (&["Token abc=="], TokenStatus::TokenRefused),
        (&[r#"OAuth realm="x""#], TokenStatus::TokenRefused),
        (&[r#"DPoP error="invalid_token", algs="ES256""#], TokenStatus::TokenRefused),
        (&[r#"AWS4-HMAC-SHA256 realm="x""#], TokenStatus::TokenRefused),
        (&[""], TokenStatus::TokenRefused),
    ] {
        assert_eq!(challenged(&standard(), 401, challenges), meaning, "{challenges:?}");
        for client in [octorate(), octotable(), officernd()] {
            let name = client.profile().name().to_owned();
            assert_eq!(
                challenged(&client, 401, challenges),
                TokenStatus::TokenRefused,
                "{name} {challenges:?}"
            );
        }
    }
}

#[test]
fn a_401_whose_body_says_invalid_token_refuses_the_token_whatever_its_challenge() {
    let answer = |body: &str| {
        let headers = [("www-authenticate", r#"Basic realm="x""#), ("content-type", "application/json")];
        answered(&standard(), &with(401, &headers, body)).meaning()
    };
    for body in [
        r#"{"error":"invalid_token","error_description":"The access token expired"}"#,
        r#"{"error":{"code":"invalid_token"}}"#,
        r#"[{"code":"invalid_token"}]"#,
    ] {
        assert_eq!(answer(body), TokenStatus::TokenRefused, "{body}");
    }
    assert_eq!(answer(r#"{"error":"login required"}"#), TokenStatus::Unrelated);
    assert_eq!(answer(&format!("{}invalid_token", "p".repeat(8192))), TokenStatus::Unrelated);
}

/// RFC 6750 section 3.1: the error code is decisive. The status 401 is only recommended beside it.
#[test]
fn invalid_token_in_a_bearer_challenge_refuses_the_token_with_400_and_403_too() {
    let invalid = r#"Bearer realm="r", error="invalid_token", error_description="expired""#;
    for status in [400, 401, 403] {
        for client in [octorate(), octotable(), officernd(), standard()] {
            assert_eq!(challenged(&client, status, &[invalid]), TokenStatus::TokenRefused, "{status}");
        }
    }
    assert_eq!(challenged(&standard(), 403, &[r#"DPoP error="invalid_token""#]), TokenStatus::TokenRefused);
    assert_eq!(
        challenged(&standard(), 403, &[r#"Basic realm="x", error="invalid_token""#]),
        TokenStatus::Forbidden
    );
    assert_eq!(challenged(&standard(), 404, &[invalid]), TokenStatus::Unrelated);
}

/// A profile's rule about 401 holds, whatever else the response contains.
#[test]
fn a_profiles_rule_about_401_is_not_overruled() {
    let rule =
        |meaning| octo_auth_core::profile::Refusal { status: 401, code: None, meaning, source: "URL".into() };
    for (meaning, expected) in [
        (RefusalMeaning::Forbidden, TokenStatus::Forbidden),
        (RefusalMeaning::Quota, NO_WAIT),
        (RefusalMeaning::TokenRefused, TokenStatus::TokenRefused),
    ] {
        let profile =
            standard().profile().clone().edit(|document| document.refusals.to_mut().push(rule(meaning)));
        let client = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
        for challenge in ["Basic", "Token", "Bearer", r#"Bearer error="invalid_token""#] {
            assert_eq!(challenged(&client, 401, &[challenge]), expected, "{challenge}");
        }
    }
}

#[test]
fn a_missing_scope_is_no_reason_to_renew() {
    let missing = r#"Bearer realm="r", error="insufficient_scope", scope="x""#;
    for status in [401, 403] {
        assert_eq!(challenged(&standard(), status, &[missing]), TokenStatus::InsufficientScope);
    }
    assert_eq!(
        challenged(&standard(), 403, &[r#"Bearer error=insufficient_scope"#]),
        TokenStatus::InsufficientScope
    );
    assert!(!TokenStatus::InsufficientScope.calls_for_renewal());
}

/// A code of RFC 6750 section 3.1 is more specific than a provider's general statement about its status.
#[test]
fn a_missing_scope_is_recognized_at_a_provider_that_documents_only_the_status() {
    let missing = r#"Bearer error="insufficient_scope", scope="officernd.api.write""#;
    assert_eq!(challenged(&officernd(), 403, &[missing]), TokenStatus::InsufficientScope);
    assert_eq!(challenged(&officernd(), 401, &[missing]), TokenStatus::InsufficientScope);
}

#[test]
fn a_stated_time_to_wait_means_throttling() {
    let wait =
        |status, value: &str| answered(&standard(), &with(status, &[("retry-after", value)], "")).meaning();
    let quota = |seconds| TokenStatus::Quota { retry_after: Some(Duration::from_secs(seconds)) };
    assert_eq!(wait(429, "30"), quota(30));
    assert_eq!(wait(503, "30"), quota(30));
    assert_eq!(wait(429, "999999"), quota(3600));
    assert_eq!(wait(429, "soon"), NO_WAIT);
    for status in [400, 403, 404, 413, 500, 502] {
        assert_eq!(wait(status, "60"), quota(60), "{status}");
    }
    assert_eq!((wait(403, "0"), wait(403, "soon")), (TokenStatus::Forbidden, TokenStatus::Forbidden));
    assert_eq!((wait(400, "0"), wait(301, "60")), (TokenStatus::Unrelated, TokenStatus::Unrelated));
    assert_eq!(wait(401, "60"), TokenStatus::TokenRefused);
    assert_eq!(wait(200, "30"), TokenStatus::Accepted);
    let body = r#"{"type":"ApiQuotaException"}"#;
    let octorates = answered(&octorate(), &with(403, &[("retry-after", "7")], body));
    assert_eq!(octorates.meaning(), quota(7));
    for client in [octotable(), officernd()] {
        assert_eq!(answered(&client, &with(403, &[("retry-after", "7")], "")).meaning(), quota(7));
    }
}

#[test]
fn only_the_first_8_kib_of_a_body_are_examined() {
    let body = format!(r#"{{"pad":"{}","type":"ApiLoginExpired"}}"#, "p".repeat(8192));
    let answer = answered(&octorate(), &json(403, &body));
    assert_eq!(answer.meaning(), TokenStatus::Forbidden);
    assert_eq!(answer.body().len(), body.len());
}

#[test]
fn the_remaining_quota_is_read_from_octorates_header() {
    let left = |client: &Client, value: &str| {
        let exchange =
            client.api_call(&property_token(client.profile(), "AT"), request(&api_url(client))).unwrap();
        read(exchange, &with(200, &[("X-RateLimit-Remaining", value)], "[]")).unwrap().quota_remaining
    };
    assert_eq!(left(&octorate(), " 42 "), Some(42));
    assert_eq!(left(&octorate(), "many"), None);
    assert_eq!(left(&octotable(), "42"), None);
}

fn refused(client: &Client, url: &str) -> &'static str {
    let error = client.api_call(&property_token(client.profile(), "AT"), request(url)).map(drop).unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    error.code()
}

#[test]
fn a_token_for_an_unlisted_host_is_refused_before_there_is_a_request() {
    for url in [
        "https://api.octorate.com.evil.example/",
        "https://evil.example/api.octorate.com",
        "https://api.octorate.com@evil.example/",
        "https://api.octorate.com:8443/",
        "https://admin.octorate.com/octobook/identity/oauth.xhtml",
        "https://octorate.com/",
        "http://api.octorate.com/connect/rest/v1/accommodation",
        "wss://api.octorate.com/",
    ] {
        assert_eq!(refused(&octorate(), url), "foreign_host", "{url}");
    }
    assert_eq!(refused(&octorate(), "/connect/rest/v1/accommodation"), "url");
    assert_eq!(refused(&octorate(), "https://evil@api.octorate.com/"), "url");
    let nowhere = octo_auth_testkit::registration::standard();
    assert_eq!(refused(&nowhere, "https://server.example.com/api"), "foreign_host");
}

#[test]
fn user_information_in_a_foreign_url_is_not_shown() {
    let request = request("https://user:pa55word@evil.example/");
    let error =
        octorate().api_call(&property_token(octorate().profile(), "AT"), request).map(drop).unwrap_err();
    assert!(error.to_string().contains("https://evil.example"), "{error}");
    assert!(!format!("{error} {error:?}").contains("pa55word"));
}

/// Scheme and host are case-insensitive, and 443 is the default port of https (RFC 6454 section 4).
#[test]
fn the_same_origin_in_another_spelling_is_the_same_origin() {
    for url in
        ["https://API.Octorate.com/connect/rest/v1/accommodation", "https://api.octorate.com:443/connect"]
    {
        let exchange = octorate().api_call(&property_token(octorate().profile(), "AT"), request(url));
        assert!(exchange.is_ok(), "{url}: {:?}", exchange.map(drop));
    }
}

#[test]
fn a_request_to_octotable_without_a_property_is_refused() {
    let bare = http::Request::get("https://api.octotable.com/octotable-pms/api/v2/table").body(Body::empty());
    let error = octotable()
        .api_call(&property_token(octotable().profile(), "AT"), bare.unwrap())
        .map(drop)
        .unwrap_err();
    assert_eq!(error.code(), "header_missing");
    assert!(error.to_string().contains("Property"), "{error}");
}

#[test]
fn a_request_is_sent_as_given_except_for_the_token() {
    let given = http::Request::put("https://api.octorate.com/connect/rest/v1/reservation/1?a=b%20c")
        .header("authorization", "Bearer stale")
        .header("x-own", "1")
        .body(Body::from("{}"))
        .unwrap();
    let exchange = octorate().api_call(&property_token(octorate().profile(), "AT"), given).unwrap();
    let sent = exchange.request();
    assert_eq!(sent.method(), "PUT");
    assert_eq!(sent.uri(), "https://api.octorate.com/connect/rest/v1/reservation/1?a=b%20c");
    let headers: BTreeMap<_, _> = sent.headers().iter().map(|(name, value)| (name.as_str(), value)).collect();
    let texts: Vec<_> = headers.iter().map(|(name, value)| (*name, value.to_str().unwrap())).collect();
    assert_eq!(texts, [("authorization", "Bearer AT"), ("x-own", "1")]);
    assert!(headers["authorization"].is_sensitive());
    assert_eq!(sent.body().as_ref(), b"{}");
}

#[test]
fn a_moved_host_still_gets_its_tokens() {
    let profile = Profile::octorate().with_base("api", "https://gateway.example/octorate").unwrap();
    let client = Client::new(profile, CLIENT_ID, CLIENT_SECRET).unwrap();
    assert!(
        client
            .api_call(
                &property_token(client.profile(), "AT"),
                request("https://gateway.example/octorate/connect")
            )
            .is_ok()
    );
    assert_eq!(refused(&client, "https://api.octorate.com/connect"), "foreign_host");
}

#[test]
fn a_success_is_read_up_to_1_mib() {
    let call = |length: usize| {
        let token = property_token(octorate().profile(), "AT");
        let exchange = octorate().api_call(&token, request(&api_url(&octorate()))).unwrap();
        read(exchange, &with(200, &[], "x".repeat(length)))
    };
    assert_eq!(call(ANSWER_LIMIT).unwrap().value.body().len(), ANSWER_LIMIT);
    assert_eq!(call(ANSWER_LIMIT + 1).unwrap_err().code(), "too_large");
}

#[test]
fn the_error_of_a_refusal_says_who_must_act_and_when() {
    let later = |seconds| Remedy::TryLater { after: Duration::from_secs(seconds) };
    for (response, code, remedy) in [
        (json(401, ""), "http:401", Remedy::RenewToken),
        (json(403, r#"{"type":"ApiLoginExpired"}"#), "provider:ApiLoginExpired", Remedy::RenewToken),
        (
            json(403, r#"{"type":"ApiSecurityException"}"#),
            "provider:ApiSecurityException",
            Remedy::FixConfiguration,
        ),
        (json(403, r#"{"type":"ApiQuotaException"}"#), "provider:ApiQuotaException", later(5)),
        (json(403, r#"{"type":"WrongEnviroment"}"#), "provider:WrongEnviroment", Remedy::FixConfiguration),
        (
            json(400, r#"{"type":"ApiException","message":"no dates"}"#),
            "provider:ApiException",
            Remedy::FixConfiguration,
        ),
        (json(404, ""), "http:404", Remedy::FixConfiguration),
        (json(409, ""), "http:409", Remedy::FixConfiguration),
        (with(429, &[("retry-after", "7")], ""), "http:429", later(7)),
        (json(429, ""), "http:429", later(5)),
        (json(500, ""), "http:500", later(1)),
        (with(503, &[("retry-after", "60")], ""), "http:503", later(60)),
        (json(418, ""), "http:418", Remedy::AskProvider),
        (with(307, &[("location", "https://example.com/?secret")], ""), "http:307", Remedy::AskProvider),
    ] {
        let error = answered(&octorate(), &response).error_for_status().unwrap_err();
        assert_eq!((error.code().as_ref(), error.remedy()), (code, remedy), "{error}");
        let after = error.retry_after();
        assert_eq!(after.map_or(remedy, |after| Remedy::TryLater { after }), remedy, "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with("Octorate: the API request was refused") && !text.contains("secret"),
            "{text}"
        );
    }
    let missing = answered(&octorate(), &json(404, "")).error_for_status().unwrap_err();
    assert!(!missing.to_string().contains("base URL"), "it is the resource that is missing: {missing}");
    let scope = with(403, &[("www-authenticate", "Bearer error=\"insufficient_scope\"")], "");
    let error = answered(&standard(), &scope).error_for_status().unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
}

#[test]
fn a_success_is_not_an_error_and_is_complete() {
    let answer = answered(&octorate(), &json(201, "{}")).error_for_status().unwrap();
    assert_eq!((answer.status().as_u16(), answer.body()), (201, &b"{}"[..]));
}

#[test]
fn a_refusal_is_classified_by_the_beginning_of_its_body() {
    let body = |before: usize| {
        let pad = "p".repeat(before);
        format!(r#"{{"pad":"{pad}","type":"ApiLoginExpired","message":"Expired Token"}}"#)
    };
    let meaning = |before| answered(&octorate(), &json(403, &body(before))).meaning();
    assert_eq!(meaning(100), TokenStatus::TokenRefused);
    assert_eq!(meaning(8192), TokenStatus::Forbidden, "what it says stands beyond the first 8 KiB");
}

#[test]
fn an_answer_keeps_its_headers_but_debug_shows_neither_them_nor_the_body() {
    let answer =
        answered(&octorate(), &with(403, &[("x-secret", "s3cr3t")], r#"{"type":"Unheard","a":"b0dy"}"#));
    assert_eq!(answer.headers()["x-secret"], "s3cr3t");
    let shown = format!("{answer:?}");
    assert!(shown.contains("403") && shown.contains("provider:Unheard"), "{shown}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("b0dy"), "{shown}");
}
