//! API calls that the ureq middleware or the API client authorises, over real sockets.

#![expect(clippy::expect_used, reason = "a test that finds something else has failed")]

mod connections;
#[allow(dead_code, unreachable_pub, reason = "the search has a test of its own")]
#[path = "../../../../tests/src/log.rs"]
mod log;
mod middleware;
#[allow(dead_code, reason = "another adapter needs more of it")]
#[path = "../../../octo-auth-async/tests/api/server.rs"]
mod server;

use std::sync::Barrier;
use std::thread;

use octo_auth_blocking::{Client, Profile, Scopes, TokenManager, TokenSource, TokenSpec};
use octo_auth_emulator::{Emulator, Fault, octorate, octotable};

use server::Server;

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

/// Makes the emulated Octorate answer the next call as if the token had expired, in a large body.
fn expired(emulator: &Emulator) -> String {
    let filler = "x".repeat(100_000);
    let body = format!(r#"{{"type":"ApiLoginExpired","message":"Expired Token","nested":["{filler}"]}}"#);
    let fault = Fault::Status { status: 403, retry_after: None, body: Some(body.clone()) };
    emulator.faults().on("api.octorate.com", RESERVATIONS).next(1, fault);
    body
}

/// Returns how often a path was requested.
fn asked(emulator: &Emulator, path: &str) -> usize {
    emulator.log().iter().filter(|entry| entry.path == path).count()
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

/// Runs the same on many concurrent threads and returns the outcomes.
fn at_once<R: Send>(threads: usize, act: impl Fn() -> R + Sync) -> Vec<R> {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let acting = || {
            start.wait();
            act()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(acting)).collect();
        running.into_iter().map(|thread| thread.join().expect("no caller panics")).collect()
    })
}
