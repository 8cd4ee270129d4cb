//! Errors of RFC 6749 section 5.2.

use serde_json::json;

use crate::reply::Reply;

pub(super) fn error(code: &str, description: &str) -> Reply {
    with_status(400, code, description)
}

pub(super) fn invalid_request(description: &str) -> Reply {
    error("invalid_request", description)
}

pub(super) fn invalid_grant() -> Reply {
    error("invalid_grant", "The grant is invalid, expired, revoked or was issued to another client")
}

pub(super) fn invalid_scope() -> Reply {
    error("invalid_scope", "The scope is unknown or beyond what was granted")
}

/// Returns 401, with the challenge of the scheme that the client tried (section 5.2).
pub(super) fn invalid_client(tried_basic: bool) -> Reply {
    let reply = with_status(401, "invalid_client", "Client authentication failed");
    if tried_basic { reply.header("www-authenticate", "Basic realm=\"auth.example\"") } else { reply }
}

fn with_status(status: u16, code: &str, description: &str) -> Reply {
    Reply::json(status, &json!({ "error": code, "error_description": description }))
}
