//! Sends one request and reads its response over a connection, as HTTP/1.1 (RFC 9112).
//!
//! It reads responses as the library of the async adapter does. An invalid header is skipped, so that it does not
//! hide the status. An interim response (1xx) is skipped too.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::str;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use httparse::{ParserConfig, Status};
use octo_auth_core::{Body, note_framing};

/// The longest head of a response in bytes, including interim responses before it. It is about the limit of the
/// async adapter.
const LONGEST_HEAD: u64 = 400 * 1024;

/// The most headers of a response. It is the limit of the async adapter.
const MOST_HEADERS: usize = 100;

/// The longest line between two chunks, and the longest trailers in all, in bytes.
const LONGEST_LINES: u64 = 16 * 1024;

/// The most bytes that are reserved for a body before it arrives.
const USUAL: usize = 1024 * 1024;

/// Writes a request.
pub(super) fn write(
    request: &Request<Body>,
    user_agent: Option<&str>,
    mut connection: impl Write,
) -> io::Result<()> {
    // In one piece that is wiped afterwards, because it contains credentials.
    connection.write_all(text(request, user_agent).as_ref())
}

fn text(request: &Request<Body>, user_agent: Option<&str>) -> Body {
    let (url, headers, body) = (request.uri(), request.headers(), request.body().as_ref());
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    // `http` omits the slash of an empty path (RFC 9112 section 3.2.1).
    let slash = if target.starts_with(['/', '*']) { "" } else { "/" };
    let mut lines = vec![request.method().as_str(), " ", slash, target, " HTTP/1.1\r\n"];
    if let Some(authority) = url.authority().filter(|_| !headers.contains_key(HOST)) {
        let address = authority.as_str().rsplit('@').next().unwrap_or_default();
        lines.extend(["host: ", address, "\r\n"]);
    }
    if let Some(name) = user_agent.filter(|_| !headers.contains_key(USER_AGENT)) {
        lines.extend(["user-agent: ", name, "\r\n"]);
    }
    let length = body.len().to_string();
    if length != "0" || !matches!(*request.method(), Method::GET | Method::HEAD) {
        lines.extend(["content-length: ", &length, "\r\n"]);
    }
    let mut parts: Vec<&[u8]> = lines.into_iter().map(str::as_bytes).collect();
    for (name, value) in
        headers.iter().filter(|(name, _)| ![CONTENT_LENGTH, TRANSFER_ENCODING].contains(name))
    {
        parts.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
    }
    parts.extend([b"\r\n", body]);
    Body::new(parts.concat())
}

/// The head of a response, and the framing of its body.
pub(super) struct Head {
    response: Response<()>,
    framing: Framing,
}

enum Framing {
    Length(u64),
    Chunked,
    /// The body ends when the connection closes.
    Connection,
}

/// Reads the head of the response to a request with this method.
pub(super) fn read_head(method: &Method, connection: &mut impl BufRead) -> io::Result<Head> {
    let mut connection = connection.take(LONGEST_HEAD);
    loop {
        let response = read_response(&mut connection);
        if response.is_err() && connection.limit() == 0 {
            return Err(invalid("the head of the answer is too long"));
        }
        let response = response?;
        let status = response.status();
        if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
            continue;
        }
        let has_no_body = *method == Method::HEAD
            || status.is_informational()
            || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
        let framing = if has_no_body { Framing::Length(0) } else { framing(&response)? };
        return Ok(Head { response, framing });
    }
}

/// Reads the body of a response, up to the limit and one byte more. On an error, the response contains the part
/// that was read.
pub(super) fn read_body(
    head: Head,
    connection: impl BufRead,
    limit: usize,
) -> (Response<Body>, io::Result<()>) {
    let (mut bytes, enough) = (Vec::new(), limit.saturating_add(1));
    let read = match head.framing {
        Framing::Length(length) => {
            bytes.reserve_exact(usize::try_from(length).unwrap_or(limit).min(USUAL));
            read_length(length, connection, &mut bytes, enough)
        }
        Framing::Chunked => read_chunks(connection, &mut bytes, enough),
        Framing::Connection => connection.take(enough as u64).read_to_end(&mut bytes).map(drop),
    };
    let mut response = head.response.map(|()| Body::new(bytes));
    note_framing(&mut response);
    (response, read)
}

/// Returns whether the connection can be used again after this response was read with this limit (RFC 9112 section
/// 9.3).
pub(super) fn stays_open(response: &Response<Body>, limit: usize) -> bool {
    let headers = response.headers();
    let mut options =
        headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let is_closed = options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
    let is_framed = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    let is_whole = response.body().as_ref().len() <= limit && is_framed;
    is_whole
        && !is_closed
        && response.version() == Version::HTTP_11
        && response.status() != StatusCode::SWITCHING_PROTOCOLS
}

/// Reads one head. It is parsed twice: after the status line, to detect at once what is not HTTP, and at its end.
fn read_response(connection: &mut impl BufRead) -> io::Result<Response<()>> {
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        if connection.read_until(b'\n', &mut bytes)? == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the head of the answer has no end"));
        }
        match (is_empty(&bytes[start..]), start) {
            // Skip empty lines before the status line.
            (true, 0) => bytes.clear(),
            (true, _) => return parse(&bytes)?.ok_or_else(|| invalid("the head of the answer has no end")),
            (false, 0) => drop(parse(&bytes)?),
            (false, _) => {}
        }
    }
}

/// Returns whether a line is empty except for its line end.
fn is_empty(line: &[u8]) -> bool {
    matches!(line, b"\r\n" | b"\n")
}

/// Parses a head. Returns `None` if it is incomplete.
fn parse(bytes: &[u8]) -> io::Result<Option<Response<()>>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let mut config = ParserConfig::default();
    config.ignore_invalid_headers_in_responses(true);
    let parsed = config.parse_response(&mut head, bytes).map_err(invalid)?;
    let (Status::Complete(_), Some(status)) = (parsed, head.code) else { return Ok(None) };
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).map_err(invalid)?;
    *response.version_mut() = if head.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    for header in head.headers {
        let (name, value) =
            (HeaderName::from_bytes(header.name.as_bytes()), HeaderValue::from_bytes(header.value));
        response.headers_mut().append(name.map_err(invalid)?, value.map_err(invalid)?);
    }
    Ok(Some(response))
}

/// Returns the framing of a body, by RFC 9112 section 6.3.
fn framing(response: &Response<()>) -> io::Result<Framing> {
    let headers = response.headers();
    if let Some(coding) = headers.get_all(TRANSFER_ENCODING).iter().next_back() {
        let last = coding.to_str().unwrap_or_default().rsplit(',').next().unwrap_or_default();
        let is_chunked = last.trim().eq_ignore_ascii_case("chunked");
        return match response.version() {
            Version::HTTP_10 => Err(invalid("HTTP/1.0 has no transfer coding")),
            _ if is_chunked => Ok(Framing::Chunked),
            _ => Ok(Framing::Connection),
        };
    }
    Ok(announced(headers)?.map_or(Framing::Connection, Framing::Length))
}

/// Returns the announced length, or `None` if there is none. If it is announced more than once, all values must be
/// equal.
fn announced(headers: &HeaderMap) -> io::Result<Option<u64>> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for text in value.to_str().map_err(invalid)?.split(',').map(str::trim) {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let read =
                text.parse().ok().filter(|read| is_number && length.is_none_or(|length| length == *read));
            length = Some(read.ok_or_else(|| invalid("the length of the answer is not one number"))?);
        }
    }
    Ok(length)
}

/// Reads `length` bytes after those in `bytes`, up to the limit and one byte more.
fn read_length(length: u64, connection: impl Read, bytes: &mut Vec<u8>, enough: usize) -> io::Result<()> {
    let end = usize::try_from(length).unwrap_or(enough).saturating_add(bytes.len()).min(enough);
    connection.take((end - bytes.len()) as u64).read_to_end(bytes)?;
    if bytes.len() < end { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

fn read_chunks(mut connection: impl BufRead, bytes: &mut Vec<u8>, enough: usize) -> io::Result<()> {
    loop {
        let mut left = LONGEST_LINES;
        let size = chunk_size(&read_line(&mut connection, &mut left)?)?;
        if size == 0 {
            return read_trailers(connection);
        }
        read_length(size, &mut connection, bytes, enough)?;
        if bytes.len() == enough {
            return Ok(());
        }
        let mut end = [0; 2];
        connection.read_exact(&mut end)?;
        if end != *b"\r\n" {
            return Err(invalid("a chunk does not end where its size says"));
        }
    }
}

/// Parses the line with the size of a chunk, which may have extensions after a semicolon.
fn chunk_size(line: &[u8]) -> io::Result<u64> {
    let digits = line.strip_suffix(b"\r\n").unwrap_or(line).split(|byte| *byte == b';').next();
    let digits = str::from_utf8(digits.unwrap_or_default()).map_err(invalid)?.trim_end_matches([' ', '\t']);
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match u64::from_str_radix(digits, 16) {
        Ok(size) if is_number && line.ends_with(b"\r\n") => Ok(size),
        Ok(_) if is_number && !line.ends_with(b"\n") => Err(ErrorKind::UnexpectedEof.into()),
        _ if line.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
        _ => Err(invalid("the size of a chunk is no number")),
    }
}

/// Skips the lines after the last chunk, up to an empty line.
fn read_trailers(mut connection: impl BufRead) -> io::Result<()> {
    let mut left = LONGEST_LINES;
    loop {
        match &*read_line(&mut connection, &mut left)? {
            line if is_empty(line) => return Ok(()),
            line if !line.ends_with(b"\n") => return Err(ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
}

/// Reads a line with its line end, which is missing if the connection has ended.
fn read_line(connection: &mut impl BufRead, left: &mut u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    connection.take(*left).read_until(b'\n', &mut line)?;
    *left = left.saturating_sub(line.len() as u64);
    if *left == 0 { Err(invalid("the lines beside the chunks are too long")) } else { Ok(line) }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}
