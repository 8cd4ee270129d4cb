//! Responses in the form in which a transport returns them.

use http::{Response, StatusCode};
use octo_auth_core::{Answer, Exchange, ExchangeError, Reply};

use crate::moment;

/// Returns the result that an exchange reads from a response that came at once, at the [start](moment::start).
///
/// # Errors
///
/// The error that the exchange returns.
pub fn read<T: Reply>(
    exchange: Exchange<T>,
    response: &Response<Vec<u8>>,
) -> Result<Answer<T>, ExchangeError> {
    exchange.read(response, moment::start(), moment::start())
}

/// Returns a response with a JSON body.
///
/// # Panics
///
/// If the status is below 100 or above 999.
#[must_use]
pub fn json(status: u16, body: &str) -> Response<Vec<u8>> {
    with(status, &[("content-type", "application/json")], body)
}

/// Returns a response with these headers and this body.
///
/// # Panics
///
/// If the status is below 100 or above 999, or if a header name or value is invalid.
#[must_use]
pub fn with(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Response<Vec<u8>> {
    let mut builder = Response::builder().status(StatusCode::from_u16(status).unwrap_or_default());
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    match builder.body(body.as_ref().to_vec()) {
        Ok(response) if response.status().as_u16() == status => response,
        _ => panic!("{status} {headers:?} is no response"),
    }
}
