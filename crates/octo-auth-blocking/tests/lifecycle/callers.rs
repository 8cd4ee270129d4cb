//! Many callers cause one request.

use std::time::Duration;

use octo_auth_blocking::{Remedy, TokenError, TokenErrorKind};

use crate::clock::Simulated;
use crate::endpoint::{Answer, Endpoint};
use crate::{at_once, manager, own_key};

#[test]
fn many_threads_on_an_empty_key_cause_one_request() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    let headers = at_once(256, || tokens.header().expect("a token"));
    assert!(headers.iter().all(|header| header == "Bearer at-1" && header.is_sensitive()));
    assert_eq!(endpoint.requests(), 1);
}

#[test]
fn threads_that_ask_while_a_request_is_in_flight_wait_for_it() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    endpoint.shut();
    let gave_up = tokens.get_by(Duration::ZERO).expect_err("the endpoint is held");
    assert_eq!(gave_up.kind(), TokenErrorKind::StillWaiting);
    let opener = endpoint.clone();
    let got = std::thread::scope(|scope| {
        let crowd = scope.spawn(|| at_once(20, || tokens.get().expect("a token").generation()));
        scope.spawn(move || {
            opener.await_requests(1);
            opener.open();
        });
        crowd.join().expect("no caller panics")
    });
    assert!(got.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(endpoint.requests(), 1);
}

#[test]
fn many_threads_on_an_expired_token_cause_one_renewal() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    assert_eq!(tokens.header().expect("a token"), "Bearer at-1");
    clock.advance(3600);
    let headers = at_once(20, || tokens.with_header(Clone::clone).expect("a token"));
    assert!(headers.iter().all(|header| header == "Bearer at-2"));
    assert_eq!(endpoint.requests(), 2);
}

#[test]
fn callers_in_an_outage_cause_one_request_until_the_retry_time_of_the_server() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    endpoint.script([Answer::Status(503, Some(120))]);
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    let shown = |failure: TokenError| (failure.kind(), failure.code().into_owned(), failure.remedy());
    let same = (
        TokenErrorKind::BackingOff,
        "http:503".to_owned(),
        Remedy::TryLater { after: Duration::from_secs(120) },
    );
    for failure in at_once(50, || tokens.get().expect_err("the endpoint is down")) {
        assert_eq!(shown(failure), same);
    }
    clock.advance(119);
    for failure in at_once(50, || tokens.get().expect_err("the endpoint is down")) {
        let (kind, code, remedy) = shown(failure);
        assert_eq!((kind, code), (same.0, same.1.clone()));
        assert_eq!(remedy, Remedy::TryLater { after: Duration::from_secs(1) });
    }
    assert_eq!(endpoint.requests(), 1);
    clock.advance(1);
    assert!(at_once(50, || tokens.header().expect("a token")).iter().all(|header| header == "Bearer at-2"));
    assert_eq!(endpoint.requests(), 2);
}

#[test]
fn after_a_failed_renewal_a_valid_token_is_still_returned() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    tokens.get().expect("a token");
    endpoint.script([Answer::Status(503, None)]);
    clock.advance(2900);
    let headers = at_once(50, || tokens.header().expect("a token"));
    assert!(headers.iter().all(|header| header == "Bearer at-1"));
    endpoint.await_requests(2);
    assert_eq!(endpoint.requests(), 2);
}

#[test]
fn a_caller_times_out_at_once_when_the_clock_is_moved() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    endpoint.shut();
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| tokens.get());
        endpoint.await_requests(1);
        clock.advance(30);
        let told = caller.join().expect("no caller panics");
        assert_eq!(told.expect_err("the endpoint is held").kind(), TokenErrorKind::StillWaiting);
    });
    endpoint.open();
    assert_eq!(tokens.header().expect("the request went on"), "Bearer at-1");
}
