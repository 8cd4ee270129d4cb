//! The API client of both adapters: its calls are always authorised, refreshed once, repeated once, and sent only to
//! permitted hosts.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use octo_auth_core::{
    ANSWER_LIMIT, ApiError, Authorizer, CallError, Client, Profile, Remedy, Scopes, TokenSpec, TokenStatus,
};
use octo_auth_emulator::{Emulator, octorate, octotable, officernd};
use octo_auth_tests::caller::ApiCaller;
use octo_auth_tests::registration::sound;
use octo_auth_tests::socket::Socket;

fn meaning(caller: &ApiCaller, url: &str) -> TokenStatus {
    sound(caller.get(url)).value.meaning()
}

/// Returns the URL of the demo organisation's members.
fn members(emulator: &Emulator) -> String {
    let organization = officernd::DEMO_ORGANIZATION;
    format!("{}/api/v2/organizations/{organization}/members", emulator.base("app.officernd.com"))
}

fn flex() -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::parse("flex.community.members.read").unwrap())
}

/// Returns a client registered at the emulated OfficeRND.
fn member(emulator: &Emulator, client_secret: &str) -> Client {
    let profile = Profile::officernd().via_gateway(&emulator.url()).unwrap();
    Client::new(profile, officernd::DEMO_CLIENT_ID, client_secret).unwrap()
}

fn token_requests(emulator: &Emulator) -> usize {
    emulator.log().iter().filter(|entry| entry.path == "/oauth/token").count()
}

/// Returns the demo client at the emulated OfficeRND, with a server of the test as its API.
fn with_api(emulator: &Emulator, api: &Socket) -> Vec<ApiCaller> {
    let host = format!("http://{}", api.address());
    ApiCaller::all(&member(emulator, officernd::DEMO_CLIENT_SECRET), &flex(), |own| {
        own.with_api_host(&host).unwrap()
    })
}

#[test]
fn a_call_is_authorised_and_a_second_one_needs_no_second_token() {
    let emulator = sound(Emulator::start());
    let url = members(&emulator);
    for caller in ApiCaller::all(&member(&emulator, officernd::DEMO_CLIENT_SECRET), &flex(), |own| own) {
        emulator.clear_log();
        for _ in 0..2 {
            assert_eq!(meaning(&caller, &url), TokenStatus::Accepted);
        }
        assert_eq!(token_requests(&emulator), 1);
    }
}

#[test]
fn a_token_that_was_revoked_is_renewed_once_and_the_call_repeated() {
    let emulator = sound(Emulator::start());
    let url = members(&emulator);
    for caller in ApiCaller::all(&member(&emulator, officernd::DEMO_CLIENT_SECRET), &flex(), |own| own) {
        assert_eq!(meaning(&caller, &url), TokenStatus::Accepted);
        emulator.officernd().revoke_all_access_tokens();
        emulator.clear_log();
        assert_eq!(meaning(&caller, &url), TokenStatus::Accepted);
        let statuses: Vec<u16> = emulator.log().iter().map(|entry| entry.status).collect();
        assert_eq!(statuses, [401, 200, 200], "refused, renewed, repeated");
    }
}

#[test]
fn a_server_that_refuses_every_token_costs_one_renewal_and_its_answer_comes_whole() {
    let body = "x".repeat(100_000);
    for colour in 0..2 {
        let emulator = sound(Emulator::start());
        let api = Socket::responding("401 Unauthorized", &[], body.as_bytes());
        let url = format!("http://{}/things", api.address());
        let caller = with_api(&emulator, &api).swap_remove(colour);
        let answer = sound(caller.get(&url)).value;
        assert_eq!((answer.status().as_u16(), answer.meaning()), (401, TokenStatus::TokenRefused));
        assert_eq!(answer.body(), body.as_bytes());
        assert_eq!((token_requests(&emulator), api.requests().len()), (2, 2));
        assert_eq!(meaning(&caller, &url), TokenStatus::TokenRefused);
        assert_eq!(
            (token_requests(&emulator), api.requests().len()),
            (2, 3),
            "no other token is to be had so soon"
        );
    }
}

#[test]
fn a_call_to_a_foreign_host_asks_for_no_token_and_sends_none() {
    let emulator = sound(Emulator::start());
    let elsewhere = Socket::responding("200 OK", &[], b"");
    for caller in ApiCaller::all(&member(&emulator, officernd::DEMO_CLIENT_SECRET), &flex(), |own| own) {
        let error = caller.get(&format!("http://{}/x", elsewhere.address())).unwrap_err();
        assert_eq!(error.code(), "foreign_host");
        assert!(error.to_string().contains("with_api_host"), "{error}");
    }
    assert!(emulator.log().is_empty() && elsewhere.requests().is_empty());
}

#[test]
fn no_redirect_is_followed_so_neither_the_token_nor_a_header_travels() {
    let elsewhere = Socket::responding("200 OK", &[], b"");
    let location = format!("location: http://{}/taken", elsewhere.address());
    for status in [301, 302, 303, 307, 308] {
        let emulator = sound(Emulator::start());
        let api = Socket::responding(&format!("{status} Elsewhere"), &[&location], b"");
        let host = format!("http://{}", api.address());
        let with_header =
            |own: Authorizer| own.with_api_host(&host).unwrap().with_header("Property", "p-17").unwrap();
        let client = member(&emulator, officernd::DEMO_CLIENT_SECRET);
        for caller in ApiCaller::all(&client, &flex(), with_header) {
            let answer = sound(caller.get(&format!("{host}/x"))).value;
            assert_eq!((answer.status().as_u16(), answer.meaning()), (status, TokenStatus::Unrelated));
        }
        assert!(api.requests().iter().all(|request| request.to_lowercase().contains("property: p-17")));
        assert_eq!((api.requests().len(), elsewhere.requests().len()), (2, 0), "{status}");
    }
}

#[test]
fn without_a_token_nothing_is_sent_to_the_api() {
    let emulator = sound(Emulator::start());
    let api = Socket::responding("200 OK", &[], b"");
    let host = format!("http://{}", api.address());
    for caller in
        ApiCaller::all(&member(&emulator, "wrong"), &flex(), |own| own.with_api_host(&host).unwrap())
    {
        let error = caller.get(&format!("{host}/x")).unwrap_err();
        assert!(matches!(error, ApiError::Call(CallError::Token(_))), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("wrong"), "{error:?}");
    }
    assert!(api.requests().is_empty());
}

#[test]
fn an_answer_longer_than_one_mebibyte_comes_whole_where_the_client_allows_it() {
    let emulator = sound(Emulator::start());
    let body = vec![b'x'; 3 * ANSWER_LIMIT];
    let api = Socket::responding("200 OK", &[], &body);
    let url = format!("http://{}/export", api.address());
    for caller in with_api(&emulator, &api) {
        let error = caller.get(&url).unwrap_err();
        assert_eq!((error.code().as_ref(), error.remedy()), ("too_large", Remedy::FixConfiguration));
        assert!(error.to_string().contains("with_answer_limit"), "{error}");
        let answer = sound(caller.clone().with_answer_limit(body.len()).get(&url)).value;
        assert_eq!(answer.body().len(), body.len());
        assert_eq!(caller.with_answer_limit(body.len() - 1).get(&url).unwrap_err().code(), "too_large");
    }
}

#[test]
fn octotable_is_asked_with_the_property_that_was_set_for_every_call() {
    let emulator = sound(Emulator::start());
    let profile = Profile::octotable().via_gateway(&emulator.url()).unwrap();
    let client = Client::new(profile, octotable::DEMO_CLIENT_ID, octotable::DEMO_CLIENT_SECRET).unwrap();
    let key = TokenSpec::client_credentials(&Scopes::none());
    let url = emulator.base("api.octotable.com") + "/octotable-pms/api/v2/services";
    for caller in ApiCaller::all(&client, &key, |own| own) {
        assert_eq!(caller.get(&url).unwrap_err().code(), "header_missing");
    }
    assert!(emulator.log().is_empty());
    let property = emulator.octotable().properties(octotable::DEMO_CLIENT_ID)[0].to_string();
    for caller in ApiCaller::all(&client, &key, |own| own.with_header("Property", &property).unwrap()) {
        assert_eq!(meaning(&caller, &url), TokenStatus::Accepted);
    }
}

#[test]
fn what_octorate_says_at_the_beginning_of_a_large_refusal_is_heard() {
    let emulator = sound(Emulator::start());
    let profile = Profile::octorate().via_gateway(&emulator.url()).unwrap();
    let client = Client::new(profile, octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET).unwrap();
    let body = format!(r#"{{"type":"ApiLoginExpired","pad":"{}"}}"#, "p".repeat(100_000));
    let api = Socket::responding("403 Forbidden", &["content-type: application/json"], body.as_bytes());
    let host = format!("http://{}", api.address());
    for caller in ApiCaller::all(&client, &TokenSpec::api_login(), |own| own.with_api_host(&host).unwrap()) {
        emulator.clear_log();
        let answer = sound(caller.get(&format!("{host}/x"))).value;
        assert_eq!((answer.meaning(), answer.body().len()), (TokenStatus::TokenRefused, body.len()));
        assert_eq!(emulator.log().len(), 2, "one renewal");
    }
    assert_eq!(api.requests().len(), 4);
}
