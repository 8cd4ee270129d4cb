//! Mistakes of generic clients at these providers. Each deviation from RFC 6749 that concerns a request or an answer
//! has a test here. Storing and renewing tokens are tested only as far as one exchange goes.

use std::time::Duration;

use octo_auth_core::profile::{LifetimeUnit, ScopeRule};
use octo_auth_core::{
    Client, Deviation, NewClient, Profile, Remedy, Retry, Scopes, Secret, TokenSet, TokenStatus,
    TransportError,
};
use octo_auth_testkit::registration::{
    CLIENT_ID, CLIENT_SECRET, admin_token, entropy, octorate, octotable, officernd, property_token,
};
use octo_auth_testkit::response::{json, read, with};
use octo_auth_testkit::{canary, moment, wire};

/// Returns the answer of a refresh at Octorate.
fn renewed(body: &str) -> octo_auth_core::Answer<TokenSet> {
    read(octorate().refresh(&Secret::from("old")).unwrap(), &json(200, body)).unwrap()
}

/// Returns what a response of Octorate's API means for the token.
fn octorate_says(status: u16, body: &str) -> TokenStatus {
    let request = http::Request::get("https://api.octorate.com/connect/rest/v1/reservation/1");
    let request = request.body(octo_auth_core::Body::empty()).unwrap();
    let exchange = octorate().api_call(&property_token(octorate().profile(), "token"), request).unwrap();
    read(exchange, &json(status, body)).unwrap().value.meaning()
}

fn secrets_of(tokens: &TokenSet) -> (&str, Option<&str>) {
    (tokens.access_token().expose(), tokens.refresh_token().map(Secret::expose))
}

#[test]
fn q01_octorate_names_neither_token_type_nor_lifetime() {
    let body = r#"{"access_token":"token","refresh_token":"myrefreshtoken","expireDate":"2026-01-01T17:41:51.178Z"}"#;
    let answer = renewed(body);
    assert_eq!(secrets_of(&answer.value), ("token", Some("myrefreshtoken")));
    assert_eq!(answer.value.lifetime(), Some(Duration::from_millis(63_711_178)));
    assert_eq!(answer.deviations, []);
    let past = renewed(&body.replace("2026-01-01", "2020-03-17"));
    assert_eq!(past.value.lifetime(), Some(Duration::ZERO));
    assert_eq!(past.deviations, [Deviation::ExpiredOnArrival]);
}

#[test]
fn q02_octotable_calls_the_token_type_type() {
    let exchange = octotable().client_credentials(&Scopes::none()).unwrap();
    let answer =
        read(exchange, &json(200, r#"{"access_token":"x","expires_in":1440,"type":"Bearer"}"#)).unwrap();
    assert_eq!(secrets_of(&answer.value), ("x", None));
    assert_eq!(answer.deviations, []);
}

#[test]
fn q03_both_spellings_of_a_member_may_come_at_once() {
    let answer = renewed(
        r#"{"access_token":"a","accessToken":"a","expires_in":3600,"expireDate":"2026-01-01T01:00:00Z","token_type":"bearer"}"#,
    );
    assert_eq!(secrets_of(&answer.value).0, "a");
    assert_eq!(answer.value.lifetime(), Some(Duration::from_secs(3600)));
    assert_eq!(answer.deviations, []);
}

#[test]
fn q04_numbers_may_be_strings_and_members_null() {
    let answer = renewed(r#"{"access_token":"a","expires_in":"3599","refresh_token":null}"#);
    assert_eq!(answer.value.lifetime(), Some(Duration::from_secs(3599)));
    assert_eq!(secrets_of(&answer.value), ("a", None));
    let expected = [Deviation::RefreshTokenNull, Deviation::ExpiresInString];
    assert_eq!(answer.deviations, expected);
}

#[test]
fn q05_an_absolute_expiry_is_read_against_the_servers_clock() {
    // The local clock is ten minutes slow: the server's clock is 00:10 when the test begins at 00:00.
    let headers = [("content-type", "application/json"), ("date", "Thu, 01 Jan 2026 00:10:00 GMT")];
    let body = r#"{"access_token":"a","expireDate":"2026-01-01T01:00:00.000Z"}"#;
    let exchange = octorate().refresh(&Secret::from("old")).unwrap();
    let answer = read(exchange, &with(200, &headers, body)).unwrap();
    assert_eq!(answer.value.lifetime(), Some(Duration::from_secs(50 * 60)));
    assert_eq!(answer.deviations, [Deviation::ClockSkew]);
}

#[test]
fn q06_a_java_date_carries_a_zone_behind_its_offset() {
    let answer = renewed(r#"{"access_token":"a","expireDate":"2026-01-01T10:32:18.36Z[UTC]"}"#);
    assert_eq!(answer.value.lifetime(), Some(Duration::from_millis(37_938_360)));
    assert_eq!(answer.deviations, [Deviation::ZoneSuffix]);
}

/// Returns the authorization URL and the code exchange at Octorate.
fn signed_in(redirect_uri: &str) -> (String, octo_auth_core::Exchange<TokenSet>) {
    let (page, pending) =
        octorate().authorize(redirect_uri, &Scopes::none(), entropy(), moment::start()).unwrap();
    let callback = format!("?code=c0de&state={}", pending.state().expose());
    let code = pending.receive(&callback, moment::start()).unwrap();
    (page, code.exchange(&octorate(), moment::start()).unwrap())
}

#[test]
fn q07_octorates_grant_type_is_code() {
    let body = wire::body(&signed_in("https://localhost").1);
    assert!(body.contains("&grant_type=code&"), "{body}");
    assert!(!body.contains("authorization_code"), "{body}");
}

#[test]
fn q08_octorates_page_takes_three_parameters() {
    let (page, _) = signed_in("https://localhost");
    let (_, query) = page.split_once('?').unwrap();
    let names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    assert_eq!(names, ["client_id", "redirect_uri", "state"]);
}

#[test]
fn q09_octorate_refreshes_at_another_path_without_a_grant_type() {
    let exchange = octorate().refresh(&Secret::from("old")).unwrap();
    assert_eq!(exchange.request().uri().path(), "/connect/rest/v1/identity/refresh");
    let body = format!("client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}&refresh_token=old");
    assert_eq!(wire::body(&exchange), body);
}

/// The `TokenManager` keeps the stored refresh token. Here the answer must not claim to replace it.
#[test]
fn q10_a_refresh_answer_without_a_refresh_token_does_not_replace_it() {
    for member in ["", r#""refresh_token":null,"#, r#""refresh_token":"","#, r#""refresh_token":7,"#] {
        let answer =
            renewed(&format!(r#"{{{member}"access_token":"b","expireDate":"2026-01-02T00:00:00Z"}}"#));
        assert_eq!(secrets_of(&answer.value), ("b", None), "{member}");
        assert_eq!(answer.deviations.len(), usize::from(!member.is_empty()), "{member}");
    }
}

#[test]
fn q11_octorate_says_with_403_that_a_token_has_expired() {
    for body in [
        r#"{"type":"ApiLoginExpired","message":"Expired Token"}"#,
        r#"{"message":"… Expired Token …","nested":[],"type":"ApiLoginExpired"}"#,
    ] {
        assert_eq!(octorate_says(403, body), TokenStatus::TokenRefused);
        assert!(octorate_says(403, body).calls_for_renewal());
    }
}

#[test]
fn q12_no_other_403_calls_for_a_renewal() {
    let nothing = r#"{"type":"ApiSecurityException","message":"errNoResourcesForIdentity","nested":[]}"#;
    assert_eq!(octorate_says(403, nothing), TokenStatus::Forbidden);
    assert_eq!(octorate_says(403, "Caller not in requested role"), TokenStatus::Forbidden);
    assert_eq!(octorate_says(403, r#"{"type":"WrongEnviroment"}"#), TokenStatus::WrongEnvironment);
    assert_eq!(octorate_says(403, r#"{"message":"ApiLoginExpired","type":"Other"}"#), TokenStatus::Forbidden);
}

#[test]
fn q13_octorates_quota_error_is_a_403_with_the_remaining_quota_in_a_header() {
    assert_eq!(
        octorate_says(403, r#"{"type":"ApiQuotaException"}"#),
        TokenStatus::Quota { retry_after: None }
    );
    let request = http::Request::get("https://api.octorate.com/connect/rest/v1/accommodation");
    let request = request.body(octo_auth_core::Body::empty()).unwrap();
    let exchange = octorate().api_call(&property_token(octorate().profile(), "token"), request).unwrap();
    let answer = read(exchange, &with(200, &[("x-ratelimit-remaining", "17")], "{}")).unwrap();
    assert_eq!((answer.value.meaning(), answer.quota_remaining), (TokenStatus::Accepted, Some(17)));
}

#[test]
fn q14_an_error_body_need_not_hold_an_error_text() {
    let octorates = r#"{"element":"$.networkName","message":"Master account not found or invalid","nested":[],"type":"ApiParamsExemption"}"#;
    let error = read(octorate().refresh(&Secret::from("old")).unwrap(), &json(400, octorates)).unwrap_err();
    assert_eq!(error.code(), "provider:ApiParamsExemption");
    assert!(error.to_string().contains("Master account not found or invalid"), "{error}");
    let octotables = r#"{"success": false, "error": {"code": "RESOURCE_NOT_FOUND", "message": "The specified table ID does not exist.", "class_name": "ResourceNotFoundException"}}"#;
    let exchange = octotable().client_credentials(&Scopes::none()).unwrap();
    let error = read(exchange, &json(404, octotables)).unwrap_err();
    assert_eq!(error.code(), "provider:RESOURCE_NOT_FOUND");
    assert!(error.to_string().contains("The specified table ID does not exist."), "{error}");
}

#[test]
fn q15_an_empty_or_html_refusal_is_named_by_its_status() {
    for response in [with(404, &[], ""), with(404, &[("content-type", "text/html")], "<html>404</html>")] {
        let error = read(octorate().refresh(&Secret::from("old")).unwrap(), &response).unwrap_err();
        assert_eq!(error.code(), "http:404");
        assert_eq!(error.remedy(), Remedy::FixConfiguration);
    }
}

#[test]
fn q16_all_three_take_the_secret_in_the_body_and_never_by_basic() {
    let requests = [
        octotable().client_credentials(&Scopes::none()).unwrap(),
        officernd().client_credentials(&Scopes::parse("a").unwrap()).unwrap(),
        octorate().refresh(&Secret::from("old")).unwrap(),
        signed_in("https://localhost").1,
    ];
    for exchange in requests {
        let body = wire::body(&exchange);
        assert!(body.contains(&format!("client_secret={CLIENT_SECRET}")), "{exchange:?}");
        assert!(!exchange.request().headers().contains_key("authorization"), "{exchange:?}");
    }
}

#[test]
fn q17_api_login_has_no_grant_type_and_yields_no_refresh_token() {
    let exchange = octorate().api_login().unwrap();
    assert!(!wire::body(&exchange).contains("grant_type"));
    let body = r#"{"access_token":"token","expireDate":"2026-01-02T00:00:00Z","refresh_token":"stray"}"#;
    let answer = read(exchange, &json(200, body)).unwrap();
    assert_eq!(answer.deviations, [Deviation::RefreshTokenUnexpected]);
    assert_eq!(answer.value.for_ip_authentication().refresh_token(), None);
}

/// The documentation of `AdminToken` shows that the misuse does not compile.
#[test]
fn q18_an_api_login_token_reads_property_data_only_if_declared_so() {
    let token = admin_token(octorate().profile(), "admin").for_ip_authentication();
    let request = http::Request::get("https://api.octorate.com/connect/rest/v1/reservation/1");
    let exchange = octorate().api_call(&token, request.body(octo_auth_core::Body::empty()).unwrap()).unwrap();
    assert_eq!(exchange.request().headers()["authorization"], "Bearer admin");
    let refusal =
        json(403, r#"{"message":"errNoResourcesForIdentity","nested":[],"type":"ApiSecurityException"}"#);
    assert_eq!(read(exchange, &refusal).unwrap().value.meaning(), TokenStatus::Forbidden);
}

#[test]
fn q19_creating_a_property_yields_only_a_refresh_token_with_either_status() {
    let alone = r#"{"status":"CREATED_ACCOMMODATION","id":"16997","refresh_token":"ffd74562fd6d401485d156db0e0810e6ML"}"#;
    let network = r#"{"status":"created","id":"323218","refresh_token":"ffd74562fd6d401485d156db0e0810e6ML","refresh_properties":["142322","282380","323218"]}"#;
    for (body, id, properties) in
        [(alone, "16997", vec![]), (network, "323218", vec!["142322", "282380", "323218"])]
    {
        let exchange = octorate().create_property(&admin_token(octorate().profile(), "admin"), "{}").unwrap();
        let created = read(exchange, &json(200, body)).unwrap().value;
        assert_eq!(
            (created.id.as_str(), created.properties),
            (id, properties.iter().map(ToString::to_string).collect())
        );
        assert_eq!(created.refresh_token.expose(), "ffd74562fd6d401485d156db0e0810e6ML");
        assert!(octorate().refresh(&created.refresh_token).is_ok());
    }
}

#[test]
fn q20_an_existing_property_is_named_and_has_no_token() {
    let exchange = octorate().create_property(&admin_token(octorate().profile(), "admin"), "{}").unwrap();
    let error = read(exchange, &json(412, r#"{"status":"existing","id":"219642"}"#)).unwrap_err();
    assert_eq!(error.code(), "property_exists");
    assert!(error.to_string().contains("219642"), "{error}");
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    assert_eq!(error.salvaged_refresh_token(), None);
}

#[test]
fn q21_a_code_is_sent_once_and_not_after_sixty_seconds() {
    let (_, pending) =
        octorate().authorize("https://localhost", &Scopes::none(), entropy(), moment::start()).unwrap();
    let callback = format!("?code=c0de&state={}", pending.state().expose());
    let code = pending.receive(&callback, moment::start()).unwrap();
    let late = code.exchange(&octorate(), moment::after(60)).unwrap_err();
    assert_eq!((late.code().as_ref(), late.remedy()), ("code_too_old", Remedy::SignInAgain));
    let exchange = signed_in("https://localhost").1;
    assert!(!exchange.is_too_old(moment::after(59)), "it may have waited to be sent");
    assert!(exchange.is_too_old(moment::after(60)));
    // A lost answer uses up the exchange. The user has to sign in again, since the code is gone.
    let error = signed_in("https://localhost").1.failed(TransportError::unknown("no answer within 60 s"));
    assert_eq!(error.code(), "maybe_processed");
    assert_eq!(error.remedy(), Remedy::SignInAgain);
}

#[test]
fn q22_a_redirect_uri_is_the_same_bytes_in_both_steps() {
    for (redirect_uri, encoded) in [
        ("https://localhost", "https%3A%2F%2Flocalhost"),
        ("https://localhost/", "https%3A%2F%2Flocalhost%2F"),
    ] {
        let (page, exchange) = signed_in(redirect_uri);
        assert!(page.contains(&format!("redirect_uri={encoded}&")), "{page}");
        assert!(wire::body(&exchange).contains(&format!("redirect_uri={encoded}&")));
    }
}

#[test]
fn q23_octorate_refuses_an_http_redirect_and_octotable_takes_one() {
    let refused =
        octorate().authorize("http://localhost", &Scopes::none(), entropy(), moment::start()).map(drop);
    assert_eq!(refused.unwrap_err().code(), "redirect_uri");
    assert!(new_client().exchange(&Profile::octotable()).is_ok());
}

fn new_client() -> NewClient {
    NewClient {
        redirect_uri: "http://localhost:8183/main-page".to_owned(),
        name: "Your Company SPA".to_owned(),
        username: "yourcompany100@demo.com".to_owned(),
        password: Secret::from(canary::marked("password")),
        email: "yourcompany1@demo.com".to_owned(),
        description: None,
        website: None,
        phone: None,
        position: None,
    }
}

#[test]
fn q24_octotable_takes_a_form_and_a_415_is_a_configuration_error() {
    let exchange = octotable().client_credentials(&Scopes::none()).unwrap();
    let content_type = exchange.request().headers()["content-type"].to_str().unwrap();
    assert_eq!(content_type, "application/x-www-form-urlencoded");
    let error = read(exchange, &with(415, &[], "")).unwrap_err();
    assert_eq!((error.code().as_ref(), error.remedy()), ("http:415", Remedy::FixConfiguration));
}

/// The `TokenManager` recovers from an earlier 401. Here the answer only asks for the renewal.
#[test]
fn q25_octotables_1440_are_seconds_unless_the_profile_says_minutes() {
    let body = json(200, r#"{"access_token":"x","expires_in":1440,"type":"Bearer"}"#);
    for (unit, seconds) in [(LifetimeUnit::Seconds, 1440), (LifetimeUnit::Minutes, 86_400)] {
        let profile = Profile::octotable().with_lifetime_unit(unit).unwrap();
        let client = Client::new(profile, CLIENT_ID, CLIENT_SECRET).unwrap();
        let answer = read(client.client_credentials(&Scopes::none()).unwrap(), &body).unwrap();
        assert_eq!(answer.value.lifetime(), Some(Duration::from_secs(seconds)));
    }
    let request = http::Request::get("https://api.octotable.com/").header("Property", "1");
    let request = request.body(octo_auth_core::Body::empty()).unwrap();
    let exchange = octotable().api_call(&property_token(octotable().profile(), "x"), request).unwrap();
    assert!(read(exchange, &json(401, "{}")).unwrap().value.meaning().calls_for_renewal());
}

/// The `TokenManager` provides the single flight. Here the test shows that there is no refresh token to fall back to.
#[test]
fn q26_octotable_has_no_refresh_token() {
    let exchange = octotable().client_credentials(&Scopes::none()).unwrap();
    let body = r#"{"access_token":"x","expires_in":1440,"type":"Bearer"}"#;
    assert_eq!(read(exchange, &json(200, body)).unwrap().value.refresh_token(), None);
    assert_eq!(octotable().refresh(&Secret::from("r")).map(drop).unwrap_err().code(), "not_offered");
}

#[test]
fn q27_octotable_wants_the_property_beside_the_token() {
    let url = "https://api.octotable.com/octotable-pms/api/v2/reservation";
    let bare = http::Request::get(url).body(octo_auth_core::Body::empty()).unwrap();
    let refused =
        octotable().api_call(&property_token(octotable().profile(), "token"), bare).map(drop).unwrap_err();
    assert_eq!(refused.code(), "header_missing");
    for property in ["1", "2"] {
        let request = http::Request::get(url).header("property", property);
        let request = request.body(octo_auth_core::Body::empty()).unwrap();
        let exchange =
            octotable().api_call(&property_token(octotable().profile(), "token"), request).unwrap();
        assert_eq!(exchange.request().headers()["property"], property);
    }
}

#[test]
fn q28_a_created_client_shows_neither_secret_nor_password() {
    let (secret, password) = (canary::marked("secret"), canary::marked("password"));
    let body = format!(
        r#"{{"data":[{{"client_id":"public_1","client_secret":"{secret}","id":124,"username":"u","password":"{password}","properties":[{{"enabled":true,"id":999641,"name":"n","position":{{}},"sandbox":true}}],"redirect_uri":"http://your-webdite:80/main-page"}}]}}"#
    );
    let exchange = new_client().exchange(&Profile::octotable()).unwrap();
    assert_eq!(canary::hits(&canary::shown(&exchange)), [""; 0]);
    let answer = read(exchange, &json(201, &body)).unwrap();
    assert_eq!(canary::hits(&canary::shown(&answer)), [""; 0]);
    let created = answer.value;
    assert_eq!((created.client_secret.expose(), created.id.as_deref()), (secret.as_str(), Some("124")));
    assert_eq!(created.password.as_ref().map(Secret::expose), Some(password.as_str()));
    assert_eq!(created.properties[0].id, "999641");
    assert_eq!(created.into_client(Profile::octotable()).unwrap().client_id(), "public_1");
}

/// The `TokenManager` counts the requests. Here the test shows what each error says about the next attempt.
#[test]
fn q29_the_shortest_back_off_at_officernd_keeps_within_five_requests_a_minute() {
    let limit = Profile::officernd().document().token_limit.clone().unwrap();
    assert_eq!((limit.requests, limit.per_seconds, limit.after_failure_seconds), (5, 60, 12));
    let exchange = || officernd().client_credentials(&Scopes::parse("a").unwrap()).unwrap();
    let throttled = with(429, &[], "Too many requests, please try again later");
    let error = read(exchange(), &throttled).unwrap_err();
    assert_eq!(error.code(), "http:429");
    assert_eq!(error.retry(), Retry::Backoff { at_least: Duration::from_secs(12) });
    assert_eq!(error.remedy(), Remedy::TryLater { after: Duration::from_secs(12) });
    let wrong = read(exchange(), &json(401, r#"{"error":"invalid_client"}"#)).unwrap_err();
    assert_eq!((wrong.retry(), wrong.remedy()), (Retry::Cooldown, Remedy::FixConfiguration));
}

#[test]
fn q30_each_set_of_scopes_is_a_request_of_its_own() {
    let body = |scopes| wire::body(&officernd().client_credentials(&Scopes::parse(scopes).unwrap()).unwrap());
    assert_ne!(body("officernd.api.read"), body("officernd.api.write"));
    let one = Scopes::parse("a b").unwrap();
    let other = Scopes::parse("b  a").unwrap();
    assert!(one.same_set(&other) && one != other && !one.same_set(&Scopes::parse("a").unwrap()));
}

#[test]
fn q31_scopes_are_trimmed_when_sent_and_compared_as_a_set_when_received() {
    let exchange = |scopes| officernd().client_credentials(&Scopes::parse(scopes).unwrap()).unwrap();
    let asked = exchange(" officernd.api.write");
    assert!(wire::body(&asked).ends_with("&scope=officernd.api.write"));
    let body = |scope: &str| {
        json(
            200,
            &format!(r#"{{"access_token":"t","token_type":"Bearer","expires_in":3599,"scope":"{scope}"}}"#),
        )
    };
    let same = read(asked, &body(" officernd.api.write")).unwrap();
    assert_eq!(same.value.scopes().map(ToString::to_string).as_deref(), Some("officernd.api.write"));
    assert_eq!(same.deviations, []);
    assert_eq!(read(exchange("b a"), &body("a b")).unwrap().deviations, []);
    assert_eq!(read(exchange("a b"), &body("a")).unwrap().deviations, [Deviation::ScopeNarrowed]);
    assert_eq!(read(exchange("a"), &body("a b")).unwrap().deviations, [Deviation::ScopeWidened]);
    let odd = Profile::officernd().edit(|document| document.scopes = ScopeRule::Optional).unwrap();
    let client = Client::new(odd, CLIENT_ID, CLIENT_SECRET).unwrap();
    assert!(!wire::body(&client.client_credentials(&Scopes::none()).unwrap()).contains("scope"));
}

/// The `TokenManager` renews once and then returns a final error. Here the answer asks for a renewal, and the refusal
/// of the renewal says that the configuration is wrong.
#[test]
fn q32_officernd_may_revoke_a_token_before_its_time() {
    let request = http::Request::get("https://app.officernd.com/api/v2/organizations/acme/members");
    let request = request.body(octo_auth_core::Body::empty()).unwrap();
    let exchange = officernd().api_call(&property_token(officernd().profile(), "t"), request).unwrap();
    assert!(read(exchange, &with(401, &[], "")).unwrap().value.meaning().calls_for_renewal());
    let again = officernd().client_credentials(&Scopes::parse("a").unwrap()).unwrap();
    let error = read(again, &json(401, r#"{"message":"application deleted"}"#)).unwrap_err();
    assert_eq!((error.code().as_ref(), error.remedy()), ("http:401", Remedy::FixConfiguration));
}

#[test]
fn q33_officernds_callback_brings_parameters_of_its_own() {
    let scopes = Scopes::parse("a").unwrap();
    let (_, pending) =
        officernd().authorize("http://localhost:3000/cb", &scopes, entropy(), moment::start()).unwrap();
    let state = pending.state().expose().to_owned();
    let callback = format!(
        "http://localhost:3000/cb?code=c&org_slug=acme%20co&state={state}&integrationId=5f&org_slug=b"
    );
    let code = pending.receive(&callback, moment::start()).unwrap();
    let others: Vec<_> =
        code.other_parameters().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(others, [("org_slug", "acme co"), ("integrationId", "5f"), ("org_slug", "b")]);
}

/// The `TokenManager` refreshes in a single flight. Here the answer returns the new refresh token.
#[test]
fn q34_officernd_may_rotate_the_refresh_token() {
    let exchange = officernd().refresh(&Secret::from("old")).unwrap();
    let body = r#"{"access_token":"a","token_type":"Bearer","expires_in":3599,"refresh_token":"new"}"#;
    assert_eq!(secrets_of(&read(exchange, &json(200, body)).unwrap().value), ("a", Some("new")));
    let unreadable = officernd().refresh(&Secret::from("old")).unwrap();
    assert!(matches!(read(unreadable, &json(200, "{")).unwrap_err().retry(), Retry::Ambiguous { .. }));
}

#[test]
fn q35_a_token_goes_to_each_listed_host_and_to_no_other() {
    let call = |client: &Client, url: &str| {
        let request = http::Request::get(url).body(octo_auth_core::Body::empty()).unwrap();
        client
            .api_call(&property_token(client.profile(), "token"), request)
            .map(drop)
            .map_err(|error| error.code())
    };
    for host in ["app", "hybrid"] {
        assert_eq!(
            call(&officernd(), &format!("https://{host}.officernd.com/api/v1/organizations/a")),
            Ok(())
        );
    }
    assert_eq!(call(&octorate(), "https://api.octorate.com/connect/rest/v1/accommodation"), Ok(()));
    for url in ["https://identity.officernd.com/oauth/token", "https://app-eu.officernd.com/"] {
        assert_eq!(call(&officernd(), url), Err("foreign_host"), "{url}");
    }
    assert_eq!(call(&octorate(), "https://admin.octorate.com/octobook/"), Err("foreign_host"));
    let moved = Profile::officernd().with_base("app", "https://app-eu.officernd.com").unwrap();
    let client = Client::new(moved, CLIENT_ID, CLIENT_SECRET).unwrap();
    assert_eq!(call(&client, "https://app-eu.officernd.com/api/v2/organizations/a"), Ok(()));
}

#[test]
fn q36_octorates_550_is_a_server_error() {
    let error = read(octorate().api_login().unwrap(), &json(550, r#"{"type":"ApiPartnerServerError"}"#));
    let error = error.unwrap_err();
    assert_eq!(error.code(), "http:550");
    assert_eq!(error.retry(), Retry::Backoff { at_least: Duration::from_secs(1) });
    assert_eq!(octorate_says(550, r#"{"type":"ApiPartnerServerError"}"#), TokenStatus::Unrelated);
}
