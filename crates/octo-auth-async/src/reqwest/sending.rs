//! Whether a request with a body went out.
//!
//! After the deadline none goes out any more: by then the refresh token in it may have been used once more, by this
//! process or another, and a server that rotates takes it for stolen if it comes twice.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use octo_auth_core::Body;
use tokio::time::Instant;

/// The sending of one request.
pub(super) struct Sending {
    /// `None`: there is no deadline that the clock can hold.
    deadline: Option<Instant>,
    has_begun: Arc<AtomicBool>,
}

/// The body of a request. It goes out in one piece, right behind the head, and not after the deadline.
struct Upload {
    bytes: Option<Bytes>,
    deadline: Option<Instant>,
    has_begun: Arc<AtomicBool>,
}

impl Sending {
    /// Begins now to count the time of a deadline.
    pub(super) fn begin(deadline: Duration) -> Self {
        Self { deadline: Instant::now().checked_add(deadline), has_begun: Arc::default() }
    }

    /// Returns the request over bytes that are wiped when reqwest drops them.
    pub(super) fn copy(&self, request: &Request<Body>) -> Request<reqwest::Body> {
        let body = match request.body().is_empty() {
            true => reqwest::Body::default(),
            false => reqwest::Body::wrap(Upload {
                bytes: Some(Bytes::from_owner(request.body().clone())),
                deadline: self.deadline,
                has_begun: self.has_begun.clone(),
            }),
        };
        let mut copy = Request::new(body);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        copy
    }

    /// Returns whether the body of the request certainly did not go out.
    pub(super) fn is_unsent(&self, request: &Request<Body>) -> bool {
        !request.body().is_empty() && !self.has_begun.load(Ordering::SeqCst)
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let late = io::Error::new(ErrorKind::TimedOut, "the deadline passed before the request was sent");
            return Poll::Ready(Some(Err(late)));
        }
        self.has_begun.store(true, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
