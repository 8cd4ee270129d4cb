//! A proxy: its address, protocol and credentials.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use octo_auth_core::Secret;

use super::error::{COLON, ESCAPE, HOST, PATH, PORT, SCHEME, SOCKS4, SOCKS5};
use super::exception::{is_host_name, port_number, without_brackets};

/// The schemes that both adapters support, each with its default port.
const SCHEMES: [(&str, u16); 6] =
    [("http", 80), ("https", 443), ("socks4", 1080), ("socks4a", 1080), ("socks5", 1080), ("socks5h", 1080)];

/// A proxy. `Display` and `Debug` show its address without the user name and the password.
#[derive(Clone)]
pub struct Proxy {
    scheme: &'static str,
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

#[derive(Clone)]
struct Credentials {
    user: Secret,
    password: Secret,
}

impl Proxy {
    /// Parses the value of a variable. The error says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let known = SCHEMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(scheme));
        let (scheme, usual_port) = *known.ok_or(SCHEME)?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !matches!(path, "" | "/") {
            return Err(PATH);
        }
        let (userinfo, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !address.ends_with(']') => (host, port_number(port).ok_or(PORT)?),
            _ => (address, usual_port),
        };
        if !is_host(host) {
            return Err(HOST);
        }
        let credentials = Credentials::parse(scheme, userinfo)?;
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port, credentials })
    }

    /// Returns the URL of the proxy with its credentials, percent-encoded.
    #[must_use]
    pub fn url(&self) -> Secret {
        let Self { scheme, host, port, credentials } = self;
        let userinfo = credentials.as_ref().map(Credentials::userinfo);
        let userinfo = userinfo.as_ref().map_or("", Secret::expose);
        // Allocated at once, so that growing leaves no copy of the secret in memory.
        let mut url = String::with_capacity(scheme.len() + userinfo.len() + host.len() + 9);
        for part in [scheme, "://", userinfo, host, ":", &port.to_string()] {
            url.push_str(part);
        }
        Secret::new(url)
    }
}

impl Credentials {
    /// Parses the text before the `@`, if a proxy of this scheme accepts it.
    fn parse(scheme: &str, userinfo: &str) -> Result<Option<Self>, &'static str> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let (user, password) = (decode(user).ok_or(ESCAPE)?, decode(password).ok_or(ESCAPE)?);
        let lengths = [user.expose().len(), password.expose().len()];
        match scheme {
            _ if lengths == [0, 0] => return Ok(None),
            "http" | "https" if user.expose().contains(':') => return Err(COLON),
            "socks4" | "socks4a" => return Err(SOCKS4),
            "socks5" | "socks5h" if lengths.iter().any(|length| !(1..=255).contains(length)) => {
                return Err(SOCKS5);
            }
            _ => {}
        }
        Ok(Some(Self { user, password }))
    }

    fn userinfo(&self) -> Secret {
        let mut text =
            String::with_capacity(3 * (self.user.expose().len() + self.password.expose().len()) + 2);
        encode(self.user.expose(), &mut text);
        text.push(':');
        encode(self.password.expose(), &mut text);
        text.push('@');
        Secret::new(text)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Returns whether a text is a host as in a URL: an IPv6 address has brackets.
fn is_host(text: &str) -> bool {
    match without_brackets(text) {
        inner if inner.len() < text.len() => inner.parse::<Ipv6Addr>().is_ok(),
        _ => is_host_name(text) || text.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Replaces each `%` with two digits by the byte that they encode. Returns `None` if the result is not UTF-8.
fn decode(text: &str) -> Option<Secret> {
    let mut parts = text.split('%');
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok().map(Secret::new)
}

/// Writes each byte that is neither a letter nor a digit as `%` with two digits.
fn encode(text: &str, encoded: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)]));
            encoded.push('%');
            encoded.extend(digits);
        }
    }
}
