//! The answers of a gateway in place of a provider.

use std::time::Duration;

use serde_json::{Value, json};

use super::Fault;
use crate::reply::Reply;

impl Fault {
    /// Returns the answer that is sent without processing; `None` for a fault without an answer.
    pub(crate) fn reply_unprocessed(&self) -> Option<Reply> {
        match self {
            Self::Status { status, retry_after, body } => {
                let reply = body.as_deref().map_or_else(|| page(*status), |body| given(*status, body));
                Some(with_retry_after(reply, *retry_after))
            }
            Self::TemporarilyUnavailable { status, retry_after } => {
                let reply = Reply::json(sendable(*status), &json!({ "error": "temporarily_unavailable" }));
                Some(with_retry_after(reply, *retry_after))
            }
            Self::ClosedUnprocessed
            | Self::AnswerLost
            | Self::AnswerCut
            | Self::GatewayErrorAfterProcessing
            | Self::Delay(_) => None,
        }
    }
}

/// Returns the plain page of a gateway.
pub(crate) fn page(status: u16) -> Reply {
    let status = sendable(status);
    let known = axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let title = format!("{status} {}", known.unwrap_or_default());
    let title = title.trim();
    let html = format!(
        "<html>\n<head><title>{title}</title></head>\n<body>\n<center><h1>{title}</h1></center>\n\
         <hr><center>gateway</center>\n</body>\n</html>\n"
    );
    Reply::html(status, html)
}

fn given(status: u16, body: &str) -> Reply {
    match serde_json::from_str::<Value>(body) {
        Ok(_) => Reply::of_type(sendable(status), "application/json", body.to_owned()),
        Err(_) => Reply::html(sendable(status), body.to_owned()),
    }
}

/// An interim status (1xx) would leave the client waiting, so it counts as invalid too.
fn sendable(status: u16) -> u16 {
    if (200..=999).contains(&status) { status } else { 500 }
}

fn with_retry_after(reply: Reply, wait: Option<Duration>) -> Reply {
    let Some(wait) = wait else { return reply };
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    reply.header("retry-after", &seconds.to_string())
}
