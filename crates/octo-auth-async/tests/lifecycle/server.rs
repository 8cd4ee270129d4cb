//! A token server behind no network: it answers as the test has written, and counts.

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

/// How the server meets a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// With a token, and another refresh token where one was used.
    Token,
    /// With a token, as soon as there is a permit.
    Held(Arc<Semaphore>),
    /// Not at all, and never.
    Never,
    /// Not at all: no connection can be opened.
    Unreachable,
    /// With this status and `Retry-After` in seconds, from a gateway.
    Status(u16, u64),
    /// With an error of RFC 6749 section 5.2.
    Refusal(&'static str),
    /// The transport panics.
    Panic,
}

/// The server, and the transport that leads to it. Cheap to clone.
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
    /// A server that answers with tokens of an hour.
    pub(crate) fn new() -> Self {
        crate::recording_subscriber::listen();
        let (script, otherwise) = (VecDeque::new(), Answer::Token);
        let state = State { script, otherwise, forms: Vec::new(), issued: 0 };
        Self { state: Arc::new(Mutex::new(state)), arrived: Arc::new(watch::Sender::new(0)) }
    }

    /// Meets the next request so, before those that no script is left for.
    pub(crate) fn next(&self, answer: Answer) {
        self.with(|state| state.script.push_back(answer));
    }

    /// Meets all other requests so.
    pub(crate) fn always(&self, answer: Answer) {
        self.with(|state| state.otherwise = answer);
    }

    /// Holds the next request until the answer is given a permit.
    pub(crate) fn hold_next(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.next(Answer::Held(gate.clone()));
        gate
    }

    /// How many requests have come.
    pub(crate) fn requests(&self) -> u64 {
        *self.arrived.borrow()
    }

    /// Waits until so many requests have come.
    pub(crate) async fn arrived(&self, requests: u64) {
        let mut arrived = self.arrived.subscribe();
        arrived.wait_for(|came| *came >= requests).await.expect("the server lives as long as the test");
    }

    /// The bodies of the requests.
    pub(crate) fn forms(&self) -> Vec<String> {
        self.with(|state| state.forms.clone())
    }

    /// A registration at this server that goes by this clock.
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

/// A client of a standard server.
pub(crate) fn client() -> Client {
    let profile = Profile::rfc6749("https://server.example.com/token")
        .and_then(|profile| profile.with_revocation_url("https://server.example.com/revoke"))
        .expect("a profile");
    Client::new(profile, "client-1", "client-secret-1").expect("a client")
}

/// The key of the client itself, for one scope.
pub(crate) fn client_key(scope: &str) -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::parse(scope).expect("a scope"))
}

/// A handle to the client's own tokens.
pub(crate) fn own_tokens(manager: &TokenManager) -> TokenSource {
    manager.tokens(client_key("read")).expect("room for a key")
}

/// A handle to the tokens of an account.
pub(crate) fn account(manager: &TokenManager, name: &str) -> TokenSource {
    manager.tokens(TokenSpec::account(name)).expect("room for a key")
}
