//! Octorate's error bodies: `ApiError` of OAS with the types of its glossary.

use serde_json::json;

use crate::reply::Reply;

/// An `ApiError` with its required members.
pub(super) fn api_error(status: u16, kind: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "message": message, "nested": [], "type": kind }))
}

/// An `ApiError` about one element of the request.
pub(super) fn about(element: &str, message: &str) -> Reply {
    let body = json!({ "element": element, "message": message, "nested": [], "type": "ApiParamsExemption" });
    Reply::json(400, &body)
}

/// The client id or secret is wrong. Status and type are this emulator's choice.
pub(super) fn wrong_credentials() -> Reply {
    api_error(403, "ApiSecurityException", "Access Denied. Access to the resource denied")
}

/// The token is of the wrong kind, or of another property: the body seen live on `/reservation/{id}`.
pub(super) fn not_yours() -> Reply {
    api_error(403, "ApiSecurityException", "errNoResourcesForIdentity")
}

/// The access token has expired; Octorate answers 403 then.
pub(super) fn expired() -> Reply {
    api_error(403, "ApiLoginExpired", "Expired Token")
}

/// Sandbox and production are mixed up; the type is spelt as the glossary of OAS spells it.
pub(super) fn wrong_environment() -> Reply {
    api_error(403, "WrongEnviroment", "The application belongs to another environment")
}

/// The application may only read: a plain text without a type.
pub(super) fn not_in_role() -> Reply {
    Reply::text(403, "Caller not in requested role")
}

/// The server of a partner failed. HTTP does not define 550; the glossary of OAS does.
pub(super) fn partner_error() -> Reply {
    api_error(550, "ApiPartnerServerError", "The server of a partner did not answer as expected")
}

pub(super) fn unsupported_media_type() -> Reply {
    Reply::empty(415)
}
