//! Responses as a transport would hand them over.

use http::Response;
use octo_auth_core::{Answer, Exchange, ExchangeError, Reply};
pub use octo_auth_testkit::response::{json, with};

use crate::moment;

/// What an exchange makes of a response that came at once, at the start of the test.
///
/// # Errors
///
/// Whatever the exchange makes an error of.
pub fn read<T: Reply>(
    exchange: Exchange<T>,
    response: &Response<Vec<u8>>,
) -> Result<Answer<T>, ExchangeError> {
    exchange.finish(response, moment::start(), moment::start())
}
