//! An entry of `NO_PROXY`: the hosts that are reached directly.

use std::net::IpAddr;

use ipnet::IpNet;

/// Hosts that are reached directly.
#[derive(Debug, Clone)]
pub(super) struct Exception {
    hosts: Hosts,
    /// The only port that the entry applies to, or `None` for all ports.
    port: Option<u16>,
}

#[derive(Debug, Clone)]
enum Hosts {
    All,
    /// The addresses of a network. A single address is a network of one.
    Network(IpNet),
    /// A name in lower case, and all names below it.
    Domain(String),
}

impl Exception {
    /// Reads an entry. Returns `None` if it has none of the documented forms.
    pub(super) fn parse(entry: &str) -> Option<Self> {
        if let Some(hosts) = Hosts::parse(entry) {
            return Some(Self { hosts, port: None });
        }
        let (hosts, port) = entry.rsplit_once(':')?;
        Some(Self { hosts: Hosts::parse(hosts)?, port: Some(port_number(port)?) })
    }

    /// Returns whether a host, written as in a URL, is reached directly at a port.
    pub(super) fn covers(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|only| only == port) && self.hosts.hold(host)
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let bare = without_brackets(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Some(Self::Network(address.to_canonical().into()));
        }
        if let Ok(network) = bare.parse() {
            return Some(Self::Network(network));
        }
        let name = text.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(text);
        let name = name.strip_prefix('.').unwrap_or(name);
        let name = name.strip_suffix('.').unwrap_or(name);
        is_host_name(name).then(|| Self::Domain(name.to_ascii_lowercase()))
    }

    fn hold(&self, host: &str) -> bool {
        let address = without_brackets(host).parse::<IpAddr>().ok();
        match self {
            Self::All => true,
            Self::Network(network) => {
                address.is_some_and(|address| network.contains(&address.to_canonical()))
            }
            Self::Domain(name) => {
                let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
                host.strip_suffix(name.as_str()).is_some_and(|front| front.is_empty() || front.ends_with('.'))
            }
        }
    }
}

/// Returns whether a text may be a host name. A name whose last label is a number would be an IPv4 address.
pub(super) fn is_host_name(text: &str) -> bool {
    let is_sound = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = text.rsplit('.').next().unwrap_or(text);
    text.split('.').all(is_sound) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses a port, which must not be 0.
pub(super) fn port_number(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port != 0)
}

/// Returns an IPv6 address without its brackets, and any other text unchanged.
pub(super) fn without_brackets(text: &str) -> &str {
    text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text)
}
