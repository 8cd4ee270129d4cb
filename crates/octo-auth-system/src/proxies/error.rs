//! The error of a proxy setting. It says what to write instead, and never shows the value.

use std::borrow::Cow;

/// A setting of a proxy that cannot be used. Neither its text nor its `Debug` shows the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {variable} cannot be used: {what}")]
pub struct ProxyError {
    variable: &'static str,
    what: Cow<'static, str>,
}

impl ProxyError {
    pub(super) fn new(variable: &'static str, what: impl Into<Cow<'static, str>>) -> Self {
        Self { variable, what: what.into() }
    }

    /// Returns the name of the variable, as it is spelled in the environment.
    #[must_use]
    pub fn variable(&self) -> &'static str {
        self.variable
    }
}

pub(super) const NOT_UTF8: &str = "it is not UTF-8; percent-encode the user name and the password";
pub(super) const SCHEME: &str = "the scheme is none of http, https, socks4, socks4a, socks5 and socks5h; \
     write it such as `http://proxy.example:3128`";
pub(super) const HOST: &str = "the host is missing, or is neither a name nor an IP address; \
     write it such as `http://proxy.example:3128`, and an IPv6 address in brackets";
pub(super) const PORT: &str = "the port is not a number from 1 to 65535; \
     write it such as `http://proxy.example:3128`, and an IPv6 address in brackets";
pub(super) const PATH: &str = "a path, query or fragment follows the host; remove it, \
     and write `/`, `?` and `#` in a password as `%2F`, `%3F` and `%23`";
pub(super) const ESCAPE: &str =
    "the user name or the password is not percent-encoded UTF-8; write `%` as `%25`";
pub(super) const COLON: &str =
    "a user name for an http or https proxy cannot hold a colon; ask for another user name";
pub(super) const SOCKS4: &str = "a socks4 or socks4a proxy takes no user name and no password; \
     remove them, or use socks5 or socks5h";
pub(super) const SOCKS5: &str = "a socks5 or socks5h proxy takes a user name and a password of 1 to 255 bytes each; \
     write both or none";

/// Returns the text for an invalid entry of a host list.
pub(super) fn entry(place: usize) -> String {
    format!(
        "entry {place} is neither `*`, a host name, an IP address nor a network, with or without a port; \
         write it such as `example.com`, `192.0.2.7`, `192.0.2.0/24` or `[2001:db8::7]:443`"
    )
}
