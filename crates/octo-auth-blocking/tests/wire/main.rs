//! What is logged of what goes over ureq's connections: nothing that is secret.
//!
//! A program of its own, as the logger that hears it is that of the whole process.

#![expect(clippy::expect_used, reason = "a test that finds something else has failed")]

mod recording_subscriber;
mod secrets;
mod server;

use std::error::Error;
use std::time::Duration;

use http::Request;
use octo_auth_blocking::{Body, TransportError};

/// Long enough for any test.
const DEADLINE: Duration = Duration::from_secs(20);

fn request(method: &str, url: &str, body: &str) -> Request<Body> {
    Request::builder().method(method).uri(url).body(Body::from(body)).expect("a sound request")
}

/// What lies behind a fault.
fn cause(fault: &TransportError) -> String {
    fault.source().map(ToString::to_string).unwrap_or_default()
}
