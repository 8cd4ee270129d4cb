//! Parsing a callback: the query with which a browser returns, in which each parameter may occur once.

use std::mem;

use zeroize::Zeroizing;

use crate::error::CallbackError;
use crate::profile::origin;
use crate::secret::Secret;

/// The longest accepted callback, in bytes.
const LONGEST: usize = 16 * 1024;

/// The parameters of a callback. Those of the flow occur at most once.
#[derive(Default)]
pub(super) struct Callback {
    pub(super) code: Option<Secret>,
    pub(super) state: Option<Secret>,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
    pub(super) implicit: bool,
    /// Includes `iss`, which is a parameter of the flow only if an issuer is configured.
    pub(super) others: Vec<(String, String)>,
}

impl Callback {
    /// Parses the whole URL, its path and query, or its query alone with or without the question mark.
    pub(super) fn parse(text: &str, redirect_uri: &str) -> Result<Self, CallbackError> {
        if text.len() > LONGEST {
            return Err(CallbackError::TooLong);
        }
        let text = text.trim();
        let (before_fragment, fragment) = text.split_once('#').unwrap_or((text, ""));
        let query = query(before_fragment, redirect_uri)?;
        let implicit = fragment.split('&').any(|part| part.starts_with("access_token="));
        let mut callback = Self { implicit, ..Self::default() };
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            callback.add(decode(name)?, decode(value)?)?;
        }
        Ok(callback)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), CallbackError> {
        let (again, name) = match name.as_str() {
            "code" => (self.code.replace(Secret::new(value)).is_some(), "code"),
            "state" => (self.state.replace(Secret::new(value)).is_some(), "state"),
            "iss" => {
                let again = self.others.iter().any(|(other, _)| other == "iss");
                self.others.push((name, value));
                (again, "iss")
            }
            "error" => (self.error.replace(value).is_some(), "error"),
            "error_description" => (self.error_description.replace(value).is_some(), "error_description"),
            "access_token" => {
                self.implicit = true;
                // It is wiped at once, because it was not requested.
                drop(Secret::new(value));
                return Ok(());
            }
            _ => {
                self.others.push((name, value));
                return Ok(());
            }
        };
        if again { Err(CallbackError::Duplicate { name }) } else { Ok(()) }
    }
}

/// Returns the `state` of a query, by which to find its sign-in. It is compared when the sign-in receives the
/// callback.
pub(crate) fn state_of_callback(query: &str) -> Result<Secret, CallbackError> {
    let state = Callback::parse(&format!("?{query}"), "")?.state;
    state.filter(|state| !state.expose().is_empty()).ok_or(CallbackError::StateMissing)
}

/// Returns the query of a callback, after checking that the text before it is the redirect URI or its path.
fn query<'t>(text: &'t str, redirect_uri: &str) -> Result<&'t str, CallbackError> {
    let registered = redirect_uri.split('?').next().unwrap_or_default();
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let same = if text.starts_with('/') {
        address == path(registered)
    } else if is_absolute(text) {
        is_same_address(address, registered)
    } else {
        // All of it is the query, which may contain a question mark itself.
        return Ok(text.strip_prefix('?').unwrap_or(text));
    };
    if same { Ok(query) } else { Err(CallbackError::RedirectUriMismatch) }
}

/// Returns whether a text begins with a scheme (RFC 3986 section 3.1). A query never does.
fn is_absolute(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Returns the path of an absolute URL, as a web server receives it.
fn path(address: &str) -> &str {
    let (_, rest) = address.split_once(':').unwrap_or(("", address));
    let path =
        rest.strip_prefix("//").map_or(rest, |rest| rest.split_at(rest.find('/').unwrap_or(rest.len())).1);
    if path.is_empty() { "/" } else { path }
}

/// Returns whether a URL is the redirect URI, ignoring what browsers rewrite in every URL.
fn is_same_address(address: &str, registered: &str) -> bool {
    address == registered
        || as_browsers_write(address).is_some_and(|written| Some(written) == as_browsers_write(registered))
}

/// Returns a URL with scheme and host in lower case, without the scheme's default port, and with a slash for
/// an empty path.
fn as_browsers_write(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some([origin(scheme, authority).as_str(), if path.is_empty() { "/" } else { path }].concat())
}

/// Decodes a part of a query. A broken escape and bytes that are not UTF-8 are errors.
fn decode(text: &str) -> Result<String, CallbackError> {
    // The text never grows. It is wiped even if it cannot be decoded, because it may contain a code.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_first_chunk::<2>().ok_or(CallbackError::Malformed)?;
                bytes.push(hex(digits[0])? * 16 + hex(digits[1])?);
                rest = after;
            }
            other => bytes.push(*other),
        }
    }
    std::str::from_utf8(&bytes).map_err(|_| CallbackError::Malformed)?;
    String::from_utf8(mem::take(&mut *bytes)).map_err(|_| CallbackError::Malformed)
}

fn hex(digit: u8) -> Result<u8, CallbackError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(CallbackError::Malformed),
    }
}
