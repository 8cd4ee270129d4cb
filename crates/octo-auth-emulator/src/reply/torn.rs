//! A body that breaks off: some of its bytes arrive, then the connection ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use http_body::{Body, Frame};

/// Sends what it holds, lets it be flushed, and fails.
pub(super) enum Torn {
    Whole(Bytes),
    Sent,
    Flushed,
}

impl Body for Torn {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match std::mem::replace(&mut *self, Self::Flushed) {
            Self::Whole(bytes) => {
                *self = Self::Sent;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            // The server flushes what it has when a body has nothing for it; a failure at once would discard that.
            Self::Sent => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Flushed => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }
}
