//! Remedies that depend on the provider, the grant and the request together.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::time::Duration;

use http::Response;
use octo_auth_core::profile::RefusalMeaning;
use octo_auth_core::{
    Client, Exchange, ExchangeError, Profile, Remedy, Reply, Retry, Scopes, Secret, TokenSet, TransportError,
};
use octo_auth_testkit::registration::{
    admin_token, entropy, octorate, octotable, officernd, property_token, standard,
};
use octo_auth_testkit::{moment, response};

fn refused<T: Reply>(exchange: Exchange<T>, response: &Response<Vec<u8>>) -> ExchangeError {
    let now = moment::start();
    exchange.read(response, now, now).map(drop).expect_err("a refusal")
}

fn waiting(status: u16, body: &str, seconds: &str) -> Response<Vec<u8>> {
    response::with(status, &[("content-type", "application/json"), ("retry-after", seconds)], body)
}

fn code_exchange() -> Exchange<TokenSet> {
    let client = standard();
    let (_, pending) =
        client.authorize("https://app.example/cb", &Scopes::none(), entropy(), moment::start()).unwrap();
    let callback = format!("?code=c&state={}", pending.state().expose());
    pending.receive(&callback, moment::start()).unwrap().exchange(&client, moment::start()).unwrap()
}

fn officernd_scopes() -> Scopes {
    Scopes::parse("flex.community.members.read").unwrap()
}

#[test]
fn a_quota_at_the_token_endpoint_causes_a_wait() {
    let body = r#"{"type":"ApiQuotaException","message":"You've reached your quota limits"}"#;
    let error = refused(octorate().api_login().unwrap(), &waiting(403, body, "120"));
    let wait = Duration::from_secs(120);
    assert_eq!((error.retry(), error.remedy()), (Retry::After(wait), Remedy::TryLater { after: wait }));
    assert_eq!(error.refusal(), Some(RefusalMeaning::Quota));
}

#[test]
fn an_expired_administration_token_asks_for_another() {
    let client = octorate();
    let admin = admin_token(client.profile(), "admin");
    for (status, body) in [
        (403, r#"{"type":"ApiLoginExpired","message":"Expired Token"}"#),
        (401, r#"{"type":"ApiKeyInvalid","message":"m"}"#),
    ] {
        let refusal = response::json(status, body);
        let read = refused(client.api_configuration(&admin).unwrap(), &refusal);
        let made = refused(client.create_property(&admin, "{}").unwrap(), &refusal);
        assert_eq!((read.remedy(), made.remedy()), (Remedy::RenewToken, Remedy::RenewToken), "{body}");
    }
}

#[test]
fn a_code_is_never_sent_again() {
    let outcomes = [
        code_exchange().failed(TransportError::timed_out("no answer")),
        code_exchange().failed(TransportError::not_sent("connection refused")),
        refused(code_exchange(), &response::json(503, "{}")),
        refused(code_exchange(), &response::json(400, r#"{"error":"invalid_grant"}"#)),
    ];
    for error in outcomes {
        assert_eq!((error.retry(), error.remedy()), (Retry::Never, Remedy::SignInAgain), "{error}");
    }
}

#[test]
fn a_request_that_may_have_succeeded_is_not_repeated_blindly() {
    let client = octorate();
    let admin = admin_token(client.profile(), "admin");
    let made = client.create_property(&admin, "{}").unwrap().failed(TransportError::timed_out("no answer"));
    let moved = client.migrate(&Secret::new("key"), "1").unwrap().failed(TransportError::broken_off("cut"));
    for error in [made, moved] {
        assert!(matches!(error.retry(), Retry::Ambiguous { .. }), "{error}");
    }
    let unsent = client.create_property(&admin, "{}").unwrap().failed(TransportError::not_sent("refused"));
    assert!(matches!(unsent.retry(), Retry::Backoff { .. }), "what was not sent may be sent");
}

#[test]
fn a_refresh_in_doubt_still_obeys_retry_after() {
    let refresh = || standard().refresh(&Secret::new("old")).unwrap();
    let page = response::with(503, &[("content-type", "text/html"), ("retry-after", "120")], "<html>");
    assert_eq!(refused(refresh(), &page).retry(), Retry::Ambiguous { at_least: Duration::from_secs(120) });
    let compressed = response::with(200, &[("content-encoding", "gzip")], "x");
    assert!(matches!(refused(refresh(), &compressed).retry(), Retry::Ambiguous { .. }));
}

#[test]
fn an_unusable_answer_is_retried_at_its_retry_after() {
    let asks_to_wait = |status, header, body| {
        let error = refused(
            standard().refresh(&Secret::new("old")).unwrap(),
            &response::with(status, &[header, ("retry-after", "120")], body),
        );
        assert_eq!(error.retry_after(), Some(Duration::from_secs(120)), "{status} {body}: {error}");
    };
    let json = ("content-type", "application/json");
    asks_to_wait(307, ("location", "https://login.example.com/busy"), "");
    asks_to_wait(204, json, "");
    asks_to_wait(206, json, "{");
    asks_to_wait(200, ("content-encoding", "gzip"), "x");
    asks_to_wait(200, ("content-type", "text/html"), "<html>");
    asks_to_wait(200, json, r#"{"token_type":"bearer"}"#);
}

#[test]
fn no_wait_is_shorter_than_the_documented_distance_between_requests() {
    let exchange = officernd().client_credentials(&officernd_scopes()).unwrap();
    let error = refused(exchange, &waiting(429, "Too many requests, please try again later", "1"));
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(12)));
}

#[test]
fn a_grant_without_a_user_never_asks_for_a_sign_in() {
    for body in
        [r#"{"error":"invalid_grant"}"#, r#"{"error":"unauthorized"}"#, r#"{"error":"Bad credentials"}"#]
    {
        let exchange = officernd().client_credentials(&officernd_scopes()).unwrap();
        let error = refused(exchange, &response::json(401, body));
        assert_eq!(error.remedy(), Remedy::FixConfiguration, "{body}");
    }
    let exchange = officernd().client_credentials(&officernd_scopes()).unwrap();
    let wordy = refused(exchange, &response::json(401, r#"{"error":"Bad credentials"}"#));
    assert!(wordy.to_string().ends_with("Bad credentials"), "{wordy}");
}

#[test]
fn a_failed_tls_handshake_is_a_configuration_error() {
    let error =
        octorate().api_login().unwrap().failed(TransportError::misconfigured("the TLS handshake failed"));
    assert_eq!((error.code().as_ref(), error.remedy()), ("not_sent", Remedy::FixConfiguration));
}

#[test]
fn a_proxy_that_asks_for_credentials_is_a_configuration_error_with_its_name() {
    let error = refused(
        octorate().api_login().unwrap(),
        &response::with(407, &[("content-type", "text/html")], "<html>"),
    );
    assert_eq!((error.code().as_ref(), error.remedy()), ("http:407", Remedy::FixConfiguration));
    assert!(error.to_string().contains("refused by a proxy, which asks for credentials"), "{error}");
}

#[test]
fn a_token_of_one_provider_never_goes_to_another() {
    let token = property_token(octorate().profile(), "AT");
    let request = http::Request::get("https://app.officernd.com/api").body(octo_auth_core::Body::empty());
    let error = officernd().api_call(&token, request.unwrap()).map(drop).unwrap_err();
    assert_eq!(error.code(), "other_provider");
    let tenant = |name: &str| {
        let profile = Profile::rfc6749(&format!("https://login.example/{name}/token")).unwrap();
        Client::new(profile.with_api_host("https://api.example").unwrap(), "id", "secret").unwrap()
    };
    let token = property_token(tenant("a").profile(), "AT");
    let request = || http::Request::get("https://api.example/x").body(octo_auth_core::Body::empty()).unwrap();
    assert!(tenant("a").api_call(&token, request()).is_ok());
    assert!(tenant("b").api_call(&token, request()).is_err(), "tenants of one host are two issuers");
}

#[test]
fn a_truncated_api_answer_is_an_error_but_a_long_refusal_is_read() {
    let client = octotable();
    let call = || {
        let request = http::Request::get("https://api.octotable.com/x").header("property", "1");
        let token = property_token(client.profile(), "AT");
        client.api_call(&token, request.body(octo_auth_core::Body::empty()).unwrap()).unwrap()
    };
    let long = "x".repeat(octo_auth_core::ANSWER_LIMIT + 1);
    assert_eq!(refused(call(), &response::json(200, &long)).code(), "too_large");
    let client = octorate();
    let request = http::Request::get("https://api.octorate.com/x").body(octo_auth_core::Body::empty());
    let call = client.api_call(&property_token(client.profile(), "AT"), request.unwrap()).unwrap();
    let body = format!(r#"{{"type":"ApiLoginExpired","message":"{}"}}"#, "long ".repeat(2000));
    let now = moment::start();
    let answer = call.read(&response::json(403, &body), now, now).unwrap().value;
    assert!(answer.meaning().calls_for_renewal(), "{answer:?}");
}

#[test]
fn a_restored_token_keeps_its_lifetime() {
    let client = octorate();
    let day = Some(Duration::from_secs(86_400));
    let access = octo_auth_core::AccessToken::new("AT").unwrap();
    let kept = TokenSet::restore(client.profile(), access, moment::start().wall, day, Some("RT".into()));
    assert_eq!(kept.expires_at().unwrap().to_string(), "2026-01-02T00:00:00.000Z");
    assert_eq!(kept.refresh_token().map(Secret::expose), Some("RT"));
}

#[test]
fn a_token_type_other_than_bearer_is_shown_unless_it_may_be_a_secret() {
    let refused_type = |token_type: &str| {
        let body = format!(
            r#"{{"access_token":"AT-secret","refresh_token":"RT-secret","token_type":"{token_type}"}}"#
        );
        let error = refused(standard().refresh(&Secret::new("RT-old")).unwrap(), &response::json(200, &body));
        assert_eq!(
            (error.code().as_ref(), error.remedy()),
            ("token_type_unsupported", Remedy::FixConfiguration)
        );
        format!("{error} {error:?}")
    };
    for (token_type, shown) in [
        ("BearerToken", "the token type BearerToken in the place of bearer"),
        ("mac", "the token type mac in the place of bearer"),
        ("urn:x\\u001b[2J", "the token type urn:x [2J in the place of bearer"),
        ("urn:ietf:params:oauth:token-type:jwt", "the token type urn:ietf:params:oauth:token-type:jwt in"),
        (" Bearer ", "the token type bearer and characters around it that cannot be seen"),
        ("bearer\\u200b", "the token type bearer and characters around it that cannot be seen"),
        ("", "a token type other than bearer, which is empty"),
        ("DPoP", "a DPoP token (RFC 9449), which is bound to a key"),
        ("dpop", "a DPoP token (RFC 9449), which is bound to a key"),
    ] {
        assert!(refused_type(token_type).contains(shown), "{}", refused_type(token_type));
    }
    for secret in ["AT-secret", "RT-secret", "RT-old", "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln"] {
        let shown = refused_type(secret);
        assert!(
            !shown.contains(secret) && shown.contains("other than bearer") | shown.contains("***"),
            "{shown}"
        );
    }
}
