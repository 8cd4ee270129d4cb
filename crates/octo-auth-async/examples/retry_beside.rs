//! A reqwest client with two middlewares: one retries temporary failures, the other authorises each attempt.
//!
//! ```sh
//! cargo run --package octo-auth-async --example retry_beside --features reqwest-middleware
//! ```
//!
//! They do not interfere. The retry middleware handles a gateway's 503, and the token is kept. `Authorize` handles
//! a refused token: it renews the token and repeats the request, without the retry middleware. The retry
//! middleware comes first, so that each of its attempts has a token that is still valid. The example starts the
//! emulator as its server.

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

    // A gateway fails for a moment.
    let gateway = Fault::Status { status: 503, retry_after: None, body: None };
    emulator.faults().on("app.officernd.com", &path).next(2, gateway);
    assert_eq!(client.get(&members).send().await?.status(), 200);
    assert_eq!(statuses(&emulator), [200, 503, 503, 200], "one token, and three attempts with it");

    // The token is revoked.
    emulator.officernd().revoke_all_access_tokens();
    assert_eq!(client.get(&members).send().await?.status(), 200);
    assert_eq!(statuses(&emulator), [401, 200, 200], "refused, renewed, repeated");

    // A call that must not carry the token is not sent, and not retried.
    let foreign = client.get("https://example.com/").send().await;
    let error = foreign.err().ok_or("a token must not go there")?;
    println!("{}", call_error(&error).ok_or("an error of the call")?);

    manager.shutdown().await;
    Ok(())
}

/// Builds the client of the program. Configure reqwest itself as you like.
fn client_of(tokens: TokenSource) -> Result<ClientWithMiddleware, Box<dyn std::error::Error>> {
    let (shortest, longest) = (Duration::from_millis(1), Duration::from_millis(10));
    let policy = ExponentialBackoff::builder().retry_bounds(shortest, longest).build_with_max_retries(3);
    Ok(ClientBuilder::new(ReqwestTransport::builder()?.build()?)
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(Authorize::new(tokens))
        .build())
}

/// Returns why a call was not made. The retry middleware wraps the errors of later middlewares in its own.
fn call_error(error: &Error) -> Option<&CallError> {
    let Error::Middleware(cause) = error else { return None };
    match cause.downcast_ref() {
        Some(RetryError::Error(error) | RetryError::WithRetries { err: error, .. }) => call_error(error),
        None => cause.downcast_ref(),
    }
}

/// Returns the statuses since the last call, of token requests and API calls.
fn statuses(emulator: &Emulator) -> Vec<u16> {
    let statuses = emulator.log().iter().map(|entry| entry.status).collect();
    emulator.clear_log();
    println!("answered: {statuses:?}");
    statuses
}

#[test]
fn retries_and_renewals_do_not_interfere() {
    main().unwrap();
}
