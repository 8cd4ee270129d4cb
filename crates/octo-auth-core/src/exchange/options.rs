//! Options for sending a request.

use http::Request;

use super::{ANSWER_LIMIT, Purpose};
use crate::reading::Reading;

/// Options for sending a request. They are stored in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendOptions {
    purpose: Option<Purpose>,
    answer_limit: usize,
}

impl SendOptions {
    /// Returns the options of a request. For a request that belongs to no exchange, it returns the strictest
    /// ones.
    #[must_use]
    pub fn of<B>(request: &Request<B>) -> Self {
        request.extensions().get().copied().unwrap_or_default()
    }

    /// Returns these options with another limit of the answer's body, in bytes.
    #[must_use]
    pub fn with_answer_limit(self, bytes: usize) -> Self {
        Self { answer_limit: bytes, ..self }
    }

    /// Returns the limit of the answer's body in bytes; usually [`ANSWER_LIMIT`]. A transport reads at most
    /// one byte more: that byte shows that the body is too long.
    #[must_use]
    pub fn answer_limit(self) -> usize {
        self.answer_limit
    }

    /// Returns whether the request may use a connection that another request has used.
    ///
    /// A server may close such a connection just when it is used again. Then it is unknown whether the
    /// request was processed. That is acceptable for an API call, but not for a request that spends a refresh
    /// token or a code.
    #[must_use]
    pub fn may_reuse_connection(self) -> bool {
        self.purpose == Some(Purpose::ApiCall)
    }
}

/// Returns the strictest options: the limit of a token request, and a new connection.
impl Default for SendOptions {
    fn default() -> Self {
        Self { purpose: None, answer_limit: ANSWER_LIMIT }
    }
}

impl From<&Reading> for SendOptions {
    fn from(reading: &Reading) -> Self {
        Self { purpose: Some(reading.purpose), answer_limit: reading.answer_limit }
    }
}
