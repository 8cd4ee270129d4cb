//! OctoTable's error bodies.

use serde_json::json;

use crate::reply::Reply;

/// The envelope of the error manual: `{"success": false, "error": {"code", "message", "class_name"}}`.
pub(super) fn refuse(status: u16, code: &str, message: &str, class_name: &str) -> Reply {
    let error = json!({ "code": code, "message": message, "class_name": class_name });
    Reply::json(status, &json!({ "success": false, "error": error }))
}

pub(super) fn bad_request(message: &str) -> Reply {
    refuse(400, "BAD_REQUEST", message, "BadRequestException")
}

pub(super) fn unauthorized(message: &str) -> Reply {
    refuse(401, "UNAUTHORIZED", message, "UnauthorizedException")
}

pub(super) fn not_found() -> Reply {
    refuse(404, "RESOURCE_NOT_FOUND", "The requested resource does not exist.", "ResourceNotFoundException")
}

pub(super) fn unsupported_media_type() -> Reply {
    Reply::text(415, "Unsupported Media Type")
}
