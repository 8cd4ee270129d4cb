//! The log of requests, oldest first, with every secret masked before it is stored.
//!
//! A secret never enters the log, so neither `Debug` nor `Display` of an [`Entry`] can show one. Of an answer only the
//! status is recorded, because most answers contain tokens. The log keeps the newest 20,000 entries.

use std::collections::VecDeque;
use std::fmt;

use serde_json::Value;

use crate::call::{Call, Fields};
use crate::shared::Shared;

const MASK: &str = "***";
const CAPACITY: usize = 20_000;
/// The headers that the providers' documents mention.
const HEADERS: [&str; 5] = ["authorization", "content-type", "accept", "key", "property"];

/// The status of a request whose connection was closed without an answer.
pub(crate) const CLOSED: u16 = 0;

/// One request that reached the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The time of arrival, in milliseconds since 1970-01-01T00:00:00Z by the emulator's clock.
    pub at_unix_millis: i64,
    /// The HTTP method.
    pub method: String,
    /// The emulated host, `api.octorate.com` for example.
    pub host: String,
    /// The path below the emulated host, as sent.
    pub path: String,
    /// The query parameters in the order sent; the values of secret ones are `***`.
    pub query: Vec<(String, String)>,
    /// The form parameters in the order sent; the values of secret ones are `***`.
    pub form: Vec<(String, String)>,
    /// A JSON body, compact, with the values of secret members replaced by `***`.
    pub json: Option<String>,
    /// `authorization` (its scheme only), `content-type`, `accept`, `key` (masked) and `property`, if sent.
    pub headers: Vec<(String, String)>,
    /// The status of the answer. It is 0 if the connection was closed without an answer, and while the request is held
    /// unprocessed. A held answer has the status with which it will be sent.
    pub status: u16,
}

impl Entry {
    /// Returns the first value of a form parameter, `***` for a secret one.
    #[must_use]
    pub fn form_value(&self, name: &str) -> Option<&str> {
        first(&self.form, name)
    }

    /// Returns the first value of a query parameter, `***` for a secret one.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// Returns one of the recorded headers by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }
}

/// Formats one line: method, address, form or JSON body, status.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.host, one_line(&self.path))?;
        if !self.query.is_empty() {
            write!(f, "?{}", joined(&self.query))?;
        }
        if !self.form.is_empty() {
            write!(f, " {}", joined(&self.form))?;
        }
        if let Some(json) = &self.json {
            write!(f, " {json}")?;
        }
        write!(f, " -> {}", self.status)
    }
}

/// The log of one emulator.
#[derive(Clone)]
pub(crate) struct Log(Shared<Kept>);

#[derive(Default)]
struct Kept {
    entries: VecDeque<Entry>,
    /// The count of entries that were removed before the first one kept.
    gone: u64,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self(Shared::new(Kept::default()))
    }

    /// Adds an entry and returns its number, with which [`Self::amend`] finds it.
    pub(crate) fn record(&self, call: &Call, status: u16, at_unix_millis: i64) -> u64 {
        let entry = Entry {
            at_unix_millis,
            method: call.method.to_string(),
            host: call.host.clone(),
            path: call.path.clone(),
            query: masked_fields(&call.query),
            form: call.form().as_ref().map(masked_fields).unwrap_or_default(),
            json: call.is_json().then(|| call.json()).flatten().map(|value| masked_json(value).to_string()),
            headers: masked_headers(call),
            status,
        };
        let Kept { entries, gone } = &mut *self.0.lock();
        if entries.len() == CAPACITY {
            entries.pop_front();
            *gone += 1;
        }
        entries.push_back(entry);
        *gone + entries.len() as u64 - 1
    }

    /// Changes the status of an entry, if it is still kept.
    pub(crate) fn amend(&self, number: u64, status: u16) {
        let Kept { entries, gone } = &mut *self.0.lock();
        let index = number.checked_sub(*gone).and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| entries.get_mut(index)) {
            entry.status = status;
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().entries.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let Kept { entries, gone } = &mut *self.0.lock();
        *gone += entries.len() as u64;
        entries.clear();
    }
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn joined(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| format!("{}={}", one_line(name), one_line(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Replaces control characters, which could break the line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Whether a parameter, member or header of this name carries a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let public = ["token_type", "token_type_hint"].contains(&name.as_str());
    let named = ["code", "code_verifier", "key", "api_key", "apikey", "assertion", "client_assertion"];
    !public
        && (named.contains(&name.as_str())
            || ["secret", "token", "password"].iter().any(|part| name.contains(part)))
}

/// A name that is not a plain word is also masked: a body of another kind, sent as a form, is parsed as one long name.
fn masked_fields(fields: &Fields) -> Vec<(String, String)> {
    let plain =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte));
    let mask = |(name, value): &(String, String)| match (plain(name), is_secret(name)) {
        (false, _) => (MASK.to_owned(), MASK.to_owned()),
        (true, true) => (name.clone(), MASK.to_owned()),
        (true, false) => (name.clone(), value.clone()),
    };
    fields.pairs().iter().map(mask).collect()
}

fn masked_json(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mask = |(name, value): (String, Value)| {
                let value = if is_secret(&name) { Value::from(MASK) } else { masked_json(value) };
                (name, value)
            };
            Value::Object(members.into_iter().map(mask).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(masked_json).collect()),
        plain => plain,
    }
}

fn masked_headers(call: &Call) -> Vec<(String, String)> {
    let chosen = |name: &str| Some((name.to_owned(), masked_header(name, call.header(name)?)));
    HEADERS.into_iter().filter_map(chosen).collect()
}

fn masked_header(name: &str, value: &str) -> String {
    match (name, value.split_once(' ')) {
        ("authorization", Some((scheme @ ("Basic" | "Bearer"), _))) => format!("{scheme} {MASK}"),
        ("authorization" | "key", _) => MASK.to_owned(),
        _ => value.to_owned(),
    }
}
