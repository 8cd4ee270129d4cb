//! The three providers and a standard server by their own documents, step by step, with the clients of both adapters.
//!
//! Each scenario is written once as a macro; the two versions differ only in `.await`.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use http::Request;
use octo_auth_core::allowlist::{RuleOptions, Rules};
use octo_auth_core::{
    Body, Client, Now, OnboardingError, Profile, Remedy, Scopes, Secret, Timestamp, TokenSet, TokenStatus,
};
use octo_auth_emulator::{Browser, Emulator, Fault, generic, octorate, officernd};
use octo_auth_tests::log;
use octo_auth_tests::registration::{documented_client, sound};

const CREATION: &str = "/connect/rest/v2/accommodation";
const MIGRATION: &str = "/connect/rest/v1/identity/migrate";

fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

fn at_octorate(emulator: &Emulator) -> Client {
    log::keep();
    let profile = Profile::octorate().via_gateway(&emulator.url()).unwrap();
    Client::new(profile, octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET).unwrap()
}

fn at_a_standard_server(emulator: &Emulator) -> Client {
    log::keep();
    let base = emulator.base("auth.example");
    let profile = Profile::rfc6749(&format!("{base}/token"))
        .and_then(|profile| profile.with_name("Acme"))
        .and_then(|profile| profile.with_authorization_url(&format!("{base}/authorize")))
        .and_then(|profile| profile.with_revocation_url(&format!("{base}/revoke")))
        .and_then(|profile| profile.with_api_host(&base));
    Client::new(profile.unwrap(), generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET).unwrap()
}

fn reservations(emulator: &Emulator, property: &str) -> Request<Body> {
    get(&format!("{}/connect/rest/v1/reservation/{property}", emulator.base("api.octorate.com")))
}

/// Returns a token of OfficeRND, which no server of Octorate may receive.
fn token_at_officernd() -> TokenSet {
    let client = octo_auth_tests::registration::officernd();
    let exchange = client.client_credentials(&Scopes::parse("flex.community.members.read").unwrap()).unwrap();
    let now = octo_auth_system::Clock::now(&octo_auth_system::SystemClock);
    let body = r#"{"access_token":"at-officernd","token_type":"Bearer","expires_in":3599}"#;
    let response = http::Response::builder().header("content-type", "application/json").body(body).unwrap();
    exchange.read(&response, now, now).unwrap().value
}

fn asked(emulator: &Emulator, path: &str) -> usize {
    emulator.log().iter().filter(|entry| entry.path.ends_with(path)).count()
}

/// Defines the scenarios for one adapter: `wait!` is `.await` or nothing, `test!` a test with or without a runtime.
macro_rules! scenarios {
    ($colour:ident, $adapter:ident, [$($test:tt)*], [$($color:tt)*], [$($wait:tt)*]) => {
        mod $colour {
            use super::*;
            use $adapter::octorate::Octorate;
            use $adapter::octotable::{self as tables, OctoTable};
            use $adapter::officernd::OfficeRnd;
            use $adapter::rfc6749::Rfc6749;
            use $adapter::{TokenManager, Runner};

            $($test)*
            $($color)* fn octorate_creates_a_property_and_calls_it_with_the_refresh_token_of_the_answer() {
                let emulator = sound(Emulator::start());
                let octorate = Octorate::new(&TokenManager::new(at_octorate(&emulator)).unwrap()).unwrap();
                let json = r#"{"name":"The Inn","email":"inn@example.com"}"#;
                let inn = octorate.property("inn").unwrap();
                let created = octorate.admin().create_property(&inn, json)$($wait)*.unwrap();
                let answer = inn.api().call(&reservations(&emulator, &created.value.id))$($wait)*.unwrap();
                assert_eq!(answer.value.meaning(), TokenStatus::Accepted);
                // The other kind of token is refused, except from an address on Octorate's list.
                let rules = Rules::from_text("127.0.0.1 # this machine", RuleOptions::default()).unwrap();
                let caller = "127.0.0.1".parse().unwrap();
                let by_address = octorate.admin().for_ip_authentication(caller, &rules).unwrap();
                let answer = by_address.call(&reservations(&emulator, &created.value.id))$($wait)*.unwrap();
                assert_eq!(answer.value.meaning(), TokenStatus::Forbidden);
                emulator.octorate().allow_address(octorate::DEMO_CLIENT_ID, "127.0.0.1").unwrap();
                let answer = by_address.call(&reservations(&emulator, &created.value.id))$($wait)*.unwrap();
                assert_eq!(answer.value.meaning(), TokenStatus::Accepted);
                let twice = octorate.admin().create_property(&inn, json)$($wait)*.unwrap_err();
                assert!(matches!(&twice, OnboardingError::Exchange(error) if error.status().unwrap() == 412), "{twice}");
            }

            #[test]
            fn octorate_is_not_called_from_an_address_that_is_not_on_its_list() {
                let emulator = sound(Emulator::start());
                let octorate = Octorate::new(&TokenManager::new(at_octorate(&emulator)).unwrap()).unwrap();
                let terms = RuleOptions::default().ipv4_only().egress();
                let rules = Rules::from_line("203.0.113.0/28, 198.51.100.7", terms).unwrap();
                let ask = |caller: &str| octorate.admin().for_ip_authentication(caller.parse().unwrap(), &rules);
                assert!(ask("203.0.113.15").is_ok() && ask("::ffff:198.51.100.7").is_ok());
                let denied = ask("203.0.113.16").unwrap_err();
                assert_eq!(
                    denied.to_string(),
                    "203.0.113.16 is not permitted: no rule holds it; the nearest are \
                     rule 1: 203.0.113.0/28, which ends at 203.0.113.15, 1 address away"
                );
                assert_eq!((denied.code(), denied.remedy()), ("address_not_permitted", Remedy::FixConfiguration));
                assert!(ask("2001:db8::1").unwrap_err().to_string().contains("no rule is of the family"));
                let none = octorate.admin().for_ip_authentication("203.0.113.1".parse().unwrap(), &Rules::default());
                assert!(none.unwrap_err().to_string().ends_with("the list is empty"));
                assert!(emulator.log().is_empty());
            }

            $($test)*
            $($color)* fn several_properties_of_a_network_share_one_account_and_one_renewal() {
                let emulator = sound(Emulator::start());
                let octorate = Octorate::new(&TokenManager::new(at_octorate(&emulator)).unwrap()).unwrap();
                let json = |name: &str| {
                    let network = octorate::DEMO_NETWORK;
                    format!(r#"{{"name":"{name}","email":"{name}@example.com","networkName":"{network}"}}"#)
                };
                let chain = octorate.property("chain").unwrap();
                let first = octorate.admin().create_property(&chain, &json("a"))$($wait)*.unwrap();
                let answer = chain.api().call(&reservations(&emulator, &first.value.id))$($wait)*.unwrap();
                assert_eq!(answer.value.meaning(), TokenStatus::Accepted);
                let second = octorate.admin().create_property(&chain, &json("b"))$($wait)*.unwrap();
                let answer = chain.api().call(&reservations(&emulator, &second.value.id))$($wait)*.unwrap();
                assert_eq!(answer.value.meaning(), TokenStatus::Accepted);
                assert_eq!(asked(&emulator, "/identity/refresh"), 1);
            }

            $($test)*
            $($color)* fn one_client_calls_for_each_account_whose_tokens_are_in_the_request() {
                let emulator = sound(Emulator::start());
                let octorate = Octorate::new(&TokenManager::new(at_octorate(&emulator)).unwrap()).unwrap();
                let mut manager = Vec::new();
                for name in ["a", "b"] {
                    let account = octorate.property(name).unwrap();
                    let json = format!(r#"{{"name":"{name}","email":"{name}@example.com"}}"#);
                    let created = octorate.admin().create_property(&account, &json)$($wait)*.unwrap();
                    manager.push((created.value.id, account.tokens().clone()));
                }
                let client = octorate.admin().api();
                for (id, tokens) in &manager {
                    let mut request = reservations(&emulator, id);
                    assert_eq!(client.call(&request)$($wait)*.unwrap().value.meaning(), TokenStatus::Forbidden);
                    request.extensions_mut().insert(tokens.clone());
                    assert_eq!(client.call(&request)$($wait)*.unwrap().value.meaning(), TokenStatus::Accepted);
                }
                let elsewhere = TokenManager::new(octo_auth_tests::registration::officernd()).unwrap();
                let mut request = reservations(&emulator, &manager[0].0);
                let foreign = OfficeRnd::new(&elsewhere).tokens("flex.community.members.read").unwrap();
                foreign.import(token_at_officernd())$($wait)*.unwrap();
                request.extensions_mut().insert(foreign);
                assert_eq!(client.call(&request)$($wait)*.unwrap_err().code(), "other_provider");
            }

            $($test)*
            $($color)* fn another_refresh_token_of_an_account_is_left_alone_and_the_new_one_is_in_the_error() {
                let emulator = sound(Emulator::start());
                let octorate = Octorate::new(&TokenManager::new(at_octorate(&emulator)).unwrap()).unwrap();
                let chain = octorate.property("chain").unwrap();
                let json = |name: &str| format!(r#"{{"name":"{name}","email":"{name}@example.com"}}"#);
                let first = octorate.admin().create_property(&chain, &json("a"))$($wait)*.unwrap();
                // The network was forgotten, so Octorate returns a separate refresh token.
                let error = octorate.admin().create_property(&chain, &json("b"))$($wait)*.unwrap_err();
                let OnboardingError::Occupied { account, brought, property } = error else { panic!("{error:?}") };
                assert_eq!(account, r#"account "chain""#);
                let request = reservations(&emulator, &first.value.id);
                assert_eq!(chain.api().call(&request)$($wait)*.unwrap().value.meaning(), TokenStatus::Accepted);
                let other = octorate.property("b").unwrap();
                other.tokens().import(*brought)$($wait)*.unwrap();
                let request = reservations(&emulator, &property.unwrap());
                assert_eq!(other.api().call(&request)$($wait)*.unwrap().value.meaning(), TokenStatus::Accepted);
                let key = Secret::from(octorate::DEMO_API_KEY);
                let migrated = chain.migrate(&key, octorate::DEMO_PROPERTY)$($wait)*.unwrap_err();
                assert_eq!((migrated.code().as_ref(), migrated.remedy()), ("account_occupied", Remedy::FixConfiguration));
            }

            $($test)*
            $($color)* fn a_refresh_token_in_an_answer_that_cannot_be_read_otherwise_is_in_the_account_all_the_same() {
                let emulator = sound(Emulator::start());
                let octorate = Octorate::new(&TokenManager::new(at_octorate(&emulator)).unwrap()).unwrap();
                let inn = octorate.property("inn").unwrap();
                let (runner, client) = (Runner::new().unwrap(), at_octorate(&emulator));
                let admin = runner.run(client.api_login().unwrap())$($wait)*.unwrap().value;
                let json = r#"{"name":"The Inn","email":"inn@example.com"}"#;
                let created = runner.run(client.create_property(&admin, json).unwrap())$($wait)*.unwrap().value;
                let body = format!(r#"{{"refresh_token":"{}"}}"#, created.refresh_token.expose());
                let fault = Fault::Status { status: 200, retry_after: None, body: Some(body) };
                emulator.faults().on("api.octorate.com", MIGRATION).next(1, fault);
                let key = Secret::from(octorate::DEMO_API_KEY);
                let error = inn.migrate(&key, octorate::DEMO_PROPERTY)$($wait)*.unwrap_err();
                assert_eq!(error.code(), "access_token_missing");
                let request = reservations(&emulator, &created.id);
                assert_eq!(inn.api().call(&request)$($wait)*.unwrap().value.meaning(), TokenStatus::Accepted);
            }

            $($test)*
            $($color)* fn octorates_administration_goes_on_when_its_token_was_forgotten() {
                let emulator = sound(Emulator::start());
                let octorate = Octorate::new(&TokenManager::new(at_octorate(&emulator)).unwrap()).unwrap();
                let before = octorate.admin().configuration()$($wait)*.unwrap().value;
                emulator.octorate().expire_access_tokens();
                let uris = ["https://app.example/octorate"];
                octorate.admin().replace_redirect_uris(Some(&uris))$($wait)*.unwrap();
                let after = octorate.admin().configuration()$($wait)*.unwrap().value;
                assert_ne!(before.redirect_uris, uris);
                assert_eq!(after.redirect_uris, uris);
                assert_eq!(asked(&emulator, "/identity/apilogin"), 2, "one renewal");
            }

            $($test)*
            $($color)* fn an_owner_signs_in_at_octorate_and_the_code_is_exchanged_within_its_minute() {
                let emulator = sound(Emulator::start());
                let octorate = Octorate::new(&TokenManager::new(at_octorate(&emulator)).unwrap()).unwrap();
                let (page, pending) = octorate.authorize(octorate::DEMO_REDIRECT_URI).unwrap();
                let callback = Browser::new().open(&page).unwrap().grant().unwrap();
                let now = TokenManager::new(at_octorate(&emulator)).unwrap().now();
                let code = pending.receive(&callback, now).unwrap();
                let inn = octorate.property("inn").unwrap();
                inn.sign_in(code)$($wait)*.unwrap();
                let request = reservations(&emulator, octorate::DEMO_PROPERTY);
                assert_eq!(inn.api().call(&request)$($wait)*.unwrap().value.meaning(), TokenStatus::Accepted);

                let (page, pending) = octorate.authorize(octorate::DEMO_REDIRECT_URI).unwrap();
                let callback = Browser::new().open(&page).unwrap().grant().unwrap();
                let long_ago = Now { wall: Timestamp::from_unix_seconds(1_700_000_000), ..now };
                let code = pending.receive(&callback, long_ago).unwrap();
                let late = inn.sign_in(code)$($wait)*.unwrap_err();
                assert_eq!(late.code(), "code_too_old");
                assert_eq!(inn.api().call(&request)$($wait)*.unwrap().value.meaning(), TokenStatus::Accepted);
            }

            $($test)*
            $($color)* fn a_key_of_octorates_old_api_is_traded_for_tokens() {
                let emulator = sound(Emulator::start());
                let octorate = Octorate::new(&TokenManager::new(at_octorate(&emulator)).unwrap()).unwrap();
                let key = Secret::from(octorate::DEMO_API_KEY);
                let inn = octorate.property("inn").unwrap();
                inn.migrate(&key, octorate::DEMO_PROPERTY)$($wait)*.unwrap();
                let request = reservations(&emulator, octorate::DEMO_PROPERTY);
                assert_eq!(inn.api().call(&request)$($wait)*.unwrap().value.meaning(), TokenStatus::Accepted);
                let again = inn.migrate(&key, octorate::DEMO_PROPERTY)$($wait)*.unwrap_err();
                assert!(!again.to_string().contains(octorate::DEMO_API_KEY), "{again}");
            }

            $($test)*
            $($color)* fn octotable_makes_a_client_whose_sandbox_is_called_at_once() {
                let emulator = sound(Emulator::start());
                let profile = Profile::octotable().via_gateway(&emulator.url()).unwrap();
                let runner = Runner::new().unwrap();
                let created = tables::create_client(&runner, &profile, &documented_client())$($wait)*.unwrap().value;
                let property = created.properties[0].id.clone();
                let client = created.into_client(profile).unwrap();
                let octotable = OctoTable::new(&TokenManager::new(client).unwrap()).unwrap();
                let url = emulator.base("api.octotable.com") + "/octotable-pms/api/v2/services";
                let answer = octotable.property(&property).unwrap().call(&get(&url))$($wait)*.unwrap();
                assert_eq!(answer.value.meaning(), TokenStatus::Accepted);
                assert_eq!(octotable.property("1\n2").unwrap_err().code(), "value_malformed");
            }

            $($test)*
            $($color)* fn each_set_of_scopes_has_a_token_of_its_own_at_officernd() {
                let emulator = sound(Emulator::start());
                let profile = Profile::officernd().via_gateway(&emulator.url()).unwrap();
                let (id, secret) = (officernd::DEMO_CLIENT_ID, officernd::DEMO_CLIENT_SECRET);
                let application = OfficeRnd::new(&TokenManager::new(Client::new(profile, id, secret).unwrap()).unwrap());
                let organization = officernd::DEMO_ORGANIZATION;
                let base = emulator.base("app.officernd.com");
                let members = format!("{base}/api/v2/organizations/{organization}/members");
                for scopes in ["flex.community.members.read", " flex.community.members.read "] {
                    let client = application.with_scopes(scopes).unwrap();
                    let answer = client.call(&get(&members))$($wait)*.unwrap();
                    assert_eq!(answer.value.meaning(), TokenStatus::Accepted);
                }
                assert_eq!(asked(&emulator, "/oauth/token"), 1, "the same set");
                let none = application.with_scopes("").unwrap_err();
                assert_eq!((none.code().as_ref(), none.remedy()), ("scope_missing", Remedy::FixConfiguration));
                let region = application.with_scopes("flex.community.members.read").unwrap();
                assert!(region.clone().with_api_host("http://eu.officernd.com").is_err());
                assert!(region.with_api_host("https://eu.officernd.com").is_ok());
            }

            $($test)*
            $($color)* fn a_user_of_a_standard_server_signs_in_is_refreshed_and_signs_out() {
                let emulator = sound(Emulator::start());
                let server = Rfc6749::new(&TokenManager::new(at_a_standard_server(&emulator)).unwrap());
                let (page, pending) = server.authorize(generic::DEMO_REDIRECT_URI, "read write").unwrap();
                let callback = Browser::new().open(&page).unwrap().grant().unwrap();
                let now = octo_auth_system::Clock::now(&octo_auth_system::SystemClock);
                let ann = server.account("ann").unwrap();
                ann.sign_in(pending.receive(&callback, now).unwrap())$($wait)*.unwrap();
                let resource = get(&format!("{}/resource", emulator.base("auth.example")));
                assert_eq!(ann.api().call(&resource)$($wait)*.unwrap().value.meaning(), TokenStatus::Accepted);
                // The server forgets the access token: the client refreshes it and repeats the call.
                emulator.generic().revoke_all_access_tokens();
                assert_eq!(ann.api().call(&resource)$($wait)*.unwrap().value.meaning(), TokenStatus::Accepted);
                assert_eq!(asked(&emulator, "/token"), 2);
                ann.sign_out()$($wait)*;
                assert_eq!(asked(&emulator, "/revoke"), 1);
                let error = ann.api().call(&resource)$($wait)*.unwrap_err();
                assert_eq!(error.remedy(), Remedy::SignInAgain);
            }

            $($test)*
            $($color)* fn a_client_of_a_standard_server_calls_with_its_own_tokens() {
                let emulator = sound(Emulator::start());
                let server = Rfc6749::new(&TokenManager::new(at_a_standard_server(&emulator)).unwrap());
                let resource = get(&format!("{}/resource", emulator.base("auth.example")));
                for scopes in ["read", " read ", "write"] {
                    let answer = server.with_scopes(scopes).unwrap().call(&resource)$($wait)*.unwrap();
                    assert_eq!(answer.value.meaning(), TokenStatus::Accepted);
                }
                assert_eq!(asked(&emulator, "/token"), 2, "one for each set of scopes");
                assert_eq!(server.with_scopes("a\"b").unwrap_err().code(), "scope_malformed");
                let error = server.authorize("ftp://app.example/", "read").unwrap_err();
                assert_eq!(error.code(), "redirect_uri");
                let nonce = [("nonce", "n-1")];
                let (page, _) = server.authorize_with(generic::DEMO_REDIRECT_URI, "read", &nonce).unwrap();
                assert!(page.ends_with("&nonce=n-1"), "{page}");
                let taken = server.authorize_with(generic::DEMO_REDIRECT_URI, "read", &[("state", "x")]);
                assert_eq!(taken.unwrap_err().code(), "reserved_parameter");
            }

            #[test]
            fn a_front_door_is_refused_at_another_provider() {
                let client = octo_auth_tests::registration::officernd();
                let failure = Octorate::new(&TokenManager::new(client).unwrap()).unwrap_err();
                assert_eq!(failure.code(), "not_offered");
            }
        }
    };
}

scenarios!(asynchronous, octo_auth_async, [#[tokio::test]], [async], [.await]);
scenarios!(blocking, octo_auth_blocking, [#[test]], [], []);

#[tokio::test]
async fn a_caller_that_goes_away_while_a_property_is_created_loses_nothing() {
    use octo_auth_async::{TokenManager, octorate::Octorate};
    let emulator = sound(Emulator::start());
    let manager = TokenManager::new(at_octorate(&emulator)).unwrap();
    let octorate = Octorate::new(&manager).unwrap();
    let inn = octorate.property("inn").unwrap();
    let held = emulator.faults().on("api.octorate.com", CREATION).hold_next();
    let creating = tokio::spawn({
        let (octorate, inn) = (octorate.clone(), inn.clone());
        let json = r#"{"name":"The Inn","email":"inn@example.com"}"#;
        async move { octorate.admin().create_property(&inn, json).await.map(drop) }
    });
    let held = tokio::task::spawn_blocking(move || {
        assert!(held.arrived());
        held
    });
    let held = held.await.unwrap();
    creating.abort();
    assert!(creating.await.unwrap_err().is_cancelled());
    held.release();
    // The work in flight still ends, and a shutdown waits for it.
    manager.shutdown().await;
    assert!(inn.tokens().explain().contains("Refresh token: there"), "{}", inn.tokens().explain());
}
