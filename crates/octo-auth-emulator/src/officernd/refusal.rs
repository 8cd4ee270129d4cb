//! The error body of OfficeRND's API.

use serde_json::json;

use crate::reply::Reply;

/// Returns an error of the API: an object with `message`.
pub(super) fn message(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({ "message": text }))
}
