//! The log contains no secret that goes over ureq's connections.
//!
//! This is a separate test program, because the logger is global to the process.

#![expect(clippy::expect_used, reason = "a test that finds something else has failed")]

mod recording_subscriber;
mod secrets;
mod server;

use std::error::Error;
use std::time::Duration;

use http::Request;
use octo_auth_blocking::{Body, TransportError};

/// Longer than any test takes.
const DEADLINE: Duration = Duration::from_secs(20);

fn request(method: &str, url: &str, body: &str) -> Request<Body> {
    Request::builder().method(method).uri(url).body(Body::from(body)).expect("a sound request")
}

/// Returns the text of the cause of a `TransportError`.
fn cause(fault: &TransportError) -> String {
    fault.source().map(ToString::to_string).unwrap_or_default()
}
