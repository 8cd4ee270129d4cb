//! Refreshing tokens ahead.

use octo_auth_blocking::{Event, RefreshAhead};

use crate::clock::Simulated;
use crate::endpoint::Endpoint;
use crate::{manager, own_key};

/// The age in seconds at which a token of one hour is due for renewal, but still valid.
const SOFT: u64 = 2900;

#[test]
fn a_used_token_is_refreshed_ahead() {
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
fn refreshing_all_ahead_obtains_tokens_without_a_caller() {
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
fn refreshing_ahead_does_not_keep_a_manager_alive_and_ends_with_it() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let mut changes = manager.changes();
    let refreshing = manager.refresh_ahead(RefreshAhead::Used);
    manager.tokens(own_key()).expect("a handle").get().expect("a token");
    drop(manager);
    assert_eq!(changes.by_ref().count(), 1);
    drop(refreshing);
}
