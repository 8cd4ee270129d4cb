//! A request on its way out: ureq sends stars, and what goes to the server is what they stand for.
//!
//! ureq's errors do not tell whether there was a connection. But it reads the body only once there is one and the
//! head has been written, and a head that announces a body which never comes is no request a server can act on. A body
//! without bytes it does not read at all.

use std::io::{self, Read};

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request};
use octo_auth_core::Body;
use ureq::SendBody;

use super::chunks::STAR;
use super::fault::Progress;
use super::veil::Veil;

/// A body of stars, which notices when ureq begins to send it.
pub(super) struct Outgoing {
    /// How many are still to be sent.
    rest: usize,
    progress: Progress,
}

impl Outgoing {
    /// As long as this body.
    pub(super) fn like(body: &Body) -> Self {
        let progress = if body.is_empty() { Progress::Unknown } else { Progress::NotBegun };
        Self { rest: body.as_ref().len(), progress }
    }

    /// How far the request has come.
    pub(super) fn progress(&self) -> Progress {
        self.progress
    }
}

impl Read for Outgoing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.progress = Progress::Begun;
        let length = buffer.len().min(self.rest);
        buffer[..length].fill(STAR);
        self.rest -= length;
        Ok(length)
    }
}

/// The request with a body to be read, and its length announced.
pub(super) fn with_body(mut request: Request<()>, body: &mut Outgoing) -> Request<SendBody<'_>> {
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.rest));
    request.map(|()| SendBody::from_reader(body))
}

/// How far a request has been written to its connection.
#[derive(Debug, Default)]
pub(super) struct Sending {
    part: Part,
    /// The request line, until it is whole.
    line: Vec<u8>,
    /// How much of the body was written.
    body: usize,
}

/// What the next byte belongs to.
#[derive(Debug, Default, Clone, Copy)]
enum Part {
    #[default]
    RequestLine,
    /// The beginning of a line of the head.
    LineStart,
    /// The rest of it.
    Line,
    Body,
}

impl Sending {
    /// What goes to the server for what ureq has written.
    pub(super) fn unveil(&mut self, written: &[u8], veil: &Veil) -> Body {
        let mut sent = Vec::new();
        for (at, byte) in written.iter().enumerate() {
            match self.part {
                Part::RequestLine => {
                    self.line.push(*byte);
                    if *byte == b'\n' {
                        sent.extend(veil.beginning(&self.line));
                        self.part = Part::LineStart;
                    }
                }
                Part::LineStart | Part::Line => {
                    sent.push(*byte);
                    self.part = self.part.after(*byte);
                }
                Part::Body => {
                    sent.extend_from_slice(veil.body(self.body, written.len() - at));
                    self.body += written.len() - at;
                    break;
                }
            }
        }
        Body::new(sent)
    }
}

impl Part {
    /// What follows a byte of the headers.
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::LineStart, b'\n') => Self::Body,
            (Self::LineStart, b'\r') | (_, b'\n') => Self::LineStart,
            _ => Self::Line,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};
    use octo_auth_core::Body;

    use super::Sending;
    use crate::ureq::veil::{self, Veil};

    const WRITTEN: &[u8] = b"POST /token HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n******";
    const SENT: &str = "POST /token?key=k HTTP/1.1\r\nauthorization: Basic YTpi\r\nx-key: 1\r\nx-key: 2\r\n\
                        host: a\r\ncontent-length: 6\r\n\r\na=b\r\n\n";

    fn veil() -> Veil {
        let request = Request::post("http://a/token?key=k").header("authorization", "Basic YTpi");
        let request = request.header("x-key", "1").header("x-key", "2");
        veil::over(&request.body(Body::from("a=b\r\n\n")).unwrap()).1
    }

    #[test]
    fn it_does_not_matter_how_ureq_divides_what_it_writes() {
        let veil = veil();
        for size in 1..=WRITTEN.len() {
            for start in 0..size {
                let (first, rest) = WRITTEN.split_at(start);
                let mut sending = Sending::default();
                let mut sent = sending.unveil(first, &veil).as_ref().to_vec();
                rest.chunks(size).for_each(|write| sent.extend(sending.unveil(write, &veil).as_ref()));
                assert_eq!(String::from_utf8_lossy(&sent), SENT, "{start} bytes, then {size} at a time");
            }
        }
    }

    #[test]
    fn ureq_is_shown_no_header_that_may_be_a_credential_and_no_query() {
        let request = Request::get("https://a:1/b/c?key=k").header("authorization", "Bearer t");
        let request = request.header("accept", "a/b").header("x-key", "1");
        let (shown, veil) = veil::over(&request.body(Body::empty()).unwrap());
        assert_eq!(shown.uri(), "https://a:1/b/c");
        assert_eq!(
            shown.headers().iter().collect::<Vec<_>>(),
            [(&http::header::ACCEPT, &HeaderValue::from_static("a/b"))]
        );
        assert!(veil.is_over(shown.uri()));
        assert!(!veil.is_over(&"https://a:1/".parse().unwrap()), "such as that of a proxy");
    }

    #[test]
    fn the_transfer_coding_of_a_request_is_dropped_as_its_length_is_announced() {
        let request = Request::post("http://a/").header("transfer-encoding", "chunked");
        let (shown, veil) = veil::over(&request.body(Body::from("x")).unwrap());
        assert!(shown.headers().is_empty());
        assert_eq!(veil.beginning(b"POST / HTTP/1.1\r\n"), b"POST / HTTP/1.1\r\n");
    }
}
