//! Calls of a provider's API: where a token may be sent, what is added to the request, and what an answer requires.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use http::header::AUTHORIZATION;
use http::{HeaderMap, Response, Uri};
use octo_auth_core::{
    Action, ApiCall, Authorizer, CallError, Client, Profile, Remedy, RequestError, Token, TokenManager,
    TokenSpec, TokenStatus,
};
use octo_auth_tests::machine::Machine;
use octo_auth_tests::moment;
use octo_auth_tests::registration::{octorate, octotable, officernd, standard};
use octo_auth_tests::reply::{json, with};

fn url(text: &str) -> Uri {
    text.parse().unwrap()
}

/// Returns a token spec that the client can refresh by itself.
fn key(client: &Client) -> TokenSpec {
    match client.profile().name() {
        "octorate" => TokenSpec::api_login(),
        "octotable" => TokenSpec::client_credentials(&octo_auth_core::Scopes::none()),
        _ => TokenSpec::client_credentials(
            &octo_auth_core::Scopes::parse("flex.community.members.read").unwrap(),
        ),
    }
}

fn token(world: &mut Machine) -> Token {
    let key = key(world.manager.client());
    world.get(&key).unwrap()
}

/// Builds a call of the provider's API with a token.
fn under_way(world: &mut Machine) -> (ApiCall, HeaderMap) {
    let mut headers = HeaderMap::new();
    let authorizer = Authorizer::from(world.manager.client());
    let first = authorizer.profile().api_origins().next().unwrap();
    let mut call = authorizer.call(&url(&first), &headers).unwrap();
    call.authorize(&token(world), &mut headers).unwrap();
    (call, headers)
}

fn judged(call: &ApiCall, response: &Response<Vec<u8>>, can_be_repeated: bool) -> (TokenStatus, Action) {
    let answer = (response.status(), response.headers(), &**response.body());
    let judged = call.answered(answer, can_be_repeated, moment::start());
    (judged.meaning, judged.next)
}

#[test]
fn a_token_goes_to_the_hosts_of_its_profile_and_to_those_the_user_adds() {
    let authorizer = Authorizer::from(&officernd());
    let region = url("https://eu.officernd.com/api/v2/organizations/x/members");
    assert!(authorizer.may_go_to(&url("https://app.officernd.com/api/v2/organizations/x/members")).is_ok());
    let error = authorizer.call(&region, &HeaderMap::new()).unwrap_err();
    assert_eq!((error.code(), error.remedy()), ("foreign_host", Remedy::FixConfiguration));
    assert!(
        error.to_string().contains("`api.hosts`") && error.to_string().contains("`with_api_host`"),
        "{error}"
    );
    let with_region = authorizer.clone().with_api_host("https://eu.officernd.com/").unwrap();
    assert!(with_region.may_go_to(&region).is_ok());
    assert!(authorizer.may_go_to(&region).is_err(), "the authorizer it was made from knows it too");
}

#[test]
fn a_token_goes_nowhere_that_only_looks_like_a_host_of_the_profile() {
    let authorizer = Authorizer::from(&officernd());
    for foreign in [
        "http://app.officernd.com/x",
        "https://app.officernd.com:8443/x",
        "https://app.officernd.com.example/x",
        "https://example/app.officernd.com",
        "https://app.officernd.com@example/x",
        "https://identity.officernd.com/oauth/token",
        "https://[::1]/x",
    ] {
        let error = authorizer.may_go_to(&url(foreign)).unwrap_err();
        assert!(matches!(error, RequestError::ForeignHost { .. }), "{foreign}: {error}");
    }
    assert_eq!(authorizer.may_go_to(&url("https://me@app.officernd.com/x")).unwrap_err(), RequestError::Url);
    assert_eq!(authorizer.may_go_to(&url("/api/v2")).unwrap_err(), RequestError::Url);
    assert!(
        authorizer.may_go_to(&url("HTTPS://APP.OfficeRND.com:443/x")).is_ok(),
        "the same origin otherwise written"
    );
}

#[test]
fn a_plain_server_has_no_api_until_the_user_names_one() {
    let authorizer = Authorizer::from(&standard());
    let api = url("https://api.example.com/things");
    assert_eq!(authorizer.may_go_to(&api).unwrap_err().code(), "foreign_host");
    assert!(authorizer.clone().with_api_host("https://api.example.com").unwrap().may_go_to(&api).is_ok());
    assert!(
        authorizer.clone().with_api_host("http://api.example.com").is_err(),
        "https alone, but for loopback"
    );
    assert!(authorizer.with_api_host("http://127.0.0.1:4000").is_ok());
}

#[test]
fn octotable_wants_the_property_and_one_may_be_set_for_every_request() {
    let mut world = Machine::new(octotable());
    let authorizer = Authorizer::from(world.manager.client());
    let reservations = url("https://api.octotable.com/octotable-pms/api/v2/reservations");
    let error = authorizer.call(&reservations, &HeaderMap::new()).unwrap_err();
    assert!(matches!(&error, RequestError::HeaderMissing { header, .. } if header == "Property"), "{error}");

    let authorizer =
        authorizer.with_header("Property", "6").unwrap().with_header("property", "70707").unwrap();
    assert!(!format!("{authorizer:?}").contains("70707"), "the value may be a key of the application");
    let mut call = authorizer.call(&reservations, &HeaderMap::new()).unwrap();
    let mut headers = HeaderMap::new();
    call.authorize(&token(&mut world), &mut headers).unwrap();
    assert_eq!(headers["property"], "70707");

    let mut headers = HeaderMap::from_iter([("property".parse().unwrap(), "8".parse().unwrap())]);
    let mut call = authorizer.call(&reservations, &headers).unwrap();
    call.authorize(&token(&mut world), &mut headers).unwrap();
    assert_eq!(headers["property"], "8", "the request's own header wins");
    assert_eq!(headers.get_all("property").iter().count(), 1);
}

#[test]
fn a_header_that_cannot_be_one_is_refused_and_the_tokens_own_is_left_to_it() {
    let authorizer = Authorizer::from(&octotable());
    for (name, value) in [("Prop erty", "1"), ("Property", "1\n2"), ("authorization", "Bearer x")] {
        assert_eq!(
            authorizer.clone().with_header(name, value).unwrap_err().code(),
            "value_malformed",
            "{name}"
        );
    }
}

#[test]
fn the_token_takes_the_place_of_any_other_and_is_marked_sensitive() {
    let mut world = Machine::new(officernd());
    let (mut call, _) = under_way(&mut world);
    let mut headers = HeaderMap::from_iter([(AUTHORIZATION, "Basic old".parse().unwrap())]);
    let token = token(&mut world);
    call.authorize(&token, &mut headers).unwrap();
    assert_eq!(headers.get_all(AUTHORIZATION).iter().count(), 1);
    assert_eq!(headers[AUTHORIZATION], token.authorization());
    assert!(headers[AUTHORIZATION].is_sensitive());
}

#[test]
fn a_token_of_another_server_is_put_on_no_request() {
    let authorizer = Authorizer::from(&officernd());
    let mut headers = HeaderMap::new();
    let mut call = authorizer.call(&url("https://app.officernd.com/x"), &headers).unwrap();
    let error = call.authorize(&token(&mut Machine::new(octorate())), &mut headers).unwrap_err();
    assert_eq!(error.code(), "other_provider");
    assert!(headers.is_empty());
}

#[test]
fn a_refusal_is_repeated_once_and_only_with_another_token() {
    let mut world = Machine::new(officernd());
    let key = key(world.manager.client());
    let (mut call, mut headers) = under_way(&mut world);
    let first = world.get(&key).unwrap();
    let refusal = json(401, "{}");
    assert_eq!(
        judged(&call, &refusal, true),
        (TokenStatus::TokenRefused, Action::Repeat(first.generation()))
    );
    let same = call.another(Ok(first.clone()), || None);
    assert!(matches!(same, Err(None)), "the same token again would be refused again");

    world.manager.refused(&key, first.generation(), world.now);
    let second = call.another(world.get(&key), || None).unwrap();
    call.authorize(&second, &mut headers).unwrap();
    assert_eq!(headers[AUTHORIZATION], second.authorization());
    assert_eq!(
        judged(&call, &refusal, true),
        (TokenStatus::TokenRefused, Action::Report(second.generation()))
    );
}

#[test]
fn a_request_that_cannot_be_repeated_is_not_and_the_error_says_so() {
    let mut world = Machine::new(officernd());
    let (call, _) = under_way(&mut world);
    let generation = token(&mut world).generation();
    assert_eq!(
        judged(&call, &json(401, "{}"), false),
        (TokenStatus::TokenRefused, Action::Unrepeatable(generation))
    );
    let error = CallError::Unrepeatable { status: 401 };
    assert_eq!(error.code(), "unrepeatable");
    assert!(
        error.to_string().contains("status 401") && error.to_string().contains("cannot be sent twice"),
        "{error}"
    );
}

#[test]
fn what_is_not_about_the_token_is_delivered() {
    let mut world = Machine::new(octorate());
    let (call, _) = under_way(&mut world);
    for (response, meaning) in [
        (json(200, "{}"), TokenStatus::Accepted),
        (json(404, ""), TokenStatus::Unrelated),
        (json(403, r#"{"type":"ApiSecurityException"}"#), TokenStatus::Forbidden),
        (json(403, r#"{"type":"WrongEnviroment"}"#), TokenStatus::WrongEnvironment),
        (json(403, r#"{"type":"ApiQuotaException"}"#), TokenStatus::Quota { retry_after: None }),
        (with(407, &[("www-authenticate", "Basic realm=\"proxy\"")], ""), TokenStatus::Unrelated),
    ] {
        assert_eq!(judged(&call, &response, true), (meaning, Action::Deliver), "{response:?}");
    }
    let expired = json(403, r#"{"type":"ApiLoginExpired"}"#);
    assert!(matches!(judged(&call, &expired, true), (TokenStatus::TokenRefused, Action::Repeat(_))));
}

#[test]
fn an_answer_before_any_token_was_sent_asks_for_nothing() {
    let authorizer = Authorizer::from(&officernd());
    let call = authorizer.call(&url("https://app.officernd.com/x"), &HeaderMap::new()).unwrap();
    assert_eq!(judged(&call, &json(401, "{}"), true), (TokenStatus::TokenRefused, Action::Deliver));
}

#[test]
fn the_body_is_wanted_only_where_it_says_what_a_status_means() {
    let (at_octorate, at_officernd) = (Authorizer::from(&octorate()), Authorizer::from(&officernd()));
    let wanted = |authorizer: &Authorizer, status: u16| authorizer.looks_at_body(status.try_into().unwrap());
    assert!(wanted(&at_octorate, 403));
    for status in [200, 401, 500] {
        assert!(!wanted(&at_octorate, status), "{status}");
    }
    assert!((100..600).all(|status| !wanted(&at_officernd, status)));
    // Without a rule about 401, the body may still say that the token is the problem.
    let at_standard = Authorizer::from(&octo_auth_testkit::registration::standard());
    assert!((100..600).all(|status| wanted(&at_standard, status) == (status == 401)));
}

#[test]
fn the_beginning_of_a_body_says_as_much_as_the_whole() {
    let mut world = Machine::new(octorate());
    let (call, _) = under_way(&mut world);
    let behind = format!(r#"{{"pad":"{}","type":"ApiLoginExpired"}}"#, "p".repeat(1 << 20));
    assert_eq!(judged(&call, &json(403, &behind), true), (TokenStatus::Forbidden, Action::Deliver));
    let before = format!(r#"{{"type":"ApiLoginExpired","pad":"{}"}}"#, "p".repeat(1 << 20));
    let cut = &before[..Authorizer::LOOKED_AT];
    for body in [&*before, cut] {
        assert!(matches!(
            judged(&call, &json(403, body), true),
            (TokenStatus::TokenRefused, Action::Repeat(_))
        ));
    }
}

#[test]
fn neither_authorizer_nor_call_shows_a_token() {
    let mut world = Machine::new(officernd());
    let (call, headers) = under_way(&mut world);
    let secret = token(&mut world).access_token().expose().to_owned();
    let shown = format!("{call:?} {headers:?} {:?}", judged(&call, &json(401, "{}"), true));
    assert!(!shown.contains(&secret), "{shown}");
}

#[test]
fn what_a_client_is_replaced_by_authorises_the_calls_that_follow() {
    let mut manager = TokenManager::new(
        officernd(),
        octo_auth_core::Policy::default(),
        octo_auth_core::Storage::None,
        &octo_auth_tests::registration::entropy(),
    );
    let profile = Profile::officernd().with_api_host("https://eu.officernd.com").unwrap();
    manager.replace_client(octo_auth_tests::registration::with(profile)).unwrap();
    let authorizer = Authorizer::from(manager.client());
    assert!(authorizer.may_go_to(&url("https://eu.officernd.com/x")).is_ok());
}
