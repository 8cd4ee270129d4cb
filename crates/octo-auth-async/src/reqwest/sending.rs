//! Tracks whether the body of a request was sent.
//!
//! After the deadline no body is sent. By then this or another process may have used the refresh token again. A
//! server with rotation treats a refresh token that arrives twice as stolen.

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

/// The state of sending one request.
pub(super) struct Sending {
    body: Body,
    /// The deadline, or `None` if the clock cannot represent it.
    deadline: Option<Instant>,
    has_begun: AtomicBool,
}

/// The body of a request. It is sent in one piece directly after the head, and not after the deadline.
struct Upload {
    sending: Arc<Sending>,
    is_over: bool,
}

/// The bytes of a body. They are wiped when reqwest and `Sending` have dropped them.
struct Piece(Arc<Sending>);

impl Sending {
    /// Starts the deadline now.
    pub(super) fn begin(request: &Request<Body>, deadline: Duration) -> Arc<Self> {
        let deadline = Instant::now().checked_add(deadline);
        Arc::new(Self { body: request.body().clone(), deadline, has_begun: AtomicBool::new(false) })
    }

    /// Returns the request for reqwest.
    pub(super) fn copy(self: &Arc<Self>, request: &Request<Body>) -> Request<reqwest::Body> {
        let body = match self.body.is_empty() {
            true => reqwest::Body::default(),
            false => reqwest::Body::wrap(Upload { sending: self.clone(), is_over: false }),
        };
        let mut copy = Request::new(body);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        copy
    }

    /// Returns whether the body of the request was certainly not sent.
    pub(super) fn is_unsent(&self) -> bool {
        !self.body.is_empty() && !self.has_begun.load(Ordering::SeqCst)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.0.body.as_ref()
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if std::mem::replace(&mut self.is_over, true) {
            return Poll::Ready(None);
        }
        if self.sending.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let late = io::Error::new(ErrorKind::TimedOut, "the deadline passed before the request was sent");
            return Poll::Ready(Some(Err(late)));
        }
        self.sending.has_begun.store(true, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(Piece(self.sending.clone()))))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }

    fn size_hint(&self) -> SizeHint {
        let left = if self.is_over { 0 } else { self.sending.body.as_ref().len() };
        SizeHint::with_exact(left as u64)
    }
}
