//! The answers of the server, and their delays.

use std::time::Duration;

use http::Response;
use octo_auth_core::{Now, Report, SendJob, TransportError};

use super::kind::Kind;
use crate::response::{json, with};

/// The time until an answer arrives.
const ANSWER: Duration = Duration::from_millis(200);

/// The time after which an exchange is given up.
const DEADLINE: Duration = Duration::from_secs(60);

/// The outcome of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// A token of one hour and a new refresh token, both with this number.
    Token(u64),
    Failure(Kind),
}

impl Answer {
    /// Returns the duration from sending the request to its end.
    pub(super) fn takes(self) -> Duration {
        match self {
            Self::Failure(Kind::TimedOut) => DEADLINE,
            Self::Token(_) | Self::Failure(_) => ANSWER,
        }
    }

    /// Ends the exchange of a request.
    pub(super) fn end(self, job: SendJob, sent: Now, received: Now) -> Report {
        match self {
            Self::Failure(Kind::TimedOut) => job.failed(TransportError::timed_out("no answer in time"), sent),
            Self::Failure(Kind::Refused) => job.failed(TransportError::not_sent("connection refused"), sent),
            Self::Failure(kind) => job.answered(&refusal(kind), sent, received),
            Self::Token(number) => job.answered(&token(number), sent, received),
        }
    }
}

fn token(number: u64) -> Response<Vec<u8>> {
    let tokens = format!(r#""access_token":"A{number}","refresh_token":"R{number}""#);
    json(200, &format!(r#"{{{tokens},"token_type":"Bearer","expires_in":3600}}"#))
}

fn refusal(kind: Kind) -> Response<Vec<u8>> {
    let error = |status, code| json(status, &format!(r#"{{"error":"{code}"}}"#));
    let page = |status| with(status, &[("content-type", "text/html")], "<html>This is no answer.</html>");
    match kind {
        Kind::UnauthorizedClient => error(400, "unauthorized_client"),
        Kind::InvalidRequest => error(400, "invalid_request"),
        Kind::InvalidGrant => error(400, "invalid_grant"),
        Kind::ServerError => error(500, "server_error"),
        Kind::NotFound => page(404),
        Kind::TooManyRequests => page(429),
        Kind::RetryAfter => with(429, &[("retry-after", "30")], ""),
        Kind::BadGateway | Kind::Outage | Kind::TimedOut | Kind::Refused => page(502),
    }
}
