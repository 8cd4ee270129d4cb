//! Single exchanges that belong to no spec.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use octo_auth_blocking::{Body, Clock, Policy, Scopes, TokenManager, Transport, TransportError};

use crate::clock::Simulated;
use crate::endpoint::Endpoint;
use crate::{client, own_key};

/// Records when each request is sent.
struct Timed {
    endpoint: Endpoint,
    clock: Simulated,
    sent: Arc<Mutex<Vec<Duration>>>,
}

impl Transport for Timed {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        self.sent.lock().expect("nothing panics under this lock").push(self.clock.boot());
        self.endpoint.send(request, deadline)
    }
}

#[test]
fn an_exchange_waits_for_its_slot_in_the_budget() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let sent = Arc::new(Mutex::new(Vec::new()));
    let transport = Timed { endpoint, clock: clock.clone(), sent: sent.clone() };
    let policy = Policy::default().with_request_limit(1).expect("a limit");
    let builder = TokenManager::builder(client()).transport(transport).clock(clock.clone());
    let manager = builder.policy(policy).build().expect("a registration");
    let exchange = || client().client_credentials(&Scopes::none()).expect("a sound request");
    let first = manager.run(exchange()).expect("a token").value;
    assert_eq!(first.access_token().expose(), "at-1");
    std::thread::scope(|scope| {
        let second = scope.spawn(|| manager.run(exchange()).expect("a token").value);
        clock.advance(60);
        let too_early = manager.tokens(own_key()).expect("a handle");
        clock.advance(1);
        let in_time = manager.tokens(own_key()).expect("a handle");
        assert_eq!(second.join().expect("no panic").access_token().expose(), "at-2");
        drop((too_early, in_time));
    });
    let sent = sent.lock().expect("nothing panics under this lock");
    assert_eq!(sent[1] - sent[0], Duration::from_secs(61));
}
