//! A job on eight threads that reads one resource of each of 500 properties. Each property has its own consent.
//!
//! It runs twice with the emulator, which revokes the tokens of every tenth property in between. Those calls are
//! refused, the tokens are renewed and the calls repeated, so the job does not notice. Run it with `cargo run -p
//! octo-auth-blocking --example five_hundred_properties`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use http::Request;
use octo_auth_blocking::{ApiClient, Body, Client, Imported, Profile, TokenManager, TokenSource, TokenSpec};
use octo_auth_emulator::Emulator;
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};

const PROPERTIES: usize = 500;
const THREADS: usize = 8;

/// The result of the job.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    read: usize,
    failed: usize,
    token_requests: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Summary { read, failed, token_requests } = run()?;
    println!("{read} resources read, {failed} failed, {token_requests} requests for tokens");
    Ok(())
}

fn run() -> Result<Summary, Box<dyn Error>> {
    let emulator = Emulator::start()?;
    let base = emulator.base("auth.example");
    let profile = Profile::rfc6749(&format!("{base}/token"))?.with_api_host(&base)?;
    let manager = TokenManager::new(Client::new(profile, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?)?;
    let mut properties = Vec::with_capacity(PROPERTIES);
    for number in 1..=PROPERTIES {
        // In a real program the owner signs in once, and a store keeps the refresh token.
        let granted = emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"])?;
        let tokens = manager.tokens(TokenSpec::account(&format!("property {number}")))?;
        tokens.import(Imported::RefreshToken(granted.into()))?;
        properties.push(tokens);
    }
    let url = format!("{base}/resource");
    let first = read_all(&properties, &url);
    for tokens in properties.iter().step_by(10) {
        emulator.generic().revoke_token(tokens.get()?.access_token().expose());
    }
    let read = first + read_all(&properties, &url);
    manager.shutdown();
    let token_requests = emulator.log().iter().filter(|entry| entry.path == "/token").count();
    Ok(Summary { read, failed: 2 * PROPERTIES - read, token_requests })
}

/// Reads the resource of each property. Returns how many could be read.
fn read_all(properties: &[TokenSource], url: &str) -> usize {
    let (next, read) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(tokens) = properties.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match read_one(tokens, url) {
                        Ok(()) => drop(read.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => eprintln!("{}: {error}", tokens.spec()),
                    }
                }
            });
        }
    });
    read.into_inner()
}

fn read_one(tokens: &TokenSource, url: &str) -> Result<(), Box<dyn Error>> {
    let answer = ApiClient::new(tokens.clone()).call(&Request::get(url).body(Body::empty())?)?;
    let status = answer.value.status();
    if status.is_success() { Ok(()) } else { Err(format!("status {status}").into()) }
}

#[test]
fn every_property_is_read_twice_and_a_lost_token_costs_one_renewal() {
    let summary = run().expect("the job ends");
    let token_requests = PROPERTIES + PROPERTIES / 10;
    assert_eq!(summary, Summary { read: 2 * PROPERTIES, failed: 0, token_requests });
}
