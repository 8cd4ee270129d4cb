//! A response as its transport received it.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response, StatusCode};

use crate::time::Now;

/// The limit of an answer's body in bytes (1 MiB), unless a call allows more. A transport may stop after one
/// byte more.
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

/// Records on a response how its end was recognised, which only its transport knows. Call it for HTTP/1.1
/// responses.
///
/// An answer whose body has neither length nor chunks ends with its connection (RFC 9112 section 6.3). If it
/// was cut off, it looks complete. With this record, the exchange reports that as a deviation.
pub fn note_framing<B>(response: &mut Response<B>) {
    let headers = response.headers();
    if !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING) {
        response.extensions_mut().insert(EndsWithConnection);
    }
}

/// The mark that [`note_framing`] sets.
#[derive(Debug, Clone, Copy)]
struct EndsWithConnection;
