//! The effects that are complete when a call that changes a spec returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use http::{Request, Response};
use octo_auth_blocking::{
    Body, Client, Imported, MemoryStore, RecordBytes, RecordName, Saved, Scopes, Secret, State, Storage,
    Store, StoreError, Stored, TokenErrorKind, TokenManager, TokenSource, TokenSpec, Transport,
    TransportError, Version,
};

use crate::clock::Simulated;
use crate::endpoint::Endpoint;
use crate::{client, manager, own_key, profile, stored};

fn import(tokens: &TokenSource, refresh_token: &str) {
    tokens.import(Imported::RefreshToken(Secret::new(refresh_token))).expect("a sound refresh token");
}

/// Waits until the condition holds.
fn until(holds: impl Fn() -> bool) {
    while !holds() {
        thread::yield_now();
    }
}

/// A store that can be read but not written.
struct ReadOnly;

impl Store for ReadOnly {
    fn storage(&self) -> Storage {
        Storage::SingleProcess
    }

    fn load(&self, _: &RecordName) -> Result<Option<Stored>, StoreError> {
        Ok(None)
    }

    fn compare_and_swap(
        &self,
        _: &RecordName,
        _: Option<Version>,
        _: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        Err(StoreError::new("read-only"))
    }

    fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        Ok(Vec::new())
    }
}

/// Records when a request was answered.
struct Noting {
    endpoint: Endpoint,
    is_answered: Arc<AtomicBool>,
}

impl Transport for Noting {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        let answer = self.endpoint.send(request, deadline);
        self.is_answered.store(true, Ordering::Release);
        answer
    }
}

#[test]
fn an_import_during_a_renewal_is_stored_when_the_call_returns() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let (store, key) = (MemoryStore::with_clock(clock.clone()), TokenSpec::account("inn"));
    let manager = manager(&endpoint, &clock).store(store.clone()).build().expect("a registration");
    let tokens = manager.tokens(key.clone()).expect("a handle");
    import(&tokens, "rt-0");
    endpoint.shut();
    tokens.get_by(Duration::ZERO).expect_err("the endpoint is held");
    endpoint.await_requests(1);
    thread::scope(|scope| {
        let importing = scope.spawn(|| import(&tokens, "rt-new"));
        until(|| tokens.status().is_some_and(|status| status.saving));
        assert!(!importing.is_finished());
        endpoint.open();
        importing.join().expect("no caller panics");
    });
    assert_eq!(stored(&store, &key).refresh_token(), Some("rt-new"));
}

#[test]
fn an_import_and_a_sign_out_that_cannot_be_stored_return_after_the_attempt() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).store(ReadOnly).build().expect("a registration");
    let tokens = manager.tokens(TokenSpec::account("inn")).expect("a handle");
    import(&tokens, "rt-0");
    let tried = tokens.status().expect("a key that is held");
    assert!(tried.unsaved && !tried.saving);
    tokens.sign_out();
    let tried = tokens.status().expect("a key that is held");
    assert!(tried.unsaved && !tried.saving);
}

#[test]
fn a_sign_out_returns_when_all_tokens_are_revoked_also_those_in_flight() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let profile = profile().with_revocation_url("https://auth.example/revoke").expect("a sound address");
    let client = Client::new(profile, "client-1", "secret-1").expect("a sound client");
    let builder = TokenManager::builder(client).transport(endpoint.clone()).clock(clock);
    let manager = builder.build().expect("a registration");
    let tokens = manager.tokens(TokenSpec::account("inn")).expect("a handle");
    import(&tokens, "rt-0");
    tokens.get().expect("a token");
    tokens.sign_out();
    assert_eq!(endpoint.requests(), 2);
    import(&tokens, "rt-0");
    endpoint.shut();
    tokens.get_by(Duration::ZERO).expect_err("the endpoint is held");
    endpoint.await_requests(3);
    thread::scope(|scope| {
        let ending = scope.spawn(|| tokens.sign_out());
        until(|| tokens.status().is_some_and(|status| status.state == State::SignedOut));
        endpoint.open();
        ending.join().expect("no caller panics");
    });
    assert_eq!(endpoint.requests(), 4, "what the key held is revoked, and what arrived after the sign-out");
}

#[test]
fn a_shutdown_waits_for_a_single_exchange() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let is_answered = Arc::new(AtomicBool::new(false));
    let transport = Noting { endpoint: endpoint.clone(), is_answered: is_answered.clone() };
    let builder = manager(&endpoint, &clock).transport(transport);
    let manager = builder.build().expect("a registration");
    let tokens = manager.tokens(own_key()).expect("a handle");
    endpoint.shut();
    thread::scope(|scope| {
        let exchange = client().client_credentials(&Scopes::none()).expect("a sound request");
        let running = scope.spawn(|| manager.run(exchange).expect("a token"));
        endpoint.await_requests(1);
        let ending = scope.spawn(|| {
            manager.shutdown();
            assert!(is_answered.load(Ordering::Acquire), "the exchange was under way still");
        });
        until(|| tokens.status().is_some_and(|status| status.state == State::ShuttingDown));
        assert_eq!(tokens.get().expect_err("shutting down").kind(), TokenErrorKind::ShuttingDown);
        endpoint.open();
        ending.join().expect("it waited");
        running.join().expect("no caller panics");
    });
}
