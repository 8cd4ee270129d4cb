//! What carries a request to a server and its response back.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use octo_auth_core::{Body, TransportError};

/// Carries one request to a server and its response back.
///
/// An implementation decides nothing about tokens. It sends the request once, as it is, to its own URL, and gives
/// back the response whatever its status: it follows no redirect, repeats nothing, keeps no cookie, leaves a
/// compressed body compressed, reads at most one byte more of it than
/// [`SendOptions::answer_limit`](octo_auth_core::SendOptions::answer_limit) says, and calls [`note_framing`](octo_auth_core::note_framing) on what HTTP/1.1 brought.
pub trait Transport: Send + Sync {
    /// Sends the request and reads the whole response, all within the deadline. A process may be stopped and go on after its
    /// deadline: look once more for a response that has arrived, and send nothing.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] if no complete response came: [`TransportError::not_sent`] or [`TransportError::misconfigured`] only if the server
    /// certainly has not seen the request, else the constructor that fits best, or [`TransportError::unknown`]. What has come of a
    /// response goes with it: [`TransportError::with_partial_response`].
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError>;
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        (**self).send(request, deadline)
    }
}
