//! A token endpoint that the test scripts and holds.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use http::{Request, Response};
use octo_auth_blocking::{Body, Transport, TransportError};
use serde_json::json;

/// The time limit for events that take milliseconds in a working test.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A transport that is its own server. All clones share their state.
#[derive(Clone, Default)]
pub(crate) struct Endpoint(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requests: usize,
    is_shut: bool,
    script: VecDeque<Answer>,
}

/// The answer to one request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The next token, valid for an hour, with the next refresh token.
    Token,
    /// A status, with the seconds of `Retry-After`.
    Status(u16, Option<u64>),
    /// A refusal with this code.
    Refusal(&'static str),
    /// The transport panics.
    Panic,
}

impl Endpoint {
    /// Returns an endpoint that answers each request with the next token.
    pub(crate) fn new() -> Self {
        crate::recording_subscriber::listen();
        Self::default()
    }

    /// Answers the next requests like this, one after another. Later requests get tokens again.
    pub(crate) fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.lock().script.extend(answers);
    }

    /// Holds each request from now on, until [`Endpoint::open`].
    pub(crate) fn shut(&self) {
        self.lock().is_shut = true;
    }

    /// Releases the held requests.
    pub(crate) fn open(&self) {
        self.lock().is_shut = false;
        self.0.changed.notify_all();
    }

    /// Waits until this many requests have arrived in total.
    pub(crate) fn await_requests(&self, count: usize) {
        let few = |state: &mut State| state.requests < count;
        let waited = self.0.changed.wait_timeout_while(self.lock(), TIMEOUT, few);
        assert!(!waited.expect("nothing panics under this lock").1.timed_out(), "no request came");
    }

    /// Returns the number of requests that have arrived.
    pub(crate) fn requests(&self) -> usize {
        self.lock().requests
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nothing panics under this lock")
    }

    /// Accepts a request. Returns its number and its answer.
    fn take(&self) -> (usize, Answer) {
        let mut state = self.lock();
        state.requests += 1;
        let number = state.requests;
        let answer = state.script.pop_front().unwrap_or(Answer::Token);
        self.0.changed.notify_all();
        let shut = |state: &mut State| state.is_shut;
        let waited = self.0.changed.wait_timeout_while(state, TIMEOUT, shut);
        assert!(!waited.expect("nothing panics under this lock").1.timed_out(), "not opened in time");
        (number, answer)
    }
}

impl Transport for Endpoint {
    fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        let (number, answer) = self.take();
        let token = json!({
            "access_token": format!("at-{number}"),
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": format!("rt-{number}"),
        });
        let (status, body, retry_after) = match answer {
            Answer::Token => (200, token.to_string(), None),
            Answer::Status(status, retry_after) => (status, String::new(), retry_after),
            Answer::Refusal(code) => (400, json!({ "error": code }).to_string(), None),
            Answer::Panic => panic!("a transport that panics, as the test ordered"),
        };
        let mut response = Response::builder().status(status).header("content-type", "application/json");
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds);
        }
        Ok(response.body(Body::new(body.into_bytes())).expect("a sound response"))
    }
}
