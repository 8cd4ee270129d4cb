//! API calls that a middleware authorises, over real sockets.

#![expect(clippy::expect_used, reason = "a test that finds something else has failed")]

mod connections;
#[allow(dead_code, unreachable_pub, reason = "the search has a test of its own")]
#[path = "../../../../tests/src/log.rs"]
mod log;
mod reqwest_middleware;
mod server;
mod tower;

use std::sync::Arc;

use octo_auth_async::{Client, Profile, Scopes, TokenManager, TokenSource, TokenSpec};
use octo_auth_emulator::{Emulator, Fault, octorate, octotable};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use server::{Server, answer};

/// Returns the tokens of a client at a server that is both token endpoint and API.
fn tokens(server: &Server) -> TokenSource {
    let profile = Profile::rfc6749(&server.url("/token")).expect("a sound address");
    let profile = profile.with_api_host(&server.url("")).expect("a sound address");
    own(Client::new(profile, "client-1", "secret-1").expect("a sound client"))
}

/// Returns the tokens of the demo client at the emulated `OctoTable`.
fn octotable_tokens(emulator: &Emulator) -> TokenSource {
    let profile = Profile::octotable().via_gateway(&emulator.url()).expect("a sound address");
    let (id, secret) = (octotable::DEMO_CLIENT_ID, octotable::DEMO_CLIENT_SECRET);
    own(Client::new(profile, id, secret).expect("a sound client"))
}

/// Returns the admin tokens of the demo application at the emulated Octorate.
fn octorate_tokens(emulator: &Emulator) -> TokenSource {
    let profile = Profile::octorate().via_gateway(&emulator.url()).expect("a sound address");
    let (id, secret) = (octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET);
    of(Client::new(profile, id, secret).expect("a sound client"), TokenSpec::api_login())
}

fn own(client: Client) -> TokenSource {
    of(client, TokenSpec::client_credentials(&Scopes::none()))
}

fn of(client: Client, key: TokenSpec) -> TokenSource {
    log::keep();
    TokenManager::new(client).expect("a registration").tokens(key).expect("a handle")
}

/// A server that refuses the first token.
fn picky() -> Server {
    Server::start(|call| match call.authorization.as_deref() {
        Some("Bearer at-1") => answer(401, r#"{"error":"too old"}"#),
        _ => answer(200, "whole"),
    })
}

/// Returns a body that is longer than the part that the middleware reads.
fn long() -> String {
    "x".repeat(100_000)
}

/// Makes the emulated Octorate answer the next calls as if the token had expired, in a large body.
fn expired(emulator: &Emulator, calls: u64) -> String {
    let filler = long();
    let body = format!(r#"{{"type":"ApiLoginExpired","message":"Expired Token","nested":["{filler}"]}}"#);
    let fault = Fault::Status { status: 403, retry_after: None, body: Some(body.clone()) };
    emulator.faults().on("api.octorate.com", RESERVATIONS).next(calls, fault);
    body
}

/// Returns the number of token requests at the emulated Octorate.
fn logins(emulator: &Emulator) -> usize {
    emulator.log().iter().filter(|entry| entry.path == "/connect/rest/v1/identity/apilogin").count()
}

const RESERVATIONS: &str = "/connect/rest/v1/reservation/1";

/// Returns the URL of a resource of the emulated Octorate.
fn reservations(tokens: &TokenSource) -> String {
    tokens.authorizer().profile().host("api").expect("a host").join(RESERVATIONS)
}

/// Returns the URL of a resource of the emulated `OctoTable`.
fn services(tokens: &TokenSource) -> String {
    let authorizer = tokens.authorizer();
    authorizer.profile().host("api").expect("a host").join("/octotable-pms/api/v2/services")
}

/// Runs the same in many concurrent tasks and returns the outcomes.
async fn at_once<R: Send + 'static, F: Future<Output = R> + Send + 'static>(
    tasks: usize,
    act: impl Fn() -> F,
) -> Vec<R> {
    let start = Arc::new(Barrier::new(tasks));
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let (start, acting) = (start.clone(), act());
        running.spawn(async move {
            start.wait().await;
            acting.await
        });
    }
    running.join_all().await
}
