//! A token endpoint whose answers a test prepares.

use std::collections::VecDeque;

use http::Response;
use octo_auth_core::{Now, Purpose, SendJob, TransportError};
use serde_json::json;

use crate::response;

/// A simulated token endpoint. It gives the prepared outcomes to the next requests, then its default outcome to all
/// later ones.
pub struct Endpoint {
    lined_up: VecDeque<ServerReply>,
    always: Box<dyn FnMut(&Asked) -> ServerReply>,
}

/// A request as the endpoint received it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its number; the first request has number 1.
    pub number: usize,
    /// Its purpose.
    pub purpose: Purpose,
    /// When it was sent.
    pub at: Now,
    /// Its body, a form.
    pub body: String,
}

/// The outcome of a request.
pub enum ServerReply {
    /// A response.
    Response(Response<Vec<u8>>),
    /// No response, for this reason.
    Fault(TransportError),
    /// The process that sent the request has ended and reports no outcome.
    Lost,
}

impl Default for Endpoint {
    /// Returns an endpoint that answers the first request with `AT1` for one hour, the second with `AT2`, and so on.
    /// The answer to a refresh also has a refresh token with the same number.
    fn default() -> Self {
        Self { lined_up: VecDeque::new(), always: Box::new(ServerReply::next_tokens) }
    }
}

impl Endpoint {
    /// Adds the outcome for the next request that has none yet.
    pub fn then(&mut self, said: ServerReply) {
        self.lined_up.push_back(said);
    }

    /// Sets the outcome of all requests without a prepared outcome.
    pub fn always(&mut self, says: impl FnMut(&Asked) -> ServerReply + 'static) {
        self.always = Box::new(says);
    }

    pub(super) fn answer(&mut self, asked: &Asked) -> ServerReply {
        self.lined_up.pop_front().unwrap_or_else(|| (self.always)(asked))
    }
}

impl Asked {
    pub(super) fn new(number: usize, job: &SendJob, at: Now) -> Self {
        let body = String::from_utf8_lossy(job.request().body().as_ref()).into_owned();
        Self { number, purpose: job.purpose(), at, body }
    }

    /// Returns a parameter of the request as it stands in the form, without decoding, or `None`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// Returns the refresh token of the request, or `None`.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&str> {
        self.parameter("refresh_token")
    }
}

impl ServerReply {
    /// Returns an answer with an access token. `lifetime` is in seconds.
    #[must_use]
    pub fn token(token: &str, lifetime: u64) -> Self {
        let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime});
        Self::json(200, &body.to_string())
    }

    /// Returns an answer with an access token and a refresh token. `lifetime` is in seconds.
    #[must_use]
    pub fn tokens(token: &str, lifetime: u64, refresh_token: &str) -> Self {
        let body = json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "refresh_token": refresh_token,
        });
        Self::json(200, &body.to_string())
    }

    /// Returns an answer with tokens that carry the number of the request and live for one hour.
    #[must_use]
    pub fn next_tokens(asked: &Asked) -> Self {
        let token = format!("AT{}", asked.number);
        match asked.purpose {
            Purpose::Refresh => Self::tokens(&token, 3600, &format!("RT{}", asked.number)),
            _ => Self::token(&token, 3600),
        }
    }

    /// Returns a response with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &str) -> Self {
        Self::Response(response::json(status, body))
    }

    /// Returns an OAuth error response (RFC 6749 section 5.2).
    #[must_use]
    pub fn error(status: u16, code: &str) -> Self {
        Self::json(status, &json!({"error": code}).to_string())
    }

    /// Returns an HTML page with these headers, as a gateway sends it.
    #[must_use]
    pub fn page(status: u16, headers: &[(&str, &str)]) -> Self {
        let html = [("content-type", "text/html")];
        Self::Response(response::with(status, &[&html, headers].concat(), "<html>sorry</html>"))
    }

    /// Returns a 503 response of the server itself. Its `Retry-After` is in seconds.
    #[must_use]
    pub fn unavailable_for(seconds: u64) -> Self {
        let headers = [("content-type", "application/json"), ("retry-after", &seconds.to_string())];
        Self::Response(response::with(503, &headers, r#"{"error":"temporarily_unavailable"}"#))
    }
}
