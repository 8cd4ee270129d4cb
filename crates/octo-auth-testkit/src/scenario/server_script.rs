//! The replies of a server in a scenario: their text, and their form on the wire.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use http::Response;
use octo_auth_core::{Timestamp, TransportError};
use serde_json::{Map, json};

use super::spell::{spelt, time};
use crate::response;

/// The reply to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptedReply {
    /// A new access token for an hour and, where a refresh token was used, a new refresh token.
    AsUsual,
    /// These tokens.
    Tokens {
        /// The access token.
        access_token: String,
        /// The lifetime, if the reply states one.
        lifetime: Option<Duration>,
        /// Whether the lifetime is stated only as a date, as in Octorate's oldest document.
        as_date: bool,
        /// The refresh token, if the reply contains one.
        refresh_token: Option<String>,
    },
    /// An error in the server's own format, or an empty object without a code.
    Error {
        /// The HTTP status.
        status: u16,
        /// The code.
        code: Option<String>,
        /// The stated time to wait.
        retry_after: Option<Duration>,
    },
    /// A page of a gateway before the server.
    Gateway {
        /// The HTTP status.
        status: u16,
        /// The stated time to wait.
        retry_after: Option<Duration>,
    },
    /// A JSON body, unchanged.
    Json(u16, String),
    /// Status 200 and the first half of a JSON body.
    Half,
    /// Status 200 and a web page.
    Page,
    /// An access token that no header can hold, and a refresh token.
    Unusable(String),
    /// An empty answer with status 200, as to a revocation.
    Done,
    /// No connection.
    NotSent,
    /// The connection breaks off after the server has processed the request.
    BreaksOff,
    /// The carrier of the request dies.
    CarrierDies,
    /// No reply until the deadline passes or a later step sends one.
    Silence,
    /// No reply, and the carrier misses its deadline.
    Stuck,
}

/// The end of a request.
pub(super) enum Spoken {
    Response(Response<Vec<u8>>),
    Fault(TransportError),
    Gone,
}

impl ScriptedReply {
    /// Reads a reply in the syntax of scenarios.
    pub(super) fn read(text: &str) -> Option<Self> {
        let said = match text {
            "as usual" => Self::AsUsual,
            "half an answer" => Self::Half,
            "a web page" => Self::Page,
            "done" => Self::Done,
            "no connection" => Self::NotSent,
            "a broken connection" => Self::BreaksOff,
            "a dead carrier" => Self::CarrierDies,
            "silence" => Self::Silence,
            "a stuck carrier" => Self::Stuck,
            _ => return Self::read_answer(text),
        };
        Some(said)
    }

    fn read_answer(text: &str) -> Option<Self> {
        if let Some(refresh_token) = text.strip_prefix("an unusable token, ") {
            return is_refresh_token(refresh_token).then(|| Self::Unusable(refresh_token.to_owned()));
        }
        let (first, rest) = text.split_once(", ").map_or((text, None), |(first, rest)| (first, Some(rest)));
        let after = |rest: &str| time(rest.strip_prefix("retry after ")?);
        if let Some(status) = first.strip_prefix("gateway ") {
            let retry_after = rest.map_or(Some(None), |rest| after(rest).map(Some))?;
            return Some(Self::Gateway { status: status.parse().ok()?, retry_after });
        }
        let mut words = text.splitn(2, ' ');
        if let Ok(status) = words.next()?.trim_end_matches(',').parse() {
            if let Some(body) = words.next().filter(|rest| rest.starts_with('{')) {
                return Some(Self::Json(status, body.to_owned()));
            }
            let retry_after = rest.map_or(Some(None), |rest| after(rest).map(Some))?;
            let code = first.split_once(' ').map(|(_, code)| code.to_owned());
            return Some(Self::Error { status, code, retry_after });
        }
        let words: Vec<&str> = first.split(' ').collect();
        let (access_token, lifetime, as_date) = match words.as_slice() {
            [token] => (*token, None, false),
            [token, "for", lifetime] => (*token, Some(time(lifetime)?), false),
            [token, "until", "a", "date", "in", lifetime] => (*token, Some(time(lifetime)?), true),
            _ => return None,
        };
        let refresh_token = rest.map(str::to_owned);
        let is_sound = is_access_token(access_token) && refresh_token.as_deref().is_none_or(is_refresh_token);
        is_sound.then(|| Self::Tokens {
            access_token: access_token.to_owned(),
            lifetime,
            as_date,
            refresh_token,
        })
    }

    /// Returns the access token and the refresh token that the reply contains.
    pub(super) fn brings(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Tokens { access_token, refresh_token, .. } => {
                (Some(access_token), refresh_token.as_deref())
            }
            Self::Unusable(refresh_token) => (None, Some(refresh_token)),
            _ => (None, None),
        }
    }

    /// Returns the reply as it is on the wire, or `None` if there is nothing to send yet.
    pub(super) fn spoken(&self, now: Timestamp) -> Option<Spoken> {
        let response = match self {
            Self::AsUsual | Self::Silence | Self::Stuck => return None,
            Self::NotSent => {
                return Some(Spoken::Fault(TransportError::not_sent("connection refused")));
            }
            Self::BreaksOff => {
                return Some(Spoken::Fault(TransportError::broken_off("connection reset")));
            }
            Self::CarrierDies => return Some(Spoken::Gone),
            Self::Tokens { .. } => answer(200, None, &self.token_body(now)),
            Self::Error { status, code, retry_after } => {
                let body = code.as_ref().map_or_else(|| json!({}), |code| json!({ "error": code }));
                answer(*status, *retry_after, &body.to_string())
            }
            Self::Gateway { status, retry_after } => page(*status, *retry_after),
            Self::Json(status, body) => answer(*status, None, body),
            Self::Half => answer(200, None, "{\"access_token\":\"A"),
            Self::Page => page(200, None),
            Self::Unusable(refresh_token) => {
                let body = json!({"access_token": "two\nlines", "token_type": "Bearer", "refresh_token": refresh_token});
                answer(200, None, &body.to_string())
            }
            Self::Done => answer(200, None, ""),
        };
        Some(Spoken::Response(dated(response, now)))
    }

    fn token_body(&self, now: Timestamp) -> String {
        let Self::Tokens { access_token, lifetime, as_date, refresh_token } = self else {
            return String::new();
        };
        let mut body = Map::new();
        body.insert("access_token".to_owned(), json!(access_token));
        body.insert("token_type".to_owned(), json!("Bearer"));
        match lifetime {
            Some(lifetime) if *as_date => {
                let until = now.saturating_add(*lifetime);
                let date = until.to_string();
                body.insert("expireDate".to_owned(), json!(date));
            }
            Some(lifetime) => {
                body.insert("expires_in".to_owned(), json!(lifetime.as_secs()));
            }
            None => {}
        }
        if let Some(refresh_token) = refresh_token {
            body.insert("refresh_token".to_owned(), json!(refresh_token));
        }
        serde_json::Value::Object(body).to_string()
    }
}

fn answer(status: u16, retry_after: Option<Duration>, body: &str) -> Response<Vec<u8>> {
    response(status, "application/json", retry_after, body)
}

fn page(status: u16, retry_after: Option<Duration>) -> Response<Vec<u8>> {
    response(status, "text/html", retry_after, "<html>sorry</html>")
}

fn response(status: u16, media: &str, retry_after: Option<Duration>, body: &str) -> Response<Vec<u8>> {
    let seconds = retry_after.map(|time| time.as_secs().to_string());
    let mut headers = vec![("content-type", media)];
    headers.extend(seconds.as_deref().map(|seconds| ("retry-after", seconds)));
    if (300..400).contains(&status) {
        headers.push(("location", "https://elsewhere.example/"));
    }
    response::with(status, &headers, body)
}

/// Adds the server's clock to a response, in the HTTP `Date` header.
fn dated(mut response: Response<Vec<u8>>, now: Timestamp) -> Response<Vec<u8>> {
    if let Ok(date) = http::HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::from(now))) {
        response.headers_mut().insert("date", date);
    }
    response
}

/// Returns whether a word is an access token: `A1`, or another letter for another spec.
fn is_access_token(word: &str) -> bool {
    is_token(word, 'A'..='F')
}

/// Returns whether a word is a refresh token: `R1`, or another letter for another spec.
pub(super) fn is_refresh_token(word: &str) -> bool {
    is_token(word, 'R'..='W')
}

fn is_token(word: &str, letters: RangeInclusive<char>) -> bool {
    let mut rest = word.chars();
    let is_known = rest.next().is_some_and(|letter| letters.contains(&letter));
    is_known && rest.clone().next().is_some() && rest.all(|digit| digit.is_ascii_digit())
}

impl fmt::Display for ScriptedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retry = |f: &mut fmt::Formatter<'_>, after: Option<Duration>| match after {
            Some(after) => write!(f, ", retry after {}", spelt(after)),
            None => Ok(()),
        };
        match self {
            Self::AsUsual => f.write_str("as usual"),
            Self::Tokens { access_token, lifetime, as_date, refresh_token } => {
                f.write_str(access_token)?;
                if let Some(lifetime) = lifetime {
                    let word = if *as_date { "until a date in" } else { "for" };
                    write!(f, " {word} {}", spelt(*lifetime))?;
                }
                refresh_token.as_ref().map_or(Ok(()), |token| write!(f, ", {token}"))
            }
            Self::Error { status, code, retry_after } => {
                write!(f, "{status}")?;
                code.as_ref().map_or(Ok(()), |code| write!(f, " {code}"))?;
                retry(f, *retry_after)
            }
            Self::Gateway { status, retry_after } => {
                write!(f, "gateway {status}")?;
                retry(f, *retry_after)
            }
            Self::Json(status, body) => write!(f, "{status} {body}"),
            Self::Half => f.write_str("half an answer"),
            Self::Page => f.write_str("a web page"),
            Self::Unusable(refresh_token) => write!(f, "an unusable token, {refresh_token}"),
            Self::Done => f.write_str("done"),
            Self::NotSent => f.write_str("no connection"),
            Self::BreaksOff => f.write_str("a broken connection"),
            Self::CarrierDies => f.write_str("a dead carrier"),
            Self::Silence => f.write_str("silence"),
            Self::Stuck => f.write_str("a stuck carrier"),
        }
    }
}
