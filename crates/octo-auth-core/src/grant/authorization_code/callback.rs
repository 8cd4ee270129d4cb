//! Reading a callback: the query a browser was sent back with, exactly once each parameter.

use std::mem;

use zeroize::Zeroizing;

use crate::error::CallbackError;
use crate::profile::origin;
use crate::secret::Secret;

/// Longest callback that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// The parameters of a callback; those the flow knows stand at most once.
#[derive(Default)]
pub(super) struct Callback {
    pub(super) code: Option<Secret>,
    pub(super) state: Option<Secret>,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
    pub(super) implicit: bool,
    /// `iss` among them, which is the flow's own only where an issuer is configured.
    pub(super) others: Vec<(String, String)>,
}

impl Callback {
    /// Reads the whole address, its path and query, or its query alone with or without the question mark.
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
                // Wiped at once: it was not asked for.
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

/// Returns the `state` of a query, by which its sign-in is found. It is compared when the sign-in receives the callback.
pub(crate) fn state_of_callback(query: &str) -> Result<Secret, CallbackError> {
    let state = Callback::parse(&format!("?{query}"), "")?.state;
    state.filter(|state| !state.expose().is_empty()).ok_or(CallbackError::StateMissing)
}

/// The query of a callback, once what stands before it is found to be the redirect URI or its path.
fn query<'t>(text: &'t str, redirect_uri: &str) -> Result<&'t str, CallbackError> {
    let registered = redirect_uri.split('?').next().unwrap_or_default();
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let same = if text.starts_with('/') {
        address == path(registered)
    } else if is_absolute(text) {
        is_same_address(address, registered)
    } else {
        // All of it is the query, which may hold a question mark of its own.
        return Ok(text.strip_prefix('?').unwrap_or(text));
    };
    if same { Ok(query) } else { Err(CallbackError::RedirectUriMismatch) }
}

/// Whether a text begins with a scheme (RFC 3986 section 3.1), as no query does.
fn is_absolute(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// The path of an absolute address, as a web server is asked for it.
fn path(address: &str) -> &str {
    let (_, rest) = address.split_once(':').unwrap_or(("", address));
    let path =
        rest.strip_prefix("//").map_or(rest, |rest| rest.split_at(rest.find('/').unwrap_or(rest.len())).1);
    if path.is_empty() { "/" } else { path }
}

/// Whether an address is the redirect URI, but for what a browser rewrites in every address.
fn is_same_address(address: &str, registered: &str) -> bool {
    address == registered
        || as_browsers_write(address).is_some_and(|written| Some(written) == as_browsers_write(registered))
}

/// An address with scheme and host in lower case, without the scheme's own port, with the slash of an empty path.
fn as_browsers_write(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some([origin(scheme, authority).as_str(), if path.is_empty() { "/" } else { path }].concat())
}

/// Decodes a part of a query; a broken escape or bytes that are not UTF-8 are an error, not a guess.
fn decode(text: &str) -> Result<String, CallbackError> {
    // Nothing grows beyond the text, and what cannot be decoded may hold a code as well: it is wiped.
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
