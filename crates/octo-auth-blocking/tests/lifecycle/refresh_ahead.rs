//! Refreshing tokens ahead.

use octo_auth_blocking::{Event, RefreshAhead};

use crate::clock::Simulated;
use crate::endpoint::Endpoint;
use crate::{manager, own_key};

/// The age in seconds at which a token of one hour is due for renewal, but still valid.
const SOFT: u64 = 2900;

#[test]
fn a_used_token_is_renewed_before_anybody_asks() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let refreshing = manager.refresh_ahead(RefreshAhead::Used);
    let mut changes = manager.changes();
    let tokens = manager.tokens(own_key()).expect("a handle");
    tokens.get().expect("a token");
    assert!(matches!(changes.next().expect("a change").event, Event::Renewed(_)));
    tokens.get().expect("the same token, used now");
    clock.advance(SOFT);
    assert!(matches!(changes.next().expect("a change").event, Event::Renewed(_)));
    assert_eq!(tokens.header().expect("a token"), "Bearer at-2");
    assert_eq!(endpoint.requests(), 2);
    drop(refreshing);
}

#[test]
fn keeping_all_warm_gets_tokens_nobody_asked_for() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let mut changes = manager.changes();
    let refreshing = manager.refresh_ahead(RefreshAhead::All);
    let tokens = manager.tokens(own_key()).expect("a handle");
    tokens.get().expect("a token");
    assert!(matches!(changes.next().expect("a change").event, Event::Renewed(_)));
    for number in 2..5 {
        clock.advance(SOFT);
        assert!(matches!(changes.next().expect("a change").event, Event::Renewed(_)));
        assert_eq!(endpoint.requests(), number);
    }
    drop(refreshing);
}

#[test]
fn keeping_warm_keeps_no_registration_alive_and_ends_with_it() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let mut changes = manager.changes();
    let refreshing = manager.refresh_ahead(RefreshAhead::Used);
    manager.tokens(own_key()).expect("a handle").get().expect("a token");
    drop(manager);
    assert_eq!(changes.by_ref().count(), 1);
    drop(refreshing);
}
