//! Decides which requests go through a proxy, with the same reading of the environment for both adapters.
//!
//! The adapters call [`Proxies::for_url`] for each request and configure their HTTP client with the result. The
//! client's own reading of the environment is switched off, so that a setting means the same in both.
//!
//! | variable | meaning |
//! |---|---|
//! | `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY` | The proxy for https. The first one that is set is used, in this order, as in curl. An empty or blank value counts as not set. |
//! | `no_proxy`, `NO_PROXY` | The hosts that are reached directly. The first one that is set is used, in this order. |
//! | `http_proxy`, `HTTP_PROXY` | Not read: plain http goes only to loopback, and never through a proxy. |
//!
//! A proxy is `scheme://user:password@host:port`. All parts except the host are optional:
//!
//! | part | values | default |
//! |---|---|---|
//! | scheme | `http` and `https` (`CONNECT`); `socks4` and `socks5` (this machine looks up the server's name); `socks4a` and `socks5h` (the proxy does) | `http` |
//! | user and password | Percent-encoded. `socks5` and `socks5h` accept both or none; `socks4` and `socks4a` accept none. | none |
//! | host | a name, an IPv4 address, an IPv6 address in brackets | |
//! | port | 1 to 65535 | `http` 80, `https` 443, the others 1080 |
//!
//! The entries of `NO_PROXY` are separated by commas or white space:
//!
//! | entry | hosts that are reached directly |
//! |---|---|
//! | `*` | every host |
//! | `example.com`, `.example.com`, `*.example.com` | the host `example.com` and every host below it, in any case; not `myexample.com` |
//! | `192.0.2.7`, `2001:db8::7`, `[2001:db8::7]` | the address, if the URL contains it |
//! | `192.0.2.0/24`, `2001:db8::/32` | the addresses of the network, if the URL contains one; host names are not looked up for this |
//! | any of these with a port, such as `example.com:8443` or `[2001:db8::7]:8443` | the same, only at this port |
//!
//! If a setting cannot be used, building the transport returns an error. The error names the variable and says
//! what to write instead. It never shows the value, which may contain a password.
//!
//! Loopback is not treated specially: `https://127.0.0.1` goes through the proxy unless `NO_PROXY` names it.

mod error;
mod exception;
mod proxy;

use std::ffi::OsString;

use http::Uri;
use http::uri::Scheme;
use octo_auth_core::Secret;

pub use error::ProxyError;
use exception::Exception;
pub use proxy::Proxy;

/// The variables that name the proxy for https. The first one that is set is used.
const PROXY: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The variables that name the hosts that are reached directly. The first one that is set is used.
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy settings. The [module](self) describes them.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    proxy: Option<Proxy>,
    exceptions: Vec<Exception>,
}

impl Proxies {
    /// Returns settings without a proxy.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the environment of the process.
    ///
    /// # Errors
    ///
    /// A [`ProxyError`] if a setting cannot be used.
    pub fn from_env() -> Result<Self, ProxyError> {
        Self::read(|name| std::env::var_os(name))
    }

    /// Reads the variables with a function that returns the value of a variable, or `None` if it is not set.
    ///
    /// Without a proxy, `NO_PROXY` is not read.
    ///
    /// ```
    /// use octo_auth_system::proxies::Proxies;
    ///
    /// let settings = [("HTTPS_PROXY", "http://proxy.example:3128"), ("NO_PROXY", ".internal.example, 10.0.0.0/8")];
    /// let value = |name: &str| settings.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into());
    /// let proxies = Proxies::read(value)?;
    /// let way = |url| proxies.for_url(&http::Uri::from_static(url)).map(ToString::to_string);
    /// assert_eq!(way("https://auth.example/token").as_deref(), Some("http://proxy.example:3128"));
    /// assert_eq!(way("https://auth.internal.example/token"), None);
    /// # Ok::<(), octo_auth_system::proxies::ProxyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ProxyError`] if a setting cannot be used.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ProxyError> {
        let Some((name, value)) = first_set(&PROXY, &variable)? else { return Ok(Self::none()) };
        let proxy = Proxy::parse(value.expose().trim()).map_err(|what| ProxyError::new(name, what))?;
        let exceptions = match first_set(&NO_PROXY, &variable)? {
            Some((name, value)) => exceptions(name, value.expose())?,
            None => Vec::new(),
        };
        Ok(Self { proxy: Some(proxy), exceptions })
    }

    /// Returns the proxy for a request to a URL, or `None` if the request goes to the server directly.
    #[must_use]
    pub fn for_url(&self, url: &Uri) -> Option<&Proxy> {
        let (proxy, host) = (self.proxy.as_ref()?, url.host()?);
        let port = url.port_u16().unwrap_or(443);
        let is_direct = url.scheme() == Some(&Scheme::HTTP)
            || self.exceptions.iter().any(|exception| exception.covers(host, port));
        (!is_direct).then_some(proxy)
    }

    /// Returns the proxy for all requests that do not go to the server directly.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }
}

/// Returns the first of these variables that is set, with its value.
fn first_set(
    names: &[&'static str],
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(&'static str, Secret)>, ProxyError> {
    for name in names {
        let Some(value) = variable(name) else { continue };
        let value = value.into_string().map_err(|_| ProxyError::new(name, error::NOT_UTF8))?;
        if !value.trim().is_empty() {
            return Ok(Some((name, Secret::new(value))));
        }
    }
    Ok(None)
}

/// Reads the entries of a list. Errors count their positions from 1.
fn exceptions(name: &'static str, list: &str) -> Result<Vec<Exception>, ProxyError> {
    let entries = list.split([',', ' ', '\t', '\n', '\r']).filter(|entry| !entry.is_empty());
    let read = |(place, entry)| {
        Exception::parse(entry).ok_or_else(|| ProxyError::new(name, error::entry(place + 1)))
    };
    entries.enumerate().map(read).collect()
}
