//! A transport, asynchronous or blocking, as the suite uses it.

use std::future::Future;
use std::time::Duration;

use http::{Request, Response};
use octo_auth_core::{Body, TransportError};

/// Sends one request. The future of a blocking transport is ready at once.
pub(crate) trait Line {
    fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> impl Future<Output = Result<Response<Body>, TransportError>> + Send;

    /// Yields to other tasks for a moment: the cleanup of a transport may need the thread of the suite.
    fn pause(&self) -> impl Future<Output = ()> + Send;
}
