//! Reading a callback: the query a browser was sent back with, exactly once each parameter.

use crate::error::CallbackError;

/// Longest callback that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// The parameters of a callback; those the flow knows stand at most once.
#[derive(Default)]
pub(super) struct Callback {
    pub(super) code: Option<String>,
    pub(super) state: Option<String>,
    pub(super) iss: Option<String>,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
    pub(super) implicit: bool,
    pub(super) others: Vec<(String, String)>,
}

impl Callback {
    /// Reads the whole address, or its query alone with or without the question mark.
    pub(super) fn parse(text: &str, redirect_uri: &str) -> Result<Self, CallbackError> {
        if text.len() > LONGEST {
            return Err(CallbackError::TooLong);
        }
        let text = text.trim();
        let (before_fragment, fragment) = text.split_once('#').unwrap_or((text, ""));
        let query = match before_fragment.split_once('?') {
            Some((address, query)) => {
                check_address(address, redirect_uri)?;
                query
            }
            None if before_fragment.contains("://") => "",
            None => before_fragment,
        };
        let implicit = fragment.split('&').any(|part| part.starts_with("access_token="));
        let mut callback = Self { implicit, ..Self::default() };
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            callback.add(decode(name)?, decode(value)?)?;
        }
        Ok(callback)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), CallbackError> {
        let (place, name) = match name.as_str() {
            "code" => (&mut self.code, "code"),
            "state" => (&mut self.state, "state"),
            "iss" => (&mut self.iss, "iss"),
            "error" => (&mut self.error, "error"),
            "error_description" => (&mut self.error_description, "error_description"),
            "access_token" => {
                self.implicit = true;
                return Ok(());
            }
            _ => {
                self.others.push((name, value));
                return Ok(());
            }
        };
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(CallbackError::Duplicate { name }),
        }
    }
}

/// The address must be the redirect URI, but for what a browser rewrites in every address.
fn check_address(address: &str, redirect_uri: &str) -> Result<(), CallbackError> {
    let registered = redirect_uri.split('?').next().unwrap_or_default();
    let same = address.is_empty()
        || address == registered
        || as_browsers_write(address).is_some_and(|written| Some(written) == as_browsers_write(registered));
    if same { Ok(()) } else { Err(CallbackError::RedirectUriMismatch) }
}

/// An address with scheme and host in lower case, without the scheme's own port, with the slash of an empty path.
fn as_browsers_write(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.to_ascii_lowercase();
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(own_port).unwrap_or(&authority);
    Some(format!("{scheme}://{authority}{}", if path.is_empty() { "/" } else { path }))
}

/// Decodes a part of a query; a broken escape or bytes that are not UTF-8 are an error, not a guess.
fn decode(text: &str) -> Result<String, CallbackError> {
    let mut bytes = Vec::with_capacity(text.len());
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
    String::from_utf8(bytes).map_err(|_| CallbackError::Malformed)
}

fn hex(digit: u8) -> Result<u8, CallbackError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(CallbackError::Malformed),
    }
}
