//! The address of the caller, behind trusted proxies.
//!
//! The rules of this module:
//!
//! - A header counts only if the peer is trusted, and only the configured header counts.
//! - Entries are read from right to left, the last line first. The first entry that is not a trusted proxy is
//!   the caller.
//! - An unreadable entry ends the search with an error.
//! - Entries further left were written by the caller and are not read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;

use super::Allowlist;

/// The header in which trusted proxies name the address of their client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ForwardHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Why the caller's address is unknown. Deny such a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallerError {
    /// No address is left after removing the trusted proxies.
    #[error("the trusted proxy names no caller")]
    Missing,
    /// An entry is not an address.
    #[error("an entry of the header is no address")]
    Malformed,
    /// An entry hides the address (RFC 7239 section 6).
    #[error("an entry of the header hides the address")]
    Hidden,
    /// More text, or more entries of trusted proxies, than the limit.
    #[error("more than 8192 bytes or 32 entries of trusted proxies stand in the header")]
    TooLong,
}

impl CallerError {
    /// Returns a stable word for the error.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "caller_missing",
            Self::Malformed => "caller_malformed",
            Self::Hidden => "caller_hidden",
            Self::TooLong => "caller_too_long",
        }
    }
}

/// Returns the address of the caller. An IPv4-mapped address is returned as IPv4.
///
/// # Errors
///
/// A [`CallerError`] if the peer is trusted and its header cannot be used.
pub fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    header: ForwardHeader,
    trusted: &Allowlist,
) -> Result<IpAddr, CallerError> {
    if !trusted.permits(peer) {
        return Ok(peer.to_canonical());
    }
    let (name, with_quotes) = match header {
        ForwardHeader::XForwardedFor => ("x-forwarded-for", false),
        ForwardHeader::Forwarded => ("forwarded", true),
    };
    let lines = headers.get_all(name).iter().rev();
    let entries = lines.flat_map(|line| FromRight { rest: Some(line.as_bytes()), with_quotes });
    let mut bytes = 0;
    for (walked, entry) in entries.enumerate() {
        bytes += entry.len() + 1;
        if walked == MOST_ENTRIES || bytes > MOST_BYTES {
            return Err(CallerError::TooLong);
        }
        let entry = std::str::from_utf8(entry).map_err(|_| CallerError::Malformed)?.trim_matches(BLANK);
        let address = match header {
            ForwardHeader::XForwardedFor => node(entry, true)?,
            ForwardHeader::Forwarded => node(&for_of(entry)?, false)?,
        };
        if !trusted.permits(address) {
            return Ok(address);
        }
    }
    Err(CallerError::Missing)
}

const MOST_BYTES: usize = 8192;
const MOST_ENTRIES: usize = 32;
const BLANK: [char; 2] = [' ', '\t'];

/// The entries of a header line, the last one first.
struct FromRight<'h> {
    rest: Option<&'h [u8]>,
    /// Whether commas inside quotes are not separators.
    with_quotes: bool,
}

impl<'h> Iterator for FromRight<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        let line = self.rest?;
        let comma = last_comma(line, self.with_quotes);
        self.rest = comma.map(|comma| &line[..comma]);
        Some(&line[comma.map_or(0, |comma| comma + 1)..])
    }
}

fn last_comma(line: &[u8], with_quotes: bool) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' if with_quotes && !is_escaped(&line[..at]) => quoted = !quoted,
            b',' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns whether the text before a byte escapes it: it ends with an odd number of backslashes.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Splits an element of `Forwarded` at each semicolon that is not inside quotes.
fn pairs(element: &str) -> Vec<&str> {
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    let mut pairs = Vec::new();
    for (at, letter) in element.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                pairs.push(element[start..at].trim_matches(BLANK));
                start = at + 1;
            }
            _ => {}
        }
    }
    pairs.push(element[start..].trim_matches(BLANK));
    pairs
}

/// Returns the value of the only `for` in an element of `Forwarded`, without quotes.
fn for_of(element: &str) -> Result<String, CallerError> {
    let mut found = None;
    // A pair may be empty (RFC 7239 section 4).
    for pair in pairs(element).into_iter().filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(CallerError::Malformed)?;
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return Err(CallerError::Malformed);
        }
    }
    let value = found.ok_or(CallerError::Malformed)?;
    let Some(inside) = value.strip_prefix('"') else {
        // A colon or a bracket is allowed only in quotes (RFC 7239 section 6).
        return if value.contains([':', '[', '"']) {
            Err(CallerError::Malformed)
        } else {
            Ok(value.to_owned())
        };
    };
    let inside = inside.strip_suffix('"').ok_or(CallerError::Malformed)?;
    let mut plain = String::with_capacity(inside.len());
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => plain.extend(letters.next()),
            '"' => return Err(CallerError::Malformed),
            _ => plain.push(letter),
        }
    }
    Ok(plain)
}

/// Parses an address with an optional port. IPv6 without brackets is allowed only with `bare_v6`.
fn node(text: &str, bare_v6: bool) -> Result<IpAddr, CallerError> {
    if text.starts_with('_') || text.eq_ignore_ascii_case("unknown") {
        return Err(CallerError::Hidden);
    }
    let (address, rest) = if let Some(inside) = text.strip_prefix('[') {
        let (address, rest) = inside.split_once(']').ok_or(CallerError::Malformed)?;
        (address.parse::<Ipv6Addr>().map(IpAddr::V6), rest)
    } else if bare_v6 && text.bytes().filter(|byte| *byte == b':').count() > 1 {
        (text.parse::<Ipv6Addr>().map(IpAddr::V6), "")
    } else {
        let (address, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        (address.parse::<Ipv4Addr>().map(IpAddr::V4), rest)
    };
    let port_is_sound = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    match address {
        Ok(address) if port_is_sound => Ok(address.to_canonical()),
        _ => Err(CallerError::Malformed),
    }
}

fn is_port(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.strip_prefix('_') {
        Some(hidden) => {
            !hidden.is_empty()
                && hidden.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        }
        None => digits(text) && text.parse::<u16>().is_ok(),
    }
}
