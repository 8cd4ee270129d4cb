//! A response body whose beginning can be read without losing it.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use octo_auth_core::Authorizer;

/// A response body: first the part that was already read, then the rest as it arrives. Data, trailers and errors
/// are all kept.
#[cfg_attr(
    not(feature = "tower"),
    expect(unreachable_pub, reason = "callers meet it in the answers of a tower service alone")
)]
pub struct WholeBody<B: Body> {
    /// Frames that were read but not returned yet.
    seen: VecDeque<Result<Frame<Bytes>, B::Error>>,
    rest: Pin<Box<B>>,
    /// Whether `rest` has ended or failed.
    is_over: bool,
}

impl<B: Body> WholeBody<B> {
    /// Wraps a body that has not been read yet.
    pub(super) fn new(body: B) -> Self {
        Self { seen: VecDeque::new(), rest: Box::pin(body), is_over: false }
    }

    /// Reads the beginning, as much as the core reads. It reads less if the body ends or fails earlier.
    pub(super) async fn look(&mut self) -> Vec<u8> {
        let mut head = Vec::new();
        while head.len() < Authorizer::LOOKED_AT {
            let Some(frame) = poll_fn(|context| self.poll_rest(context)).await else { break };
            if let Some(data) = frame.as_ref().ok().and_then(Frame::data_ref) {
                let wanted = data.len().min(Authorizer::LOOKED_AT - head.len());
                head.extend_from_slice(&data[..wanted]);
            }
            self.seen.push_back(frame);
        }
        head
    }

    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let polled = self.rest.as_mut().poll_frame(context);
        self.is_over = matches!(polled, Poll::Ready(None | Some(Err(_))));
        // Taking the bytes of a `Bytes` does not copy them.
        let taken = |mut data: B::Data| data.copy_to_bytes(data.remaining());
        polled.map(|read| read.map(|frame| frame.map(|frame| frame.map_data(taken))))
    }
}

impl<B: Body> Body for WholeBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.seen.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => self.poll_rest(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.seen.is_empty() && (self.is_over || self.rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let frames = self.seen.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref());
        let seen: u64 = frames.map(|data| data.len() as u64).sum();
        let rest = if self.is_over { SizeHint::with_exact(0) } else { self.rest.size_hint() };
        let mut whole = SizeHint::new();
        // Set the upper bound first: the lower one must not exceed it.
        if let Some(upper) = rest.upper() {
            whole.set_upper(seen.saturating_add(upper));
        }
        whole.set_lower(seen.saturating_add(rest.lower()));
        whole
    }
}

/// The fields are boxes and queues; no field is pinned.
impl<B: Body> Unpin for WholeBody<B> {}

impl<B: Body> fmt::Debug for WholeBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WholeBody").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// A body of these frames. It panics if it is polled after its end.
    struct Frames(VecDeque<Option<Result<Frame<Bytes>, &'static str>>>);

    impl Body for Frames {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            Poll::Ready(self.0.pop_front().expect("the reader stops at the end"))
        }
    }

    fn data(length: usize) -> Option<Result<Frame<Bytes>, &'static str>> {
        Some(Ok(Frame::data(Bytes::from(vec![b'x'; length]))))
    }

    fn trailers() -> Option<Result<Frame<Bytes>, &'static str>> {
        let trailers =
            http::HeaderMap::from_iter([(http::header::ETAG, http::HeaderValue::from_static("e"))]);
        Some(Ok(Frame::trailers(trailers)))
    }

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("frames are always there"),
        }
    }

    /// Returns the number of bytes read first, and then the frames that are returned: data lengths, `trailers`,
    /// errors.
    fn handed_on(
        frames: impl IntoIterator<Item = Option<Result<Frame<Bytes>, &'static str>>>,
    ) -> (usize, Vec<String>) {
        let mut body = WholeBody::new(Frames(frames.into_iter().collect()));
        let looked = ready(body.look()).len();
        let mut told = Vec::new();
        while let Some(frame) = ready(poll_fn(|context| Pin::new(&mut body).poll_frame(context))) {
            told.push(match frame {
                Ok(frame) if frame.is_trailers() => "trailers".to_owned(),
                Ok(frame) => frame.data_ref().map(Bytes::len).unwrap_or_default().to_string(),
                Err(error) => error.to_owned(),
            });
        }
        assert!(body.is_end_stream());
        (looked, told)
    }

    #[test]
    fn data_and_trailers_are_complete_however_much_was_read_first() {
        let short = [data(10), data(5), trailers(), None];
        assert_eq!(handed_on(short), (15, ["10", "5", "trailers"].map(str::to_owned).to_vec()));
        let long = [data(5_000), data(5_000), data(7), trailers(), None];
        assert_eq!(handed_on(long), (8_192, ["5000", "5000", "7", "trailers"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_body_that_breaks_off_returns_its_error_to_the_reader() {
        assert_eq!(handed_on([data(10), Some(Err("cut"))]), (10, ["10", "cut"].map(str::to_owned).to_vec()));
    }
}
