//! The answer of a provider, before it becomes an HTTP response.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

mod torn;

use torn::Torn;

/// A status, headers and a body.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::of_type(status, "application/json", value.to_string())
    }

    pub(crate) fn html(status: u16, html: String) -> Self {
        Self::of_type(status, "text/html; charset=utf-8", html).header("cache-control", "no-store")
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::of_type(status, "text/plain; charset=utf-8", text.to_owned())
    }

    /// Returns a 302 to `uri` with the parameters added to its query, percent-encoded as in a form.
    pub(crate) fn redirect(uri: &str, parameters: &[(&str, &str)]) -> Self {
        let joint = if uri.contains('?') { '&' } else { '?' };
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        Self::empty(302)
            .header("location", &format!("{uri}{joint}{query}"))
            .header("cache-control", "no-store")
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Builds the HTTP response. Omits a header value that cannot be sent, such as one with a line break.
    pub(crate) fn into_response(mut self, date: &str) -> Response<Body> {
        let body = Body::from(std::mem::take(&mut self.body));
        self.with_body(date, body)
    }

    /// Builds a response that announces its whole length, at least one byte, and breaks off after half of it.
    pub(crate) fn into_torn_response(mut self, date: &str) -> Response<Body> {
        let mut whole = Bytes::from(std::mem::take(&mut self.body));
        let length = whole.len().max(1);
        whole.truncate(length / 2);
        let announced = self.header(header::CONTENT_LENGTH.as_str(), &length.to_string());
        announced.with_body(date, Body::new(Torn::Whole(whole)))
    }

    pub(crate) fn of_type(status: u16, content_type: &str, body: String) -> Self {
        Self { status, headers: Vec::new(), body }.header("content-type", content_type)
    }

    fn with_body(self, date: &str, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let date = (header::DATE.as_str(), date.to_owned());
        for (name, value) in self.headers.into_iter().chain([date]) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// An answer, or the refusal that replaced it; both are replies.
pub(crate) type ReplyResult = Result<Reply, Reply>;

/// Returns the reply of an outcome, whether it is `Ok` or `Err`.
pub(crate) fn settle(outcome: ReplyResult) -> Reply {
    outcome.unwrap_or_else(|refusal| refusal)
}
