//! What a refusal of a token endpoint means: a dead grant, a limit, a wrong address, or an unknown cause.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use octo_auth_core::{ANSWER_LIMIT, Body, Client, ExchangeError, Profile, Remedy, Retry, Scopes, Secret};
use octo_auth_testkit::outcome;
use octo_auth_testkit::registration::{
    CLIENT_ID, CLIENT_SECRET, octorate, officernd, property_token, standard,
};
use octo_auth_testkit::response::{json, read, with};

fn refresh_at(client: &Client, response: &http::Response<Vec<u8>>) -> ExchangeError {
    read(client.refresh(&Secret::from("old")).unwrap(), response).unwrap_err()
}

fn refresh(status: u16, body: &str) -> ExchangeError {
    refresh_at(&standard(), &json(status, body))
}

fn own_grant(response: &http::Response<Vec<u8>>) -> ExchangeError {
    read(standard().client_credentials(&Scopes::none()).unwrap(), response).unwrap_err()
}

fn with_profile(edit: impl FnOnce(&mut octo_auth_core::profile::Document)) -> Client {
    let profile: Profile = standard().profile().clone().edit(edit).unwrap();
    Client::new(profile, CLIENT_ID, CLIENT_SECRET).unwrap()
}

const PAGE: &str = "<!DOCTYPE html><html><title>Access denied</title></html>";

fn page(status: u16) -> http::Response<Vec<u8>> {
    with(status, &[("content-type", "text/html; charset=utf-8")], PAGE)
}

#[test]
fn an_error_code_for_a_dead_grant_counts_at_any_status() {
    for code in ["invalid_grant", "bad_refresh_token", "invalid_refresh_token"] {
        for status in [200, 400, 401, 403, 404, 409, 422, 429, 500, 503] {
            let error = refresh(status, &format!(r#"{{"error":"{code}","error_description":"revoked"}}"#));
            assert_eq!(outcome::of_error(&error), format!("oauth:{code}, never, sign in"), "{status}");
        }
        // No user has consented to this grant.
        let error = own_grant(&json(400, &format!(r#"{{"error":"{code}"}}"#)));
        assert_eq!((error.retry(), error.remedy()), (Retry::Cooldown, Remedy::FixConfiguration), "{code}");
    }
    // A server that issues a token has not ended the grant.
    let granted =
        r#"{"access_token":"AT","refresh_token":"RT","token_type":"Bearer","error":"invalid_grant"}"#;
    let error = refresh(200, granted);
    assert_eq!(outcome::of_error(&error), "oauth:invalid_grant, cooldown, provider, salvaged RT");
    let error = refresh_at(&standard(), &with(400, &[("retry-after", "30")], r#"{"error":"invalid_grant"}"#));
    assert_eq!(error.retry(), Retry::Never, "a time to wait makes no dead grant alive");
}

#[test]
fn a_profile_says_which_codes_of_its_server_mean_a_dead_grant() {
    let gone = || json(410, r#"{"error":"token_gone"}"#);
    let told = with_profile(|document| {
        document.refresh.iter_mut().for_each(|rules| rules.dead_codes = vec!["token_gone".into()].into());
    });
    assert_eq!(outcome::of_error(&refresh_at(&told, &gone())), "oauth:token_gone, never, sign in");
    assert_ne!(refresh_at(&standard(), &gone()).retry(), Retry::Never);
    // A profile's own list replaces the default list, except for the code of RFC 6749.
    let known = json(400, r#"{"error":"bad_refresh_token"}"#);
    assert_eq!(refresh_at(&told, &known).retry(), Retry::Cooldown);
    assert_eq!(refresh_at(&told, &json(400, r#"{"error":"invalid_grant"}"#)).retry(), Retry::Never);
    // The same in the provider's own error format.
    let profile = octorate().profile().clone().edit(|document| {
        document.refresh.iter_mut().for_each(|rules| rules.dead_codes = vec!["ApiGrantGone".into()].into());
    });
    let own = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
    let refused = json(403, r#"{"type":"ApiGrantGone","message":"m"}"#);
    assert_eq!(outcome::of_error(&refresh_at(&own, &refused)), "provider:ApiGrantGone, never, sign in");
}

#[test]
fn a_profile_without_a_list_of_dead_codes_has_the_known_ones() {
    for client in [octorate(), officernd(), standard()] {
        let rules = client.profile().document().refresh.clone().unwrap();
        assert_eq!(rules.dead_codes.to_vec(), ["bad_refresh_token", "invalid_refresh_token"]);
        assert!(!rules.empty_refusal_is_dead);
    }
    let error = standard().profile().clone().edit(|document| {
        document.refresh.iter_mut().for_each(|rules| rules.dead_codes = vec!["a".into(), "a".into()].into());
    });
    assert_eq!(error.unwrap_err().field(), "refresh.dead_codes[1]");
}

#[test]
fn a_400_without_a_body_is_a_dead_grant_only_where_the_profile_says_so() {
    let told = with_profile(|document| {
        document.refresh.iter_mut().for_each(|rules| rules.empty_refusal_is_dead = true);
    });
    for body in ["", " \r\n"] {
        assert_eq!(outcome::of_error(&refresh_at(&told, &json(400, body))), "http:400, never, sign in");
        assert_eq!(outcome::of_error(&refresh(400, body)), "http:400, cooldown, provider");
    }
    for response in [json(400, "{}"), json(401, ""), json(403, ""), page(400)] {
        assert_ne!(refresh_at(&told, &response).retry(), Retry::Never, "{response:?}");
    }
    let told_nothing = read(told.client_credentials(&Scopes::none()).unwrap(), &json(400, "")).unwrap_err();
    assert_eq!(outcome::of_error(&told_nothing), "http:400, cooldown, configuration");
    let advice = "set `refresh.empty_refusal_is_dead` in the profile";
    assert!(refresh(400, "").to_string().contains(advice), "{}", refresh(400, ""));
}

#[test]
fn a_refusal_that_names_a_time_to_wait_is_a_limit_whatever_its_status() {
    let waiting = |status, body: &str| {
        outcome::of_error(&own_grant(&with(
            status,
            &[("content-type", "application/json"), ("retry-after", "60")],
            body,
        )))
    };
    for (status, body, code) in [
        (400, "", "http:400"),
        (400, r#"{"error":"invalid_request"}"#, "oauth:invalid_request"),
        (400, r#"{"error":"quota"}"#, "oauth:quota"),
        (401, "", "http:401"),
        (403, PAGE, "http:403"),
        (403, r#"{"message":"secondary rate limit"}"#, "http:403"),
        (403, r#"{"error":"access_denied"}"#, "oauth:access_denied"),
        (404, "", "http:404"),
        (200, r#"{"error":"quota"}"#, "oauth:quota"),
        (200, r#"{"error":"temporarily_unavailable"}"#, "oauth:temporarily_unavailable"),
    ] {
        assert_eq!(waiting(status, body), format!("{code}, after 60s, later 60s"), "{status} {body}");
    }
    for code in ["invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"] {
        let body = format!(r#"{{"error":"{code}"}}"#);
        assert_eq!(
            waiting(400, &body),
            format!("oauth:{code}, cooldown, configuration"),
            "it says what is wrong"
        );
    }
    let refresh = refresh_at(&standard(), &with(403, &[("retry-after", "60")], PAGE));
    assert_eq!(outcome::of_error(&refresh), "http:403, after 60s, later 60s");
    assert_eq!(own_grant(&with(403, &[("retry-after", "0")], "")).retry(), Retry::Cooldown);
}

#[test]
fn an_inconclusive_refusal_never_asks_for_a_sign_in_and_names_the_remedy() {
    for (response, remedy, advice) in [
        (json(400, r#"{"error":"access_denied"}"#), "provider", "a shorter `Policy::with_lead`"),
        (json(403, r#"{"error":"access_denied"}"#), "provider", "a shorter `Policy::with_lead`"),
        (page(403), "configuration", "let this program's address and `User-Agent` through"),
        (page(400), "configuration", "let this program's address and `User-Agent` through"),
        (page(401), "configuration", "let this program's address and `User-Agent` through"),
        (page(200), "configuration", "let this program's address and `User-Agent` through"),
        (json(400, r#"{"error":"odd_word"}"#), "provider", "list the code in `refresh.dead_codes`"),
        (
            json(400, r#"{"error":"unknown_error","error_description":"retry"}"#),
            "later 1s",
            "unknown_error (HTTP 400): retry",
        ),
        (json(400, r#"{"error":"unknown_error"}"#), "later 1s", "unknown_error"),
        (json(400, r#"{"error":"E17","error_description":"Please try again."}"#), "later 1s", "E17"),
        (json(403, r#"{"error":"try_again"}"#), "later 1s", "try_again"),
        (json(400, r#"{"message":"temporarily out of order"}"#), "later 1s", "out of order"),
    ] {
        let error = refresh_at(&standard(), &response);
        assert_eq!(outcome::remedy(error.remedy()), remedy, "{error}");
        assert!(error.to_string().contains(advice), "{error}");
    }
    // The text says to try again, but only after a new sign-in.
    let expired = r#"{"error":"E18","error_description":"Session expired, log in and try again"}"#;
    assert_eq!(refresh(400, expired).remedy(), Remedy::AskProvider);
}

/// The texts of Spring, FastAPI, Express, Nest, Laravel, Google and Go.
#[test]
fn a_404_in_the_words_of_a_framework_says_check_the_base_url() {
    for (status, body) in [
        (404, r#"{"timestamp":"2026-01-01T00:00:00Z","status":404,"error":"Not Found","path":"/token"}"#),
        (404, r#"{"detail":"Not Found"}"#),
        (404, r#"{"message":"Cannot POST /token"}"#),
        (404, r#"{"statusCode":404,"message":"Cannot POST /token","error":"Not Found"}"#),
        (404, r#"{"error":"not_found"}"#),
        (404, r#"{"error":404}"#),
        (404, r#"{"error":{"code":404,"message":"Not found","status":"NOT_FOUND"}}"#),
        (404, PAGE),
        (404, "404 page not found"),
        (404, ""),
        (405, r#"{"detail":"Method Not Allowed"}"#),
        (405, r#"{"error":"Method Not Allowed"}"#),
        (410, r#"{"error":"Gone"}"#),
    ] {
        for error in [refresh(status, body), own_grant(&json(status, body))] {
            assert_eq!(error.remedy(), Remedy::FixConfiguration, "{body}");
            assert!(
                error.to_string().contains("nothing answers at this address: check the base URL"),
                "{error}"
            );
        }
    }
    let words = own_grant(&json(404, r#"{"status":404,"error":"Not Found"}"#));
    assert_eq!(words.code(), "http:404");
    assert!(words.to_string().contains("(HTTP 404): Not Found; nothing"), "{words}");
    // An error of the server itself does not concern the address.
    let own = own_grant(&json(404, r#"{"error":"invalid_scope"}"#));
    assert!(!own.to_string().contains("base URL"), "{own}");
    let request = http::Request::get("https://app.officernd.com/x").body(Body::empty()).unwrap();
    let call = officernd().api_call(&property_token(officernd().profile(), "AT"), request).unwrap();
    let missing = read(call, &json(404, r#"{"error":"Not Found"}"#)).unwrap().value.error_for_status();
    assert!(!missing.unwrap_err().to_string().contains("base URL"), "a thing that does not exist");
}

#[test]
fn error_codes_of_the_device_flow_have_their_own_names() {
    for (code, words) in [
        ("authorization_pending", "the person has not decided yet (RFC 8628 section 3.5)"),
        ("slow_down", "it was asked too often (RFC 8628 section 3.5)"),
    ] {
        let error = refresh(400, &format!(r#"{{"error":"{code}"}}"#));
        assert_eq!(outcome::of_error(&error), format!("oauth:{code}, backoff 1s, later 1s"));
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.kind().word(), format!("oauth:{code}"));
    }
}

#[test]
fn an_api_answer_over_the_limit_names_the_setting_and_the_middleware() {
    let request = http::Request::get("https://app.officernd.com/x").body(Body::empty()).unwrap();
    let call = officernd().api_call(&property_token(officernd().profile(), "AT"), request).unwrap();
    let error = read(call, &with(200, &[], "x".repeat(ANSWER_LIMIT + 1))).unwrap_err();
    assert_eq!((error.code().as_ref(), error.remedy()), ("too_large", Remedy::FixConfiguration));
    for words in ["`with_answer_limit` of the API client", "`Authorize` middleware"] {
        assert!(error.to_string().contains(words), "{error}");
    }
}
