//! A response as its transport received it.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response, StatusCode};

use crate::time::Now;

/// The largest answer that is read unless a call allows more, in bytes (1 MiB); a transport may stop after one byte more.
pub const ANSWER_LIMIT: usize = 1 << 20;

/// A response as it was received.
pub struct Received<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) ends_with_connection: bool,
    pub(crate) sent: Now,
    pub(crate) received: Now,
}

impl<'a> Received<'a> {
    pub(super) fn new<B: AsRef<[u8]>>(response: &'a Response<B>, sent: Now, received: Now) -> Self {
        Self {
            status: response.status(),
            headers: response.headers(),
            body: response.body().as_ref(),
            ends_with_connection: response.extensions().get::<EndsWithConnection>().is_some(),
            sent,
            received,
        }
    }
}

/// Notes on a response how its end was recognised, which only its transport knows; call it on what HTTP/1.1 brought.
///
/// An answer whose body has no length and no chunks ends with its connection (RFC 9112 section 6.3), so that one
/// that was cut off looks whole. `finish` reports that as a deviation if it was noted here.
pub fn note_framing<B>(response: &mut Response<B>) {
    let headers = response.headers();
    if !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING) {
        response.extensions_mut().insert(EndsWithConnection);
    }
}

/// The mark of [`note_framing`].
#[derive(Debug, Clone, Copy)]
struct EndsWithConnection;
