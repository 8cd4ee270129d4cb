//! Common properties of all public errors: a code, a remedy, and a chain of causes without repetition.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use octo_auth_async::ReqwestTransport;
use octo_auth_blocking::UreqTransport;
use octo_auth_core::allowlist::{ForwardHeader, RuleOptions, Rules, client_address, parse};
use octo_auth_core::profile::{BaseUrl, Template};
use octo_auth_core::{
    ApiError, Authorizer, CallError, CallbackError, Diagnostic, Entropy, Imported, OnboardingError, Policy,
    Profile, RecordBytes, RecordName, Remedy, RequestError, Scopes, Secret, Storage, StoreError, TokenError,
    TokenSpec, TransportError,
};
use octo_auth_emulator::{Emulator, StartError};
use octo_auth_system::SetupError;
use octo_auth_tests::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_tests::registration::{octorate, officernd, sound, standard};
use octo_auth_tests::reply::{json, read};
use octo_auth_tests::{adapter, moment, socket::Socket};

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, "refused by 192.0.2.1")
}

fn fault() -> TransportError {
    TransportError::not_sent("no connection").with_source(refused())
}

/// Returns the error after a request that could not be sent.
fn unsent() -> TokenError {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::Fault(fault()));
    world.get(&service()).unwrap_err()
}

/// Returns the error of an unusable record.
fn unusable() -> TokenError {
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &store, 1);
    store.put(&world.name(&hotel()), RecordBytes::from(b"no record".to_vec()));
    world.get(&hotel()).unwrap_err()
}

/// Returns the error of a refused API call whose token could not be refreshed for this reason.
fn unrenewed(failure: TokenError) -> octo_auth_core::ExchangeError {
    let request =
        http::Request::get("https://app.officernd.com/x").body(octo_auth_core::Body::empty()).unwrap();
    let mut world = Machine::new(officernd());
    let key = TokenSpec::client_credentials(&sound(Scopes::parse("flex.community.members.read")));
    let mut call = Authorizer::from(world.manager.client()).whole_call(&request, 1024);
    let mut failure = Some(failure);
    loop {
        use octo_auth_core::provider::ProviderCall as Call;
        call = match call {
            Call::GetToken(wanted) => {
                let has_none = world.requests() > 0;
                let failed = failure.take_if(|_| has_none);
                wanted.got(failed.map_or_else(|| world.get(&key), Err), || None)
            }
            Call::Report(_, next) | Call::ReadRecord(next) => *next,
            Call::Run(exchange, sent) => sent.answered(read(exchange, &json(401, "")), Ok(())),
            Call::Done(result) => return result.unwrap().value.error_for_status().unwrap_err(),
        };
    }
}

/// Returns an error of each public type, and of each way in which one has a cause.
fn all() -> Vec<Box<dyn Diagnostic>> {
    let lost = || standard().refresh(&Secret::from("RT0")).unwrap().failed(fault());
    let brought = || Box::new(Imported::RefreshToken(Secret::from("RT0")));
    let pending = || {
        octorate()
            .authorize("https://localhost", &Scopes::none(), Entropy::from_bytes([7; 64]), moment::start())
            .unwrap()
            .1
    };
    let unfit =
        || OnboardingError::Unfit { account: "hotel".into(), brought: brought(), reason: RequestError::Url };
    let occupied =
        || OnboardingError::Occupied { account: "hotel".into(), brought: brought(), property: None };
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let headers =
        http::HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), "unknown".parse().unwrap())]);
    let forwarded =
        client_address(address, &headers, ForwardHeader::XForwardedFor, &parse_all("192.0.2.0/24"));
    vec![
        Box::new(unsent()),
        Box::new(unusable()),
        Box::new(Machine::new(standard()).get(&hotel()).unwrap_err()),
        Box::new(lost()),
        Box::new(unrenewed(unsent())),
        Box::new(unrenewed(unusable())),
        Box::new(ApiError::from(lost())),
        Box::new(ApiError::from(CallError::from(unsent()))),
        Box::new(CallError::from(unusable())),
        Box::new(CallError::from(RequestError::Url)),
        Box::new(CallError::Unrepeatable { status: 401 }),
        Box::new(RequestError::ClientId),
        Box::new(OnboardingError::from(lost())),
        Box::new(OnboardingError::from(unsent())),
        Box::new(OnboardingError::from(CallbackError::from(RequestError::Url))),
        Box::new(unfit()),
        Box::new(occupied()),
        Box::new(CallbackError::from(RequestError::ClientId)),
        Box::new(pending().receive("no callback", moment::start()).unwrap_err()),
        Box::new(Profile::octorate().via_gateway("ftp://gateway.example.com").unwrap_err()),
        Box::new("ftp://example.com".parse::<BaseUrl>().unwrap_err()),
        Box::new("{nothing}".parse::<Template>().unwrap_err()),
        Box::new(Policy::default().with_request_limit(0).unwrap_err()),
        Box::new(Policy::default().with_wait(Duration::from_secs(7200)).unwrap_err()),
        Box::new(RecordName::parse("?").unwrap_err()),
        Box::new(octo_auth_core::RecordError::NewerVersion(2)),
        Box::new(StoreError::from(octo_auth_core::RecordError::NotJson)),
        Box::new(StoreError::new("the disk is full").with_source(refused())),
        Box::new(parse("192.0.2.300").unwrap_err()),
        Box::new(Rules::from_text("192.0.2.300", RuleOptions::default()).unwrap_err()),
        Box::new(Rules::from_json("{}", RuleOptions::default()).unwrap_err()),
        Box::new(Rules::default().require(address).unwrap_err()),
        Box::new(forwarded.unwrap_err()),
        Box::new(SetupError::new(refused())),
        Box::new(SetupError::of("the proxy", refused())),
    ]
}

fn parse_all(text: &str) -> octo_auth_core::allowlist::Allowlist {
    sound(Rules::from_text(text, RuleOptions::default())).allowlist()
}

/// Asserts that no error of a chain repeats the text of the previous one.
fn says_each_thing_once(error: &(dyn Error + 'static)) {
    let mut link = error;
    while let Some(cause) = link.source() {
        let (text, of_the_cause) = (link.to_string(), cause.to_string());
        assert!(!of_the_cause.is_empty() && !text.contains(&of_the_cause), "{text}: {of_the_cause}");
        link = cause;
    }
}

#[test]
fn every_error_has_a_word_and_a_text_and_its_remedy_agrees_with_its_time() {
    for error in all() {
        let code = error.code();
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.');
        assert!(!code.is_empty() && code.bytes().all(is_word), "{code}: {error}");
        assert!(!error.to_string().is_empty(), "{code}");
        if matches!(error.remedy(), Remedy::TryLater { .. }) {
            assert!(error.retry_after().is_some(), "{code}: {error}");
        }
    }
}

#[test]
fn a_chain_of_causes_says_each_thing_once() {
    let errors = all();
    for error in &errors {
        says_each_thing_once(&**error);
    }
    assert!(errors.iter().filter(|error| error.source().is_some()).count() >= 8, "some have causes");
}

#[test]
fn an_error_that_is_not_sent_says_each_thing_once_in_both_adapters() {
    adapter::each(|adapter| {
        let profile = sound(Profile::rfc6749(&format!("http://{}/token", Socket::refusing())));
        let client = octo_auth_tests::registration::with(profile);
        let error = adapter.run(client.client_credentials(&Scopes::none()).unwrap()).unwrap_err();
        assert!(error.to_string().ends_with(": connection refused"), "{}: {error}", adapter.name());
        says_each_thing_once(&error);
    });
}

#[test]
fn an_emulator_that_cannot_start_says_each_thing_once() {
    let listen = StartError::Listen { port: 80, source: refused() };
    assert!(listen.source().is_some());
    says_each_thing_once(&listen);
    says_each_thing_once(&StartError::Thread(refused()));
    let taken = sound(Emulator::start());
    let port = taken.url().rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
    says_each_thing_once(&Emulator::builder().port(port).start().unwrap_err());
}

#[test]
fn what_lies_behind_a_failure_is_in_its_text_or_in_its_chain() {
    let failure = unsent();
    assert!(failure.to_string().contains("could not be sent: no connection)"), "{failure}");
    assert_eq!(failure.source().unwrap().to_string(), "refused by 192.0.2.1");
    let failure = unusable();
    assert!(failure.to_string().contains("the stored record cannot be used"), "{failure}");
    assert!(failure.source().is_some_and(|cause| cause.to_string().contains("not a JSON object")));
}

#[test]
fn the_refusal_of_a_call_has_the_remedy_and_the_time_of_the_failed_renewal() {
    let failure = unsent();
    let refusal = unrenewed(failure.clone());
    assert_eq!(refusal.code(), "http:401");
    assert_eq!((refusal.remedy(), refusal.retry_after()), (failure.remedy(), failure.retry_after()));
}

#[test]
fn an_adapter_that_cannot_be_set_up_says_what_of_it() {
    let unsound = "two\nlines";
    let reqwest = ReqwestTransport::builder().unwrap().user_agent(unsound);
    let ureq = ureq::Agent::config_builder().user_agent(unsound);
    let errors = [
        ReqwestTransport::from_builder(reqwest).unwrap_err(),
        UreqTransport::from_builder(ureq).unwrap_err(),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(text.starts_with("the HTTP client could not be set up: "), "{text}");
        assert!(text.contains("header"), "it names the setting: {text}");
        says_each_thing_once(&error);
    }
}
