//! Keeping tokens warm.

use octo_auth_blocking::{Event, Warm};

use crate::clock::Simulated;
use crate::endpoint::Endpoint;
use crate::{accounts, own_key};

/// Where a renewal of a token of an hour is due, and the token still works.
const SOFT: u64 = 2900;

#[test]
fn a_used_token_is_renewed_before_anybody_asks() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let accounts = accounts(&endpoint, &clock).build().expect("a registration");
    let warm = accounts.keep_warm(Warm::Used);
    let mut changes = accounts.changes();
    let tokens = accounts.tokens(own_key()).expect("a handle");
    tokens.get().expect("a token");
    assert!(matches!(changes.next().expect("a change").event, Event::Renewed(_)));
    tokens.get().expect("the same token, used now");
    clock.advance(SOFT);
    assert!(matches!(changes.next().expect("a change").event, Event::Renewed(_)));
    assert_eq!(tokens.header().expect("a token"), "Bearer at-2");
    assert_eq!(endpoint.requests(), 2);
    drop(warm);
}

#[test]
fn keeping_all_warm_gets_tokens_nobody_asked_for() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let accounts = accounts(&endpoint, &clock).build().expect("a registration");
    let mut changes = accounts.changes();
    let warm = accounts.keep_warm(Warm::All);
    let tokens = accounts.tokens(own_key()).expect("a handle");
    tokens.get().expect("a token");
    assert!(matches!(changes.next().expect("a change").event, Event::Renewed(_)));
    for number in 2..5 {
        clock.advance(SOFT);
        assert!(matches!(changes.next().expect("a change").event, Event::Renewed(_)));
        assert_eq!(endpoint.requests(), number);
    }
    drop(warm);
}

#[test]
fn keeping_warm_keeps_no_registration_alive_and_ends_with_it() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let accounts = accounts(&endpoint, &clock).build().expect("a registration");
    let mut changes = accounts.changes();
    let warm = accounts.keep_warm(Warm::Used);
    accounts.tokens(own_key()).expect("a handle").get().expect("a token");
    drop(accounts);
    assert_eq!(changes.by_ref().count(), 1);
    drop(warm);
}
