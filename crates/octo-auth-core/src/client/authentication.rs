//! Client authentication by HTTP Basic (RFC 6749 section 2.3.1, RFC 7617).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::error::RequestError;
use crate::secret::Secret;
use crate::token::sensitive_header;

/// Returns the credentials with both parts form-encoded, joined and base64-encoded.
pub(super) fn basic(client_id: &str, client_secret: &str) -> Secret {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let secret = Zeroizing::new(encoded(client_secret));
    raw_basic(&encoded(client_id), &secret)
}

/// Returns the credentials with both parts unencoded, joined and base64-encoded.
pub(super) fn raw_basic(client_id: &str, client_secret: &str) -> Secret {
    let joined = Zeroizing::new([client_id, ":", client_secret].concat());
    Secret::new(STANDARD.encode(joined.as_bytes()))
}

/// Returns the `Authorization` header of the credentials.
pub(super) fn header(credentials: &Secret) -> Result<HeaderValue, RequestError> {
    let header = Zeroizing::new(["Basic ", credentials.expose()].concat());
    sensitive_header(&header).ok_or(RequestError::Secret { what: "client secret" })
}
