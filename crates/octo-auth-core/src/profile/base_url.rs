//! The base URL of a host: scheme, authority and optionally a path, checked once.
//!
//! A request to a base URL is encrypted, or stays on this machine. The text is kept as written, except for a
//! trailing slash. It is not normalised, so a path is appended byte for byte.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

use super::Text;

/// The base URL of a host: `https` to any host, `http` only to a loopback address.
///
/// ```
/// use octo_auth_core::profile::BaseUrl;
///
/// let base = BaseUrl::new("https://API.example.com/v2/")?;
/// assert_eq!(base.join("/token"), "https://API.example.com/v2/token");
/// assert_eq!(base.origin(), "https://api.example.com");
/// assert!(BaseUrl::new("http://api.example.com").is_err());
/// # Ok::<(), octo_auth_core::profile::BaseUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(try_from = "String"))]
pub struct BaseUrl(Text);

impl BaseUrl {
    /// Parses a base URL. Slashes at its end are dropped.
    ///
    /// # Errors
    ///
    /// A [`BaseUrlError`], which says which part is wrong and what to write instead.
    pub fn new(text: impl Into<Text>) -> Result<Self, BaseUrlError> {
        let text = text.into();
        check(&text)?;
        let kept = text.trim_end_matches('/').len();
        Ok(Self(match text {
            Text::Borrowed(text) => Text::Borrowed(&text[..kept]),
            Text::Owned(mut text) => {
                text.truncate(kept);
                Text::Owned(text)
            }
        }))
    }

    /// Returns a base URL of the generated documents, which was checked when they were generated.
    #[cfg(feature = "providers")]
    pub(super) const fn generated(text: &'static str) -> Self {
        Self(Text::Borrowed(text))
    }

    /// Returns the URL as text, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `scheme://host[:port]` in lower case, without the scheme's default port (RFC 6454 section
    /// 6.2).
    #[must_use]
    pub fn origin(&self) -> String {
        let (scheme, authority, _) = self.split();
        origin(scheme, authority)
    }

    /// Returns the URL of a path, which begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        [&*self.0, path].concat()
    }

    /// Splits the text into scheme, authority and path.
    pub(super) fn split(&self) -> (&str, &str, &str) {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        (scheme, authority, path)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text.to_owned())
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = BaseUrlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

/// Why a text is not a base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// The text is not an absolute URL.
    #[error("it is not an absolute URL: write it as https://host/path")]
    NotAbsolute,
    /// It has a character that is not allowed in a URL.
    #[error(
        "it holds white space, a control character or a character outside ASCII: percent-encode the path and write the host in punycode"
    )]
    Character,
    /// It has a scheme other than `https` and `http`.
    #[error("its scheme is `{0}`: use https")]
    Scheme(String),
    /// It has unencrypted `http` to another machine.
    #[error(
        "unencrypted http is allowed to loopback addresses only (127.0.0.0/8, [::1], localhost), and `{0}` is none: use https"
    )]
    Unencrypted(String),
    /// It has a user name or password before the host.
    #[error(
        "it holds a user name or password: remove everything up to the `@`, credentials are given to the client"
    )]
    UserInfo,
    /// It has a query.
    #[error("it holds a query: remove it from the `?` on")]
    Query,
    /// It has a fragment.
    #[error("it holds a fragment: remove it from the `#` on")]
    Fragment,
    /// Its host is neither a name nor an address.
    #[error("its host `{0}` is neither a name nor an address: correct it")]
    Host(String),
    /// Its port is not a valid port number.
    #[error("its port is not a number from 1 to 65535: correct or remove it")]
    Port,
    /// Its path contains `.` or `..`, which HTTP clients resolve differently.
    #[error("its path holds a `.` or `..` segment: write the path without it")]
    DotSegment,
}

fn check(text: &str) -> Result<(), BaseUrlError> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BaseUrlError::Character);
    }
    if text.contains('#') {
        return Err(BaseUrlError::Fragment);
    }
    if text.contains('?') {
        return Err(BaseUrlError::Query);
    }
    if let Some(scheme) = foreign_scheme(text) {
        return Err(BaseUrlError::Scheme(scheme.to_owned()));
    }
    let uri = Uri::from_str(text).map_err(|_| BaseUrlError::NotAbsolute)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(BaseUrlError::NotAbsolute);
    };
    check_authority(authority)?;
    if has_dot_segment(uri.path()) {
        return Err(BaseUrlError::DotSegment);
    }
    match scheme {
        "https" => Ok(()),
        "http" if is_loopback(authority.host()) => Ok(()),
        _ => Err(BaseUrlError::Unencrypted(authority.host().to_owned())),
    }
}

/// Returns the scheme of a text, if it is neither `https` nor `http`. A host with a port has none.
fn foreign_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_web = ["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_scheme && !is_web && !rest.starts_with(|first: char| first.is_ascii_digit())).then_some(scheme)
}

fn check_authority(authority: &Authority) -> Result<(), BaseUrlError> {
    if authority.as_str().contains('@') {
        return Err(BaseUrlError::UserInfo);
    }
    let host = authority.host();
    if !is_host(host) {
        return Err(BaseUrlError::Host(host.to_owned()));
    }
    let rest = &authority.as_str()[host.len()..];
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Ok(()),
        Some(port) if !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port != 0) => Ok(()),
        _ => Err(BaseUrlError::Port),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inside) = host.strip_prefix('[') {
        return inside.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// Returns scheme, host and port in lower case, without the scheme's default port (RFC 6454 section 4).
pub(crate) fn origin(scheme: &str, authority: &str) -> String {
    let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
    let own_port = if scheme.eq_ignore_ascii_case("http") { ":80" } else { ":443" };
    origin.strip_suffix(own_port).map_or_else(|| origin.clone(), str::to_owned)
}

/// Returns whether a host (an IPv6 address in brackets) is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Returns whether a path contains a segment that URL libraries resolve away.
pub(super) fn has_dot_segment(path: &str) -> bool {
    path.split('/')
        .any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}
