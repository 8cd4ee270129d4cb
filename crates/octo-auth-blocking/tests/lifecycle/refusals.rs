//! Tokens that a resource server refuses.

use crate::clock::Simulated;
use crate::endpoint::Endpoint;
use crate::{at_once, manager, own_key};

#[test]
fn late_refusals_of_one_generation_cause_one_renewal_and_those_of_an_old_one_none() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    let old = tokens.get().expect("a token").generation();
    let after_refusal = || {
        tokens.refused(old);
        tokens.get().expect("a token")
    };
    for round in ["at first", "late"] {
        for token in at_once(20, after_refusal) {
            assert_eq!(token.authorization(), "Bearer at-2", "{round}");
            assert!(!token.is_suspect() && token.generation() != old, "{round}");
        }
        assert_eq!(endpoint.requests(), 2, "{round}");
    }
}

#[test]
fn a_server_that_refuses_every_token_costs_one_renewal_and_then_gets_suspect_ones() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    for _ in 0..20 {
        tokens.refused(tokens.get().expect("a token").generation());
    }
    assert!(tokens.get().expect("a token").is_suspect());
    assert_eq!(endpoint.requests(), 2);
}
