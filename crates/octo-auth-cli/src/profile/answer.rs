//! Reads an answer from a file: a complete HTTP response as `curl -i` writes it, or only a body.

use std::fs::File;
use std::path::Path;

use http::header::{CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use octo_auth_core::{Now, Timestamp};
use octo_auth_system::{Clock, SystemClock};

use crate::failure::{Exit, Failure, shown};
use crate::input;

/// Reads an answer, from standard input if the path is `-`, and its time: that of its own `Date`, or now.
///
/// # Errors
///
/// Returns a [`Failure`] if the file cannot be read or begins with an invalid HTTP head.
pub(super) fn read(path: &Path, status: Option<u16>) -> Result<(Response<Vec<u8>>, Now), Failure> {
    let is_input = path == Path::new("-");
    let place = if is_input {
        "the answer on standard input".to_owned()
    } else {
        format!("the answer {}", shown(path.display()))
    };
    let read =
        if is_input { input::bytes(std::io::stdin()) } else { File::open(path).and_then(input::bytes) };
    let bytes = read.map_err(|error| {
        Failure::new(Exit::Configuration, format!("{place} cannot be read"))
            .because_of(Some(&error))
            .with_remedy("name a file that you may read")
    })?;
    let malformed = || {
        Failure::new(
            Exit::Configuration,
            format!("{place} begins like an HTTP response and cannot be read as one"),
        )
        .with_remedy("save it with `curl -i`, or save the body alone")
    };
    let (own_status, headers, body) = response(&bytes).ok_or_else(malformed)?;
    let status = status.map_or(Some(own_status), |status| StatusCode::from_u16(status).ok());
    let now = SystemClock.now();
    let dated = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let wall = dated.map_or(now.wall, Timestamp::from);
    let mut response = Response::new(body.to_vec());
    *response.status_mut() = status.ok_or_else(malformed)?;
    *response.headers_mut() = headers;
    Ok((response, Now { wall, ..now }))
}

/// Returns status, headers and body; `None` for an invalid head. Skips the heads of responses before the last one.
fn response(bytes: &[u8]) -> Option<(StatusCode, HeaderMap, &[u8])> {
    // `curl -v` formats the head for people.
    if [b"* ", b"> ", b"< "].into_iter().any(|mark| bytes.starts_with(mark)) {
        return None;
    }
    if !bytes.starts_with(b"HTTP/") {
        let is_page = bytes.trim_ascii_start().starts_with(b"<");
        let media_type = HeaderValue::from_static(if is_page { "text/html" } else { "application/json" });
        return Some((StatusCode::OK, HeaderMap::from_iter([(CONTENT_TYPE, media_type)]), bytes));
    }
    let (head, body) = split(bytes);
    if body.starts_with(b"HTTP/") {
        return response(body);
    }
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let status = lines.next()?.split(|byte| *byte == b' ').nth(1)?;
    let mut headers = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    Some((StatusCode::from_bytes(status).ok()?, headers, body))
}

/// Returns the head, and the bytes after the empty line that ends it.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"];
    let end = ends
        .iter()
        .filter_map(|end| Some((bytes.windows(end.len()).position(|window| window == *end)?, end.len())))
        .min();
    match end {
        Some((at, length)) => (&bytes[..at], &bytes[at + length..]),
        None => (bytes, &[]),
    }
}
