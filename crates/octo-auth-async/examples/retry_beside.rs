//! A client of reqwest with two middlewares: one retries what failed in passing, the other authorises each attempt.
//!
//! ```sh
//! cargo run --package octo-auth-async --example retry_beside --features reqwest-middleware
//! ```
//!
//! They do not meddle with each other. A gateway's 503 is the retry middleware's business; the token that was sent
//! with it is kept. A refused token is `Authorize`'s: it renews it and repeats the request, and the retry middleware
//! never hears of it. The retry middleware comes first, so that each of its attempts has a token that is valid then.
//! The server is the emulator, started by the example itself.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::time::Duration;

use octo_auth_async::{
    Authorize, CallError, Client, Profile, ReqwestTransport, Scopes, TokenManager, TokenSource, TokenSpec,
};
use octo_auth_emulator::{Emulator, Fault, officernd};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{RetryError, RetryTransientMiddleware};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    let profile = Profile::officernd().via_gateway(&emulator.url())?;
    let client = Client::new(profile, officernd::DEMO_CLIENT_ID, officernd::DEMO_CLIENT_SECRET)?;
    let manager = TokenManager::new(client)?;
    let key = TokenSpec::client_credentials(&Scopes::parse("flex.community.members.read")?);
    let client = client_of(manager.tokens(key)?)?;
    let path = format!("/api/v2/organizations/{}/members", officernd::DEMO_ORGANIZATION);
    let members = format!("{}{path}", emulator.base("app.officernd.com"));

    // A gateway is out of order for a moment.
    let gateway = Fault::Status { status: 503, retry_after: None, body: None };
    emulator.faults().on("app.officernd.com", &path).next(2, gateway);
    assert_eq!(client.get(&members).send().await?.status(), 200);
    assert_eq!(statuses(&emulator), [200, 503, 503, 200], "one token, and three attempts with it");

    // The token is revoked.
    emulator.officernd().revoke_all_access_tokens();
    assert_eq!(client.get(&members).send().await?.status(), 200);
    assert_eq!(statuses(&emulator), [401, 200, 200], "refused, renewed, repeated");

    // What must not carry the token is not sent, and there is nothing to retry.
    let foreign = client.get("https://example.com/").send().await;
    let error = foreign.err().ok_or("a token must not go there")?;
    println!("{}", call_error(&error).ok_or("an error of the call")?);

    manager.shutdown().await;
    Ok(())
}

/// The client of the program. reqwest itself is set up as you like.
fn client_of(tokens: TokenSource) -> Result<ClientWithMiddleware, Box<dyn std::error::Error>> {
    let (shortest, longest) = (Duration::from_millis(1), Duration::from_millis(10));
    let policy = ExponentialBackoff::builder().retry_bounds(shortest, longest).build_with_max_retries(3);
    Ok(ClientBuilder::new(ReqwestTransport::builder()?.build()?)
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(Authorize::new(tokens))
        .build())
}

/// Why a call was not made. The retry middleware wraps the errors of those that follow it in its own.
fn call_error(error: &Error) -> Option<&CallError> {
    let Error::Middleware(cause) = error else { return None };
    match cause.downcast_ref() {
        Some(RetryError::Error(error) | RetryError::WithRetries { err: error, .. }) => call_error(error),
        None => cause.downcast_ref(),
    }
}

/// What was answered since the last look, tokens and calls alike.
fn statuses(emulator: &Emulator) -> Vec<u16> {
    let statuses = emulator.log().iter().map(|entry| entry.status).collect();
    emulator.clear_log();
    println!("answered: {statuses:?}");
    statuses
}

#[test]
fn retries_and_renewals_do_not_meddle_with_each_other() {
    main().unwrap();
}
