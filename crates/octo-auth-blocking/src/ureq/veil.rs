//! What ureq is not shown of an exchange.
//!
//! At trace level ureq writes every byte that passes through it into the log, and has no switch for that. So the
//! secrets do not pass through it: it is given a request without credentials and query, whose body is as many stars,
//! and of an answer it sees the head and again stars. The connection puts in what is missing while it sends, and keeps
//! the bytes of the answer's body aside while it receives. Nothing is encoded: what the log shows says no more of a
//! secret than how long it is.
//!
//! A veil is over one exchange and is shared by that exchange's connection alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{MutexGuard, PoisonError};

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Uri};
use octo_auth_core::{Body, SendOptions};

use super::chunks::{Chunks, STAR};
use std::sync::Mutex;

/// The headers that ureq is shown, because it goes by them, adds them where they are missing, or they help whoever
/// reads the log. Any other may be a credential, whether it is marked as one or not.
const SHOWN: [HeaderName; 8] =
    [ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, USER_AGENT];

/// The secret parts of an exchange.
pub(super) struct Veil {
    /// The address that ureq is given.
    uri: Uri,
    /// The query, with its question mark.
    query: String,
    /// The lines of the headers that ureq is not shown.
    headers: Body,
    body: Body,
    answer: Mutex<Answer>,
    is_connected: AtomicBool,
}

/// The body of an answer, as far as it has come.
pub(super) struct Answer {
    framing: Option<Framing>,
    bytes: Vec<u8>,
    /// The most that is read: enough to see that it is longer than it may be.
    enough: usize,
}

/// How the body of an answer is framed.
enum Framing {
    /// Every byte is content.
    None,
    Chunked(Chunks),
}

/// A request as ureq may see it, still without a body, and what it does not see.
pub(super) fn over(request: &Request<Body>) -> (Request<()>, Veil) {
    let (uri, query) = without_query(request.uri());
    let mut shown = Request::new(());
    *shown.method_mut() = request.method().clone();
    *shown.uri_mut() = uri.clone();
    let (plain, headers) = parted(request.headers());
    *shown.headers_mut() = plain;
    let enough = SendOptions::of(request).answer_limit().saturating_add(1);
    let answer = Mutex::new(Answer { framing: None, bytes: Vec::new(), enough });
    let (body, is_connected) = (request.body().clone(), AtomicBool::new(false));
    (shown, Veil { uri, query, headers, body, answer, is_connected })
}

/// A URL without its query, and the query.
fn without_query(url: &Uri) -> (Uri, String) {
    let mut parts = url.clone().into_parts();
    let query = url.query().map(|query| ["?", query].concat());
    parts.path_and_query = PathAndQuery::try_from(url.path()).ok();
    match (query, Uri::from_parts(parts)) {
        (Some(query), Ok(url)) => (url, query),
        _ => (url.clone(), String::new()),
    }
}

/// The headers that are shown, and the lines of those that are not. The length of the body is announced, so a transfer
/// coding is neither.
fn parted(headers: &HeaderMap) -> (HeaderMap, Body) {
    let mut shown = HeaderMap::new();
    // Room for all, so that no half-written copy is left behind by growing.
    let room = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let mut hidden = Vec::with_capacity(room);
    for (name, value) in headers {
        if SHOWN.contains(name) {
            shown.append(name, value.clone());
        } else if name != TRANSFER_ENCODING {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                hidden.extend_from_slice(part);
            }
        }
    }
    (shown, Body::new(hidden))
}

impl Veil {
    /// Whether a connection to an address is this exchange's own. One to a proxy is not.
    pub(super) fn is_over(&self, uri: &Uri) -> bool {
        self.uri == *uri
    }

    /// Records that there is a connection to the server.
    pub(super) fn connected(&self) {
        self.is_connected.store(true, Ordering::Relaxed);
    }

    /// Says whether there was a connection to the server.
    pub(super) fn is_connected(&self) -> bool {
        self.is_connected.load(Ordering::Relaxed)
    }

    /// The request line with the query it has, and the headers that are missing behind it.
    pub(super) fn beginning(&self, line: &[u8]) -> Vec<u8> {
        let end_of_target = line.iter().rposition(|byte| *byte == b' ').unwrap_or(line.len());
        let (target, version) = line.split_at(end_of_target);
        [target, self.query.as_bytes(), version, self.headers.as_ref()].concat()
    }

    /// So much of the body that is sent.
    pub(super) fn body(&self, start: usize, length: usize) -> &[u8] {
        let rest = self.body.as_ref().get(start..).unwrap_or_default();
        &rest[..length.min(rest.len())]
    }

    /// The body that is received.
    pub(super) fn answer(&self) -> MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    /// Says how the body is framed, and how long it is announced to be. Returns how much of it is to be read at most.
    pub(super) fn begin(&mut self, is_chunked: bool, announced: Option<usize>) -> usize {
        self.bytes.reserve_exact(announced.unwrap_or(4096).min(self.enough));
        self.framing = Some(if is_chunked { Framing::Chunked(Chunks::default()) } else { Framing::None });
        self.enough
    }

    /// Keeps the content in the bytes that came, and puts stars in its place.
    pub(super) fn veil(&mut self, arrived: &mut [u8]) {
        let (bytes, enough) = (&mut self.bytes, self.enough);
        let mut keep = |content: &[u8]| {
            // What nobody reads is not kept.
            let kept = content.len().min(enough - bytes.len());
            bytes.extend_from_slice(&content[..kept]);
        };
        match &mut self.framing {
            Some(Framing::Chunked(chunks)) => chunks.veil(arrived, keep),
            Some(Framing::None) => {
                keep(arrived);
                arrived.fill(STAR);
            }
            // What ureq asks for before it has read the head is no body, and nothing that may be shown.
            None => arrived.fill(STAR),
        }
    }

    /// The content for which ureq has given out so many stars. There is none if fewer bytes have come.
    pub(super) fn unveil(&mut self, stars: usize) -> Option<Vec<u8>> {
        let mut bytes = std::mem::take(&mut self.bytes);
        let have_come = stars <= bytes.len();
        bytes.truncate(stars);
        have_come.then_some(bytes)
    }
}
