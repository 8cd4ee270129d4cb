//! What a transport may know of a request beside the request itself.

use http::Request;

use super::{ANSWER_LIMIT, Purpose};
use crate::reading::Reading;

/// What a transport may know of a request beside the request itself. It is among the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendOptions {
    purpose: Option<Purpose>,
    answer_limit: usize,
}

impl SendOptions {
    /// Returns the options of a request; for one that is of no exchange, the strictest.
    #[must_use]
    pub fn of<B>(request: &Request<B>) -> Self {
        request.extensions().get().copied().unwrap_or_default()
    }

    /// These options with another limit of the answer's body, in bytes.
    #[must_use]
    pub fn with_answer_limit(self, bytes: usize) -> Self {
        Self { answer_limit: bytes, ..self }
    }

    /// Returns the limit of the answer's body in bytes, [`ANSWER_LIMIT`] as a rule. A transport reads one byte more at most:
    /// that byte says that the body is too long.
    #[must_use]
    pub fn answer_limit(self) -> usize {
        self.answer_limit
    }

    /// Returns whether the request may go over a connection that another request has used.
    ///
    /// A server may close such a connection just as it is used again, and then it is unknown whether the request was
    /// processed. A call of the API can live with that; a request that spends a refresh token or a code cannot.
    #[must_use]
    pub fn may_reuse_connection(self) -> bool {
        self.purpose == Some(Purpose::ApiCall)
    }
}

/// The strictest options: the limit of a token request, and a connection of its own.
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
