//! A web service that calls the provider's API through an authorising tower stack.
//!
//! ```sh
//! cargo run --package octo-auth-async --example tower_stack --features tower
//! ```
//!
//! The layers, from the outside: a timeout for the whole call, including the wait for a token; the token; a limit
//! of concurrent calls; hyper's client. Twenty requests arrive at once after the provider has revoked all tokens.
//! The token is renewed once, and every request is answered. The example starts the emulator as its provider.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use octo_auth_async::{
    AuthorizeLayer, CallError, Client, Profile, Scopes, TokenManager, TokenSource, TokenSpec,
};
use octo_auth_emulator::{Emulator, officernd};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt};

/// The service for calls of the provider's API.
type Api = BoxCloneSyncService<Request<Full<Bytes>>, Response<Body>, BoxError>;

/// The state that the handlers of the service share.
#[derive(Clone)]
struct Shared {
    api: Api,
    members: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start()?;
    let profile = Profile::officernd().via_gateway(&emulator.url())?;
    let client = Client::new(profile, officernd::DEMO_CLIENT_ID, officernd::DEMO_CLIENT_SECRET)?;
    let manager = TokenManager::new(client)?;
    let key = TokenSpec::client_credentials(&Scopes::parse("flex.community.members.read")?);
    let path = format!("/api/v2/organizations/{}/members", officernd::DEMO_ORGANIZATION);
    let members = format!("{}{path}", emulator.base("app.officernd.com"));
    let shared = Shared { api: api(manager.tokens(key)?), members };

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/members", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Router::new().route("/members", get(members_of_the_house)).with_state(shared);
    let serving = axum::serve(listener, router).with_graceful_shutdown(async { drop(stopped.await) });
    let serving = tokio::spawn(serving.into_future());

    println!("first: {}", visits(&url, 1).await?);
    emulator.officernd().revoke_all_access_tokens();
    emulator.clear_log();
    println!("after the token was revoked: {}", visits(&url, 20).await?);
    let renewals = emulator.log().iter().filter(|entry| entry.path == "/oauth/token").count();
    assert_eq!(renewals, 1, "one renewal for all of them");

    drop(stop);
    serving.await??;
    manager.shutdown().await;
    Ok(())
}

/// Builds the stack.
fn api(tokens: TokenSource) -> Api {
    let client = HttpClient::builder(TokioExecutor::new()).build_http(); // for https, use your own connector
    let stack = ServiceBuilder::new()
        .timeout(Duration::from_secs(40))
        .layer(AuthorizeLayer::new(tokens).repeating(|body: &Full<Bytes>| Some(body.clone())))
        .concurrency_limit(8)
        .service(client);
    BoxCloneSyncService::new(stack.map_response(|answer: Response<_>| answer.map(Body::new)))
}

/// Returns the provider's answer to the visitor.
async fn members_of_the_house(State(shared): State<Shared>) -> Result<Response<Body>, (StatusCode, String)> {
    let request = Request::get(&shared.members).body(Full::default());
    let request = request.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    shared.api.oneshot(request).await.map_err(|error| match error.downcast_ref::<CallError>() {
        // There is no token. The text says who must act, and contains no secret.
        Some(call) => (StatusCode::SERVICE_UNAVAILABLE, call.to_string()),
        None => (StatusCode::BAD_GATEWAY, "the provider cannot be reached".to_owned()),
    })
}

/// Sends this many concurrent requests. Returns the answer to the last of them.
async fn visits(url: &str, visitors: usize) -> Result<String, Box<dyn Error>> {
    let browser = HttpClient::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let mut visits = JoinSet::new();
    for _ in 0..visitors {
        visits.spawn(browser.request(Request::get(url).body(Empty::new())?));
    }
    let mut last = String::new();
    while let Some(answer) = visits.join_next().await {
        let answer = answer??;
        assert_eq!(answer.status(), StatusCode::OK);
        let body = answer.into_body().collect().await?.to_bytes();
        last = String::from_utf8_lossy(&body).into_owned();
    }
    Ok(last)
}

#[test]
fn a_service_goes_on_answering_when_its_token_was_revoked() {
    main().unwrap();
}
