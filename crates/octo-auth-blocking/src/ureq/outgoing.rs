//! A request on its way out, which notices when ureq begins to send its body.
//!
//! ureq's errors do not tell whether there was a connection. But it reads the body only once there is one and the
//! head has been written, and a head that announces a body which never comes is no request a server can act on.

use std::io::{self, Read};

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request};
use octo_auth_core::Body;
use ureq::SendBody;

use super::fault::Progress;

/// The bytes of a body that are still to be sent.
pub(super) struct Outgoing<'b> {
    rest: &'b [u8],
    begun: bool,
}

impl<'b> Outgoing<'b> {
    pub(super) fn new(body: &'b Body) -> Self {
        Self { rest: body.as_ref(), begun: false }
    }

    /// How far the request has come.
    pub(super) fn progress(&self) -> Progress {
        if self.begun { Progress::Begun } else { Progress::NotBegun }
    }
}

impl Read for Outgoing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.begun = true;
        self.rest.read(buffer)
    }
}

/// The request with a body to be read, and its length announced.
pub(super) fn with_body<'r>(request: &Request<Body>, body: &'r mut Outgoing<'_>) -> Request<SendBody<'r>> {
    let length = HeaderValue::from(body.rest.len());
    let mut copy = copy(request, SendBody::from_reader(body));
    copy.headers_mut().insert(CONTENT_LENGTH, length);
    copy
}

/// The request with another body.
pub(super) fn copy<B>(request: &Request<Body>, body: B) -> Request<B> {
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
