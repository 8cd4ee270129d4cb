//! Who is calling, behind proxies that are trusted.
//!
//! The rules kept here: a header counts only when the peer is trusted, and only the one that is configured; entries
//! are read from the right, and the first that is not trusted is the caller; what cannot be read ends the walk, as
//! nothing to its left was vouched for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;

use super::Allowlist;

/// The header in which trusted proxies say whom they speak for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ForwardHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Why it is not known who is calling; such a caller is to be denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallerError {
    /// The trusted peer named nobody who is not a trusted proxy.
    #[error("the trusted proxy names no caller")]
    Missing,
    /// An entry is no address.
    #[error("an entry of the header is no address")]
    Malformed,
    /// An entry hides the address (RFC 7239 section 6).
    #[error("an entry of the header hides the address")]
    Hidden,
    /// More text or more entries than are read.
    #[error("the header has more than 8192 bytes or 32 entries")]
    TooLong,
}

impl CallerError {
    /// A stable word for it.
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

/// Gives the address of the caller; an IPv4-mapped one as IPv4.
///
/// # Errors
///
/// [`CallerError`] if the peer is trusted and what it says cannot be.
pub fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    header: ForwardHeader,
    trusted: &Allowlist,
) -> Result<IpAddr, CallerError> {
    if !trusted.permits(peer) {
        return Ok(peer.to_canonical());
    }
    let name = match header {
        ForwardHeader::XForwardedFor => "x-forwarded-for",
        ForwardHeader::Forwarded => "forwarded",
    };
    let values: Vec<&[u8]> = headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
    if values.iter().map(|value| value.len()).sum::<usize>() > MOST_BYTES {
        return Err(CallerError::TooLong);
    }
    let mut entries = Vec::new();
    for value in values {
        let text = std::str::from_utf8(value).map_err(|_| CallerError::Malformed)?;
        entries.extend(pieces(text, ',')?);
    }
    if entries.len() > MOST_ENTRIES {
        return Err(CallerError::TooLong);
    }
    for entry in entries.into_iter().rev() {
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

/// Splits a text at a separator that is not inside quotes.
fn pieces(text: &str, separator: char) -> Result<Vec<&str>, CallerError> {
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    let mut pieces = Vec::new();
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if letter == separator && !quoted => {
                pieces.push(text[start..at].trim_matches(BLANK));
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted {
        return Err(CallerError::Malformed);
    }
    pieces.push(text[start..].trim_matches(BLANK));
    Ok(pieces)
}

const BLANK: [char; 2] = [' ', '\t'];

/// The value of the one `for` of an element of `Forwarded`, without quotes.
fn for_of(element: &str) -> Result<String, CallerError> {
    let mut found = None;
    for pair in pieces(element, ';')? {
        let (name, value) = pair.split_once('=').ok_or(CallerError::Malformed)?;
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return Err(CallerError::Malformed);
        }
    }
    let value = found.ok_or(CallerError::Malformed)?;
    let Some(inside) = value.strip_prefix('"') else {
        // A colon or a bracket stands in quotes only (RFC 7239 section 6).
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

/// Reads an address, perhaps with a port; IPv6 without brackets only where that is usual.
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
