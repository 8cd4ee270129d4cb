//! The transport that sends requests.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use octo_auth_core::{Body, TransportError};

/// Sends a request to a server and returns the response.
///
/// An implementation makes no decisions about tokens. It sends the request once, unchanged, to the request's URL,
/// and returns the response whatever its status. It does not follow redirects, repeat requests, keep cookies or
/// decompress bodies. It reads at most one byte of the body beyond
/// [`SendOptions::answer_limit`](octo_auth_core::SendOptions::answer_limit). It calls
/// [`note_framing`](octo_auth_core::note_framing) on a response that came by HTTP/1.1. Dropping the future cancels
/// the request; the server may have processed it nevertheless.
///
/// An implementation puts `#[async_trait]` of the crate [async-trait](https://docs.rs/async-trait) before its
/// `impl`, and writes its methods as plain `async fn`.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and reads the whole response within the deadline. The process may be suspended and resume
    /// after the deadline. Then check once more whether a response has arrived, and send nothing.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] if no complete response came. Use [`TransportError::not_sent`] or
    /// [`TransportError::misconfigured`] only if the server certainly did not receive the request. Otherwise use
    /// the constructor that fits best, or [`TransportError::unknown`]. Attach a partial response with
    /// [`TransportError::with_partial_response`].
    async fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        (**self).send(request, deadline).await
    }
}
