//! A transport of either colour, as the suite uses it.

use std::future::Future;
use std::time::Duration;

use http::{Request, Response};
use octo_auth_core::{Body, TransportError};

/// Carries one request. One that never waits is ready at once.
pub(crate) trait Line {
    fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> impl Future<Output = Result<Response<Body>, TransportError>> + Send;

    /// Lets others go on for a moment: what a transport left behind may need the thread that waits for it.
    fn pause(&self) -> impl Future<Output = ()> + Send;
}
