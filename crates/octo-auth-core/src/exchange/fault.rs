//! [`TransportError`]: why no complete response came.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use http::Response;

use super::Body;

/// Why no complete response came. It is never an HTTP status: pass a response of any status to
/// `Exchange::read`.
///
/// Each constructor takes a few words for people, such as `connection refused`. They must not contain
/// headers, body or query.
pub struct TransportError {
    kind: FaultKind,
    what: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
    partial: Option<Box<Response<Body>>>,
}

/// The kind of a [`TransportError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    NotSent,
    Misconfigured,
    NotAnswered(Delivery),
    Unknown,
    TimedOut,
    Malformed,
    BrokenOff,
}

/// Whether the server can have received the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// No byte of the request can have reached the server.
    NotSent,
    /// The server may have processed the request.
    Unknown,
}

impl TransportError {
    /// Returns the error of a request of which certainly no byte reached the server: no address, no
    /// connection, no TLS session.
    #[must_use]
    pub fn not_sent(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::NotSent, what)
    }

    /// Returns the error of a request that was certainly not sent, for a reason that needs a change of the
    /// configuration. Examples are a TLS session that could not be negotiated or trusted, and a proxy that
    /// asks for other credentials.
    #[must_use]
    pub fn misconfigured(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::Misconfigured, what)
    }

    /// Returns the error of a connection that was closed before an answer came. Pass [`Delivery::NotSent`] if
    /// the server certainly did not read the whole request, such as when it could not be fully written.
    #[must_use]
    pub fn not_answered(what: impl Into<Cow<'static, str>>, delivery: Delivery) -> Self {
        Self::new(FaultKind::NotAnswered(delivery), what)
    }

    /// Returns the error of a request that may have been processed, for a reason that no other constructor
    /// names.
    #[must_use]
    pub fn unknown(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::Unknown, what)
    }

    /// Returns the error of a request that was sent but got no complete response in time.
    #[must_use]
    pub fn timed_out(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::TimedOut, what)
    }

    /// Returns the error of a request whose answer is not HTTP, or exceeds reasonable limits.
    #[must_use]
    pub fn malformed(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::Malformed, what)
    }

    /// Returns the error of a request whose response was cut off before its end.
    #[must_use]
    pub fn broken_off(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::BrokenOff, what)
    }

    /// Returns this error with its cause. The cause is shown to people: it must not contain headers, body or
    /// query.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns this error with the received part of the response: its head, and its body up to the failure.
    ///
    /// The body may contain a refresh token that has replaced the one of the request.
    /// [`Exchange::failed`](crate::Exchange::failed) extracts it from a complete JSON object.
    #[must_use]
    pub fn with_partial_response(mut self, partial: Response<Body>) -> Self {
        self.partial = Some(Box::new(partial));
        self
    }

    pub(crate) fn take_partial_response(&mut self) -> Option<Response<Body>> {
        self.partial.take().map(|partial| *partial)
    }

    /// Returns whether the server can have received the request.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self.kind {
            FaultKind::NotSent | FaultKind::Misconfigured => Delivery::NotSent,
            FaultKind::NotAnswered(delivery) => delivery,
            FaultKind::Unknown | FaultKind::TimedOut | FaultKind::Malformed | FaultKind::BrokenOff => {
                Delivery::Unknown
            }
        }
    }

    /// Returns whether its text says more than its kind.
    pub(crate) fn says_why(&self) -> bool {
        !matches!(self.kind, FaultKind::TimedOut | FaultKind::Malformed | FaultKind::BrokenOff)
    }

    pub(crate) fn kind(&self) -> FaultKind {
        self.kind
    }

    fn new(kind: FaultKind, what: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, what: what.into(), source: None, partial: None }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// Shows no header and no byte of a response.
impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partial = self.partial.as_ref().map(|partial| partial.body());
        f.debug_struct("TransportError")
            .field("kind", &self.kind)
            .field("what", &self.what)
            .field("source", &self.source)
            .field("partial", &partial)
            .finish()
    }
}
