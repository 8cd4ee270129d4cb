//! Requests as text, so that a test can compare every byte that is sent.

use http::Request;
use octo_auth_core::{Body, Exchange, Reply};

/// Returns the method and URL, the headers by name, an empty line, and the body. Headers that are marked as sensitive
/// are followed by `(sensitive)`.
#[must_use]
pub fn written(request: &Request<Body>) -> String {
    let mut headers: Vec<_> = request.headers().iter().collect();
    headers.sort_by_key(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in headers {
        let mark = if value.is_sensitive() { " (sensitive)" } else { "" };
        text.push_str(&format!("{name}: {}{mark}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    format!("{text}\n{}\n", String::from_utf8_lossy(request.body().as_ref()))
}

/// Returns the request of an exchange in the form of [`written`].
#[must_use]
pub fn sent<T: Reply>(exchange: &Exchange<T>) -> String {
    written(exchange.request())
}

/// Returns the body of an exchange's request.
#[must_use]
pub fn body<T: Reply>(exchange: &Exchange<T>) -> String {
    String::from_utf8_lossy(exchange.request().body().as_ref()).into_owned()
}
