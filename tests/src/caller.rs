//! Every API client that octo-auth authorises, behind one type, so that common tests are written once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;
use octo_auth_async::WholeBody;
use octo_auth_core::{
    Answer, ApiAnswer, ApiError, Authorizer, Body, Client, Imported, TokenSpec, TokenStatus,
};
use octo_auth_system::Clock;
use reqwest_middleware::ClientWithMiddleware;
use tokio::runtime::{Builder, Runtime};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt};
use {octo_auth_async as asynchronous, octo_auth_blocking as blocking};

use crate::log;
use crate::registration::sound;

/// The limit for a call before a test fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// An API client that is authorised with the tokens of one token spec. All its clones are the same client.
///
/// It blocks the calling thread; do not use it inside an async runtime.
#[derive(Clone)]
pub struct Caller(Kind);

#[derive(Clone)]
enum Kind {
    Async { runtime: Arc<Runtime>, tokens: asynchronous::TokenSource, via: Async },
    Blocking { tokens: blocking::TokenSource, via: Blocking },
}

#[derive(Clone)]
enum Async {
    ApiClient(asynchronous::ApiClient),
    Middleware(ClientWithMiddleware),
    Tower(Service),
}

/// A stack of tower services that return whole answers.
type Service = BoxCloneSyncService<Request<Full<Bytes>>, Response<Bytes>, BoxError>;

#[derive(Clone)]
enum Blocking {
    ApiClient(blocking::ApiClient),
    Middleware(ureq::Agent),
}

/// The API client of one token spec, asynchronous or blocking.
///
/// It blocks the calling thread; do not use it inside an async runtime.
#[derive(Clone)]
pub enum ApiCaller {
    /// Includes the runtime on which it runs.
    Async(Arc<Runtime>, asynchronous::ApiClient),
    /// Runs on the calling thread.
    Blocking(blocking::ApiClient),
}

impl ApiCaller {
    /// Returns both clients, each with a separate registration and with this change to its authorizer.
    pub fn all(client: &Client, key: &TokenSpec, change: impl Fn(Authorizer) -> Authorizer) -> Vec<Self> {
        log::keep();
        let manager = sound(asynchronous::TokenManager::new(client.clone()));
        let tokens = sound(manager.tokens(key.clone()));
        let authorizer = change(tokens.authorizer());
        let asynchronous = asynchronous::ApiClient::new(tokens).with_authorizer(authorizer);
        let manager = sound(blocking::TokenManager::new(client.clone()));
        let tokens = sound(manager.tokens(key.clone()));
        let authorizer = change(tokens.authorizer());
        let blocking = blocking::ApiClient::new(tokens).with_authorizer(authorizer);
        vec![Self::Async(sound(runtime()), asynchronous), Self::Blocking(blocking)]
    }

    /// Returns the same client with another limit for answers, in bytes.
    #[must_use]
    pub fn with_answer_limit(self, bytes: usize) -> Self {
        match self {
            Self::Async(runtime, client) => Self::Async(runtime, client.with_answer_limit(bytes)),
            Self::Blocking(client) => Self::Blocking(client.with_answer_limit(bytes)),
        }
    }

    /// Sends a GET request.
    ///
    /// # Errors
    ///
    /// Returns the error of the client.
    pub fn get(&self, url: &str) -> Result<Answer<ApiAnswer>, ApiError> {
        let request = sound(Request::get(url).body(Body::empty()));
        match self {
            Self::Async(runtime, client) => runtime.block_on(client.call(&request)),
            Self::Blocking(client) => client.call(&request),
        }
    }
}

/// The result of a call.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
    /// The meaning for the token, if the client reports it.
    pub meaning: Option<TokenStatus>,
}

impl Caller {
    /// The names of all clients.
    pub const NAMES: [&str; 5] =
        ["async API client", "blocking API client", "reqwest-middleware", "tower", "ureq middleware"];

    /// Creates a client by its name, with the tokens of a token spec of a separate registration, on this clock, and
    /// with this limit for the head of answers.
    ///
    /// # Errors
    ///
    /// Returns an error if it could not be set up on this machine.
    pub fn new(
        name: &str,
        client: &Client,
        key: &TokenSpec,
        longest_head: usize,
        clock: impl Clock + 'static,
    ) -> Result<Self, String> {
        log::keep();
        if name.starts_with("blocking") || name.starts_with("ureq") {
            let manager =
                blocking::TokenManager::builder(client.clone()).clock(clock).build().map_err(text)?;
            let tokens = manager.tokens(key.clone()).map_err(text)?;
            let via = match name {
                "ureq middleware" => Blocking::Middleware(agent(&tokens, longest_head)),
                _ => Blocking::ApiClient(blocking::ApiClient::new(tokens.clone())),
            };
            return Ok(Self(Kind::Blocking { tokens, via }));
        }
        let runtime = runtime().map_err(text)?;
        let manager =
            asynchronous::TokenManager::builder(client.clone()).clock(clock).build().map_err(text)?;
        let tokens = manager.tokens(key.clone()).map_err(text)?;
        let via = match name {
            "tower" => Async::Tower(service(&tokens)),
            "reqwest-middleware" => Async::Middleware(middleware(&tokens)?),
            _ => Async::ApiClient(asynchronous::ApiClient::new(tokens.clone())),
        };
        Ok(Self(Kind::Async { runtime, tokens, via }))
    }

    /// Starts the account again with these tokens.
    ///
    /// # Errors
    ///
    /// Returns an error if the import failed.
    pub fn import(&self, imported: impl Into<Imported>) -> Result<(), String> {
        match &self.0 {
            Kind::Async { runtime, tokens, .. } => runtime.block_on(tokens.import(imported)).map_err(text),
            Kind::Blocking { tokens, .. } => tokens.import(imported).map_err(text),
        }
    }

    /// Asks for the token that the next call will use.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no token.
    pub fn token(&self) -> Result<(), String> {
        match &self.0 {
            Kind::Async { runtime, tokens, .. } => runtime.block_on(tokens.get()).map(drop).map_err(text),
            Kind::Blocking { tokens, .. } => tokens.get().map(drop).map_err(text),
        }
    }

    /// Sends a GET request.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no answer.
    pub fn get(&self, url: &str) -> Result<Answered, String> {
        match &self.0 {
            Kind::Async { runtime, via: Async::ApiClient(client), .. } => {
                judged(&ApiCaller::Async(runtime.clone(), client.clone()), url)
            }
            Kind::Async { runtime, via: Async::Middleware(client), .. } => {
                runtime.block_on(by_middleware(client, url))
            }
            Kind::Async { runtime, via: Async::Tower(service), .. } => {
                runtime.block_on(by_tower(service, url))
            }
            Kind::Blocking { via: Blocking::ApiClient(client), .. } => {
                judged(&ApiCaller::Blocking(client.clone()), url)
            }
            Kind::Blocking { via: Blocking::Middleware(agent), .. } => {
                let mut answer = agent.get(url).call().map_err(text)?;
                let status = answer.status().as_u16();
                let body = answer.body_mut().read_to_vec().map_err(text)?;
                Ok(Answered { status, body, meaning: None })
            }
        }
    }
}

fn judged(client: &ApiCaller, url: &str) -> Result<Answered, String> {
    let answer = client.get(url).map_err(text)?.value;
    let (status, body) = (answer.status().as_u16(), answer.body().to_vec());
    Ok(Answered { status, body, meaning: Some(answer.meaning()) })
}

async fn by_middleware(client: &ClientWithMiddleware, url: &str) -> Result<Answered, String> {
    let answer = client.get(url).send().await.map_err(text)?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(text)?.to_vec();
    Ok(Answered { status, body, meaning: None })
}

async fn by_tower(service: &Service, url: &str) -> Result<Answered, String> {
    let request = Request::get(url).body(Full::default()).map_err(text)?;
    let answer = service.clone().oneshot(request).await.map_err(text)?;
    let status = answer.status().as_u16();
    Ok(Answered { status, body: answer.into_body().to_vec(), meaning: None })
}

fn runtime() -> std::io::Result<Arc<Runtime>> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().map(Arc::new)
}

fn middleware(tokens: &asynchronous::TokenSource) -> Result<ClientWithMiddleware, String> {
    // If another test was first, its provider is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().tls_certs_only([]).no_proxy().timeout(DEADLINE);
    let client = builder.pool_max_idle_per_host(0).build().map_err(text)?;
    let authorize = asynchronous::Authorize::new(tokens.clone());
    Ok(reqwest_middleware::ClientBuilder::new(client).with(authorize).build())
}

fn service(tokens: &asynchronous::TokenSource) -> Service {
    let client = HyperClient::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let layer = asynchronous::AuthorizeLayer::new(tokens.clone());
    let layer = layer.repeating(|body: &Full<Bytes>| Some(body.clone()));
    let stack = ServiceBuilder::new().layer(layer).service(client);
    BoxCloneSyncService::new(stack.and_then(|answer: Response<WholeBody<Incoming>>| async {
        let (parts, body) = answer.into_parts();
        Ok::<_, BoxError>(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }))
}

fn agent(tokens: &blocking::TokenSource, longest_head: usize) -> ureq::Agent {
    let authorize = blocking::Authorize::new(tokens.clone());
    let config = ureq::Agent::config_builder().http_status_as_error(false).middleware(authorize);
    let config = config.max_response_header_size(longest_head).max_idle_connections(0);
    config.proxy(None).timeout_global(Some(DEADLINE)).build().into()
}

/// Returns the text of an error with its causes.
fn text(error: impl Into<BoxError>) -> String {
    let error: BoxError = error.into();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
