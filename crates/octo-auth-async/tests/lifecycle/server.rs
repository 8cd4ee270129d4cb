//! A token server without a network. It answers as the test says, and counts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use octo_auth_async::{
    Body, Builder, Client, Clock, Profile, Scopes, TokenManager, TokenSource, TokenSpec, Transport,
    TransportError,
};
use tokio::sync::{Semaphore, watch};

/// The answer to a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A token, and a new refresh token if one was used.
    Token,
    /// A token, as soon as there is a permit.
    Held(Arc<Semaphore>),
    /// No answer, ever.
    Never,
    /// No answer: no connection can be opened.
    Unreachable,
    /// This status and `Retry-After` in seconds, from a gateway.
    Status(u16, u64),
    /// An error of RFC 6749 section 5.2.
    Refusal(&'static str),
    /// The transport panics.
    Panic,
}

/// The server, and the transport to it. It is cheap to clone.
#[derive(Clone)]
pub(crate) struct Server {
    state: Arc<Mutex<State>>,
    arrived: Arc<watch::Sender<u64>>,
}

struct State {
    script: VecDeque<Answer>,
    otherwise: Answer,
    forms: Vec<String>,
    issued: u64,
}

impl Server {
    /// Returns a server whose tokens are valid for an hour.
    pub(crate) fn new() -> Self {
        crate::recording_subscriber::listen();
        let (script, otherwise) = (VecDeque::new(), Answer::Token);
        let state = State { script, otherwise, forms: Vec::new(), issued: 0 };
        Self { state: Arc::new(Mutex::new(state)), arrived: Arc::new(watch::Sender::new(0)) }
    }

    /// Adds the answer to one of the next requests, after those that were added before.
    pub(crate) fn next(&self, answer: Answer) {
        self.with(|state| state.script.push_back(answer));
    }

    /// Sets the answer to all other requests.
    pub(crate) fn always(&self, answer: Answer) {
        self.with(|state| state.otherwise = answer);
    }

    /// Holds the next request until its answer gets a permit.
    pub(crate) fn hold_next(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.next(Answer::Held(gate.clone()));
        gate
    }

    /// Returns the number of requests so far.
    pub(crate) fn requests(&self) -> u64 {
        *self.arrived.borrow()
    }

    /// Waits until this many requests have arrived.
    pub(crate) async fn arrived(&self, requests: u64) {
        let mut arrived = self.arrived.subscribe();
        arrived.wait_for(|came| *came >= requests).await.expect("the server lives as long as the test");
    }

    /// Returns the bodies of the requests.
    pub(crate) fn forms(&self) -> Vec<String> {
        self.with(|state| state.forms.clone())
    }

    /// Returns a builder for a `TokenManager` with this server and this clock.
    pub(crate) fn registration(&self, clock: impl Clock + 'static) -> Builder {
        TokenManager::builder(client()).transport(self.clone()).clock(clock)
    }

    fn with<R>(&self, step: impl FnOnce(&mut State) -> R) -> R {
        step(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn token(&self, form: &str) -> Response<Body> {
        let number = self.with(|state| {
            state.issued += 1;
            state.issued
        });
        let refresh = form.contains("grant_type=refresh_token");
        let refresh = if refresh { format!(r#","refresh_token":"rt-{number}""#) } else { String::new() };
        let json =
            format!(r#"{{"access_token":"at-{number}","token_type":"Bearer","expires_in":3600{refresh}}}"#);
        response(200, Some("application/json"), None, &json)
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        let form = String::from_utf8_lossy(request.body().as_ref()).into_owned();
        let answer = self.with(|state| {
            state.forms.push(form.clone());
            state.script.pop_front().unwrap_or_else(|| state.otherwise.clone())
        });
        self.arrived.send_modify(|requests| *requests += 1);
        Ok(match answer {
            Answer::Token => self.token(&form),
            Answer::Held(gate) => {
                gate.acquire().await.expect("no test closes a gate").forget();
                self.token(&form)
            }
            Answer::Never => std::future::pending().await,
            Answer::Unreachable => return Err(TransportError::not_sent("no connection could be opened")),
            Answer::Status(status, seconds) => response(status, Some("text/html"), Some(seconds), "<html>"),
            Answer::Refusal(code) => {
                response(400, Some("application/json"), None, &format!(r#"{{"error":"{code}"}}"#))
            }
            Answer::Panic => panic!("this transport panics, as the test wants it"),
        })
    }
}

fn response(status: u16, media: Option<&str>, retry_after: Option<u64>, body: &str) -> Response<Body> {
    let mut response = Response::builder().status(status).header("content-length", body.len());
    if let Some(media) = media {
        response = response.header("content-type", media);
    }
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds);
    }
    response.body(Body::from(body)).expect("a response")
}

/// Returns a client of a standard server.
pub(crate) fn client() -> Client {
    let profile = Profile::rfc6749("https://server.example.com/token")
        .and_then(|profile| profile.with_revocation_url("https://server.example.com/revoke"))
        .expect("a profile");
    Client::new(profile, "client-1", "client-secret-1").expect("a client")
}

/// Returns the spec of the client's own token with one scope.
pub(crate) fn client_key(scope: &str) -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::parse(scope).expect("a scope"))
}

/// Returns a handle to the client's own tokens.
pub(crate) fn own_tokens(manager: &TokenManager) -> TokenSource {
    manager.tokens(client_key("read")).expect("room for a key")
}

/// Returns a handle to the tokens of an account.
pub(crate) fn account(manager: &TokenManager, name: &str) -> TokenSource {
    manager.tokens(TokenSpec::account(name)).expect("room for a key")
}
