//! A flight does not depend on its waiting callers, and always ends.

use std::time::Duration;

use octo_auth_blocking::{Imported, MemoryStore, Secret, TokenErrorKind, TokenSpec};

use crate::clock::Simulated;
use crate::endpoint::{Answer, Endpoint};
use crate::{at_once, manager, own_key, stored};

#[test]
fn the_caller_after_one_that_timed_out_gets_the_token_of_the_same_request() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    endpoint.shut();
    let failure = tokens.get_by(Duration::ZERO).expect_err("the endpoint is held");
    assert_eq!((failure.kind(), failure.code().as_ref()), (TokenErrorKind::StillWaiting, "still_waiting"));
    endpoint.await_requests(1);
    endpoint.open();
    assert_eq!(tokens.header().expect("a token"), "Bearer at-1");
    assert_eq!(endpoint.requests(), 1);
}

#[test]
fn a_transport_that_panics_is_a_lost_flight_and_hangs_no_caller() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    // It is retried at once, and then backs off.
    endpoint.script([Answer::Panic, Answer::Panic]);
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    for failure in at_once(20, || tokens.get().expect_err("the request is lost")) {
        assert_eq!((failure.kind(), failure.code().as_ref()), (TokenErrorKind::BackingOff, "lost"));
    }
    clock.advance(60);
    assert_eq!(tokens.header().expect("a token"), "Bearer at-3");
}

#[test]
fn a_handle_dropped_in_mid_flight_loses_no_refresh_token() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let (store, key) = (MemoryStore::with_clock(clock.clone()), TokenSpec::account("inn"));
    let manager = manager(&endpoint, &clock).store(store.clone()).build().expect("a registration");
    let mut changes = manager.changes();
    let tokens = manager.tokens(key.clone()).expect("a handle");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
    endpoint.shut();
    tokens.get_by(Duration::ZERO).expect_err("the endpoint is held");
    endpoint.await_requests(1);
    drop(tokens);
    drop(manager);
    endpoint.open();
    // After the flight has ended, the iterator yields the last change and ends.
    assert_eq!(changes.by_ref().count(), 1);
    assert_eq!(stored(&store, &key).refresh_token(), Some("rt-1"));
}

#[test]
fn a_shutdown_lets_a_flight_end_and_its_outcome_be_stored() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let (store, key) = (MemoryStore::with_clock(clock.clone()), TokenSpec::account("inn"));
    let manager = manager(&endpoint, &clock).store(store.clone()).build().expect("a registration");
    let tokens = manager.tokens(key.clone()).expect("a handle");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
    endpoint.shut();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| tokens.get());
        endpoint.await_requests(1);
        let ending = scope.spawn(|| manager.shutdown());
        // The shutdown wakes the caller. The request that it waited for is not started again.
        let failure = waiting.join().expect("no caller panics").expect_err("shutting down");
        assert_eq!(failure.kind(), TokenErrorKind::ShuttingDown);
        endpoint.open();
        ending.join().expect("a shutdown never panics");
    });
    assert_eq!(stored(&store, &key).refresh_token(), Some("rt-1"));
    assert_eq!(tokens.header().expect("a valid token is served still"), "Bearer at-1");
    clock.advance(3600);
    assert_eq!(tokens.get().expect_err("nothing is renewed any more").kind(), TokenErrorKind::ShuttingDown);
    assert_eq!(endpoint.requests(), 1);
}

#[test]
fn an_import_and_a_sign_out_are_stored_when_the_call_returns() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let (store, key) = (MemoryStore::with_clock(clock.clone()), TokenSpec::account("inn"));
    let manager = manager(&endpoint, &clock).store(store.clone()).build().expect("a registration");
    let tokens = manager.tokens(key.clone()).expect("a handle");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
    assert_eq!(stored(&store, &key).refresh_token(), Some("rt-0"));
    tokens.sign_out();
    let record = stored(&store, &key);
    assert!(record.is_signed_out() && record.refresh_token().is_none());
    assert_eq!(tokens.get().expect_err("signed out").kind(), TokenErrorKind::SignedOut);
    assert_eq!(endpoint.requests(), 0);
}

#[test]
fn two_managers_on_one_store_renew_a_refresh_token_once() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let (store, key) = (MemoryStore::with_clock(clock.clone()), TokenSpec::account("inn"));
    let one = manager(&endpoint, &clock).store(store.clone()).build().expect("a registration");
    let other = manager(&endpoint, &clock).store(store).build().expect("a registration");
    let first = one.tokens(key.clone()).expect("a handle");
    let second = other.tokens(key).expect("a handle");
    first.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
    assert_eq!(first.header().expect("a token"), "Bearer at-1");
    assert_eq!(second.header().expect("the same token"), "Bearer at-1");
    assert_eq!(endpoint.requests(), 1);
}
