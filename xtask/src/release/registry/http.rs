//! One request and one answer over a connection, in the form that cargo uses.

use std::io::{self, Read, Write};

use serde_json::Value;

/// The limit of a head, in bytes.
const HEAD: usize = 64 * 1024;

pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// The token of the request.
    pub(super) token: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn read(stream: &mut (impl Read + Write)) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let (mut request, length, start, waits) = loop {
            let mut part = [0; 8192];
            let count = stream.read(&mut part)?;
            bytes.extend_from_slice(part.get(..count).unwrap_or_default());
            if let Some(head) = head(&bytes)? {
                break head;
            }
            if count == 0 || bytes.len() > HEAD {
                return Err(invalid("the request has no head"));
            }
        };
        if waits {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body = bytes.split_off(start);
        let missing = length.saturating_sub(u64::try_from(request.body.len()).unwrap_or(u64::MAX));
        stream.take(missing).read_to_end(&mut request.body)?;
        Ok(request)
    }
}

/// Returns the request without its body, the length and the start of the body, and whether the client waits before it
/// sends the body.
fn head(bytes: &[u8]) -> io::Result<Option<(Request, u64, usize, bool)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(bytes).map_err(|error| invalid(&error.to_string()))?
    else {
        return Ok(None);
    };
    let header = |name: &str| {
        let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    let length = header("content-length").map_or(Ok(0), |length| length.parse());
    let length = length.map_err(|_| invalid("the length is not a number"))?;
    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: head.path.unwrap_or_default().to_owned(),
        token: header("authorization"),
        body: Vec::new(),
    };
    Ok(Some((request, length, start, header("expect").is_some())))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

pub(super) struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: String::new(), body }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string().into_bytes()).with("content-type", "application/json")
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }

    /// Writes the answer, which ends the connection.
    pub(super) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let Self { status, headers, body } = self;
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status} \r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n"
        )?;
        stream.write_all(body)
    }
}
