//! Callers on the threads of an async runtime.

use std::thread;

use octo_auth_blocking::{Imported, MemoryStore, Scopes, Secret, TokenErrorKind, TokenSpec};

use crate::clock::Simulated;
use crate::endpoint::Endpoint;
use crate::{client, manager, own_key, stored};

const WORKERS: [&str; 4] = ["tokio-runtime-worker", "tokio-rt-worker", "async-std/runtime", "smol-1"];

/// Runs `act` on a thread with this name.
fn on<R: Send>(name: &str, act: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, act);
        thread.expect("a thread").join().expect("no caller panics")
    })
}

#[test]
fn a_worker_of_a_runtime_is_told_where_it_would_wait_and_served_where_it_would_not() {
    for name in WORKERS {
        let (endpoint, clock) = (Endpoint::new(), Simulated::new());
        let manager = manager(&endpoint, &clock).build().expect("a registration");
        let tokens = manager.tokens(own_key()).expect("a handle");
        endpoint.shut();
        let failure = on(name, || tokens.get()).expect_err("it would have to wait");
        assert_eq!(
            (failure.kind(), failure.code().as_ref()),
            (TokenErrorKind::WouldBlockRuntime, "would_block_runtime")
        );
        endpoint.await_requests(1);
        endpoint.open();
        assert_eq!(tokens.header().expect("a token"), "Bearer at-1");
        assert_eq!(on(name, || tokens.header()).expect("a token"), "Bearer at-1");
        assert_eq!(endpoint.requests(), 1);
    }
}

#[test]
fn a_program_can_set_which_threads_may_wait() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let free = manager(&endpoint, &clock).may_block(|| true).build().expect("a registration");
    let tokens = free.tokens(own_key()).expect("a handle");
    assert_eq!(on(WORKERS[0], || tokens.header()).expect("a token"), "Bearer at-1");
    let bound = manager(&endpoint, &clock).may_block(|| false).build().expect("a registration");
    endpoint.shut();
    let tokens = bound.tokens(own_key()).expect("a handle");
    assert_eq!(tokens.get().expect_err("it would have to wait").kind(), TokenErrorKind::WouldBlockRuntime);
    endpoint.open();
}

#[test]
fn a_single_exchange_is_not_sent_from_a_worker() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let exchange = client().client_credentials(&Scopes::none()).expect("a sound request");
    let error = on(WORKERS[0], || manager.run(exchange)).expect_err("it would have to wait");
    let text = error.to_string();
    assert!(text.ends_with(" could not be sent: waiting here would stall the async runtime"), "{text}");
    assert_eq!(endpoint.requests(), 0);
}

#[test]
fn an_import_on_a_worker_takes_effect_at_once() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let (store, key) = (MemoryStore::with_clock(clock.clone()), TokenSpec::account("inn"));
    let manager = manager(&endpoint, &clock).store(store.clone()).build().expect("a registration");
    let tokens = manager.tokens(key.clone()).expect("a handle");
    on(WORKERS[0], || tokens.import(Imported::RefreshToken(Secret::new("rt-0")))).expect("a refresh token");
    assert_eq!(tokens.header().expect("a token"), "Bearer at-1");
    manager.shutdown();
    assert_eq!(stored(&store, &key).refresh_token(), Some("rt-1"));
}

#[test]
fn a_worker_gets_a_refused_token_while_its_renewal_is_under_way_rather_than_none() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    tokens.refused(tokens.get().expect("a token").generation());
    endpoint.shut();
    let token = on(WORKERS[0], || tokens.get()).expect("a token that may still work");
    assert!(token.is_suspect());
    endpoint.await_requests(2);
    endpoint.open();
    assert_eq!(tokens.header().expect("a token"), "Bearer at-2");
}
