//! A token endpoint that says what a test told it to say.

use std::collections::VecDeque;

use http::Response;
use octo_auth_core::{Fault, Now, Purpose, SendJob};
use serde_json::json;

use crate::reply;

/// A token endpoint: what was lined up, then what it always says.
pub struct Endpoint {
    lined_up: VecDeque<Said>,
    always: Box<dyn FnMut(&Asked) -> Said>,
}

/// What the endpoint was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which request it is, counted from one.
    pub number: usize,
    /// What it was for.
    pub purpose: Purpose,
    /// When it was sent.
    pub at: Now,
    /// The body of the request.
    pub body: String,
}

/// What comes of a request.
pub enum Said {
    /// A response.
    Response(Response<Vec<u8>>),
    /// No response, and why.
    Fault(Fault),
    /// Whoever carried the request is gone.
    Lost,
}

impl Default for Endpoint {
    /// `AT1` for an hour at the first request, `AT2` at the second, each with a refresh token of the same number for
    /// a request that brings one.
    fn default() -> Self {
        Self { lined_up: VecDeque::new(), always: Box::new(Said::next_tokens) }
    }
}

impl Endpoint {
    /// Lines up what is said to the next request that nothing is lined up for.
    pub fn then(&mut self, said: Said) {
        self.lined_up.push_back(said);
    }

    /// What is said when nothing is lined up.
    pub fn always(&mut self, says: impl FnMut(&Asked) -> Said + 'static) {
        self.always = Box::new(says);
    }

    pub(super) fn answer(&mut self, asked: &Asked) -> Said {
        self.lined_up.pop_front().unwrap_or_else(|| (self.always)(asked))
    }
}

impl Asked {
    pub(super) fn new(number: usize, job: &SendJob, at: Now) -> Self {
        let body = String::from_utf8_lossy(job.request().body().as_ref()).into_owned();
        Self { number, purpose: job.purpose(), at, body }
    }

    /// A parameter of the request, as it stands in the form.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// The refresh token it was asked with.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&str> {
        self.parameter("refresh_token")
    }
}

impl Said {
    /// An access token for so many seconds.
    #[must_use]
    pub fn token(token: &str, lifetime: u64) -> Self {
        let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime});
        Self::json(200, &body.to_string())
    }

    /// An access token for so many seconds, and a refresh token.
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

    /// The tokens that carry the number of the request, for an hour.
    #[must_use]
    pub fn next_tokens(asked: &Asked) -> Self {
        let token = format!("AT{}", asked.number);
        match asked.purpose {
            Purpose::Refresh => Self::tokens(&token, 3600, &format!("RT{}", asked.number)),
            _ => Self::token(&token, 3600),
        }
    }

    /// A response with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &str) -> Self {
        Self::Response(reply::json(status, body))
    }

    /// An error of RFC 6749 section 5.2.
    #[must_use]
    pub fn error(status: u16, code: &str) -> Self {
        Self::json(status, &json!({"error": code}).to_string())
    }

    /// A page of a gateway, with headers.
    #[must_use]
    pub fn page(status: u16, headers: &[(&str, &str)]) -> Self {
        let html = [("content-type", "text/html")];
        Self::Response(reply::with(status, &[&html, headers].concat(), "<html>sorry</html>"))
    }

    /// A 503 of the server itself that names the time to wait, in seconds.
    #[must_use]
    pub fn unavailable_for(seconds: u64) -> Self {
        let headers = [("content-type", "application/json"), ("retry-after", &seconds.to_string())];
        Self::Response(reply::with(503, &headers, r#"{"error":"temporarily_unavailable"}"#))
    }
}
