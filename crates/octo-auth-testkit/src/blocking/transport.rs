//! The suite for blocking transports.

use std::time::Duration;

use http::{Request, Response};
use octo_auth_blocking::Transport;
use octo_auth_core::{Body, TransportError};

use super::run;
use crate::suite::{self, Line, SuiteReport};

/// Checks a transport with plain HTTP against a server on loopback.
///
/// The suite tests what [`Transport`] promises:
///
/// - Requests arrive byte for byte, once, with no header added.
/// - Responses of any status come back byte for byte. Of the body, at most one byte more than
///   [`SendOptions::answer_limit`](octo_auth_core::SendOptions::answer_limit) is read.
/// - Redirects, cookies and compression are not processed.
/// - An error says that a request was not sent only if that is certain. It respects the deadline and shows no
///   secrets.
///
/// The suite takes about a second, most of it for a silent server. It does not test TLS, proxies or name resolution.
///
/// # Panics
///
/// If the machine has no loopback interface to listen on.
pub fn check(transport: &dyn Transport) -> SuiteReport {
    run(suite::transport::check(&Own(transport)))
}

struct Own<'a>(&'a dyn Transport);

impl Line for Own<'_> {
    async fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        self.0.send(request, deadline)
    }

    async fn pause(&self) {}
}
