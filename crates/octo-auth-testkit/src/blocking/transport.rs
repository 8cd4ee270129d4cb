//! What every blocking transport owes.

use std::time::Duration;

use http::{Request, Response};
use octo_auth_blocking::Transport;
use octo_auth_core::{Body, TransportError};

use super::run;
use crate::suite::{self, Line, Report};

/// Checks a transport against a server on loopback, by plain HTTP.
///
/// It looks at what [`Transport`] promises: requests arrive byte by byte, once, with no header added; responses of
/// any status come back byte by byte, at most one byte more of their body than
/// [`SendOptions::answer_limit`](octo_auth_core::SendOptions::answer_limit) says;
/// redirects, cookies and compression are left alone; a fault never says that a request was not sent unless that is
/// certain, keeps to the deadline and shows no secret.
///
/// It takes about a second, most of which is a silent server. TLS, proxies and names are not looked at.
///
/// # Panics
///
/// If this machine has no loopback to listen on.
pub fn check(transport: &dyn Transport) -> Report {
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
