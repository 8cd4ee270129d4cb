//! The requests of a step, and their description.
//!
//! The rule of this module: addresses are shown as the provider's own, not as the emulator's. A parameter that grants
//! access is shown as `***`.

use std::fmt;
use std::time::Duration;

use octo_auth_core::{CallbackError, Exchange, RejectedCallback, Remedy, Reply, RequestError, TokenSet};
use octo_auth_emulator::{Emulator, Entry};

/// A request as the provider sees it.
pub(super) struct Passing {
    method: String,
    /// The URL at the provider, without the query.
    url: String,
    /// The query, form or JSON, with secrets masked.
    pub(super) carried: Option<String>,
    /// The headers that a newcomer should see.
    pub(super) headers: Vec<String>,
    /// The status of the answer; `None` if the request did not arrive.
    pub(super) status: Option<u16>,
}

impl Passing {
    /// Describes the request of an exchange before it is sent.
    pub(super) fn of<T: Reply>(exchange: &Exchange<T>, emulator: &Emulator) -> Self {
        let uri = exchange.request().uri().to_string();
        let address = uri.split('?').next().unwrap_or_default();
        let inside = address.strip_prefix(&format!("{}/", emulator.url()));
        Self {
            method: exchange.request().method().to_string(),
            url: inside.map_or_else(|| address.to_owned(), |rest| format!("https://{rest}")),
            carried: None,
            headers: Vec::new(),
            status: None,
        }
    }

    /// Whether method and address are the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        (&self.method, &self.url) == (&other.method, &other.url)
    }
}

impl From<&Entry> for Passing {
    fn from(entry: &Entry) -> Self {
        let shown = ["authorization", "key", "property"];
        let headers = entry.headers.iter().filter(|(name, _)| shown.contains(&name.as_str()));
        // A form is posted to the address of its page; the query of that address was shown earlier.
        let fields = if entry.form.is_empty() { &entry.query } else { &entry.form };
        let fields: Vec<String> = fields.iter().map(|(name, value)| field(name, value)).collect();
        let carried = if fields.is_empty() { entry.json.clone() } else { Some(fields.join("&")) };
        Self {
            method: entry.method.clone(),
            url: format!("https://{}{}", entry.host, entry.path),
            carried,
            headers: headers.map(|(name, value)| format!("{name}: {value}")).collect(),
            status: Some(entry.status),
        }
    }
}

/// The request line: method and URL.
impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// A parameter of the request. The state of a sign-in is not a credential, but it is hidden as well.
fn field(name: &str, value: &str) -> String {
    let value = if name == "state" { "***" } else { value };
    format!("{name}={value}")
}

/// Returns the address of a callback and the names of its parameters.
pub(super) fn moved(callback: &str) -> String {
    let (address, query) = callback.split_once('?').unwrap_or((callback, ""));
    let names: Vec<&str> =
        query.split('&').filter_map(|part| part.split('=').next()).filter(|name| !name.is_empty()).collect();
    format!("{address} with {}", names.join(", "))
}

/// An error that means a refusal without a request.
pub(super) trait Refusal {
    /// Returns the stable code.
    fn code(&self) -> String;
    /// Returns the message.
    fn text(&self) -> String;
}

impl Refusal for RequestError {
    fn code(&self) -> String {
        Self::code(self).to_owned()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Refusal for CallbackError {
    fn code(&self) -> String {
        Self::code(self).into_owned()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Refusal for RejectedCallback {
    fn code(&self) -> String {
        Self::code(self).into_owned()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// Whether the same kind of person must act on two remedies.
pub(super) fn same_kind(left: Remedy, right: Remedy) -> bool {
    std::mem::discriminant(&left) == std::mem::discriminant(&right)
}

/// Returns the text with exactly one full stop at its end.
pub(super) fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// Describes a token answer in words.
pub(super) fn granted(tokens: &TokenSet) -> String {
    let length = tokens.access_token().expose().len();
    let mut told = format!("An access token of {length} characters");
    match tokens.lifetime() {
        Some(lifetime) => told += &format!(" that lives {}", span(lifetime)),
        None => told += " whose lifetime was not told",
    }
    if let Some(scopes) = tokens.scopes() {
        told += &format!(", for the scopes {scopes}");
    }
    told + if tokens.refresh_token().is_some() { ", and a refresh token." } else { ", and no refresh token." }
}

/// Describes a lifetime in words. A long one was calculated from a date, so it is approximate.
pub(super) fn span(lifetime: Duration) -> String {
    let seconds = lifetime.as_secs_f64();
    match lifetime.as_secs() {
        0..7_200 => format!("{seconds:.0} s"),
        7_200..172_800 => format!("about {:.0} h", seconds / 3_600.0),
        _ => format!("about {:.0} days", seconds / 86_400.0),
    }
}

/// Returns `told` if the condition holds, otherwise `wrong`.
pub(super) fn check(holds: bool, told: impl Into<String>, wrong: &str) -> Result<String, String> {
    if holds { Ok(told.into()) } else { Err(wrong.to_owned()) }
}
