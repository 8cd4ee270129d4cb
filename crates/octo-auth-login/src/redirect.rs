//! The redirect URI of a listener on loopback (RFC 8252 section 7.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::listen_error::ListenError;

/// A redirect URI of the form `http://HOST[:PORT][/PATH][?QUERY]` with a loopback host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) host: String,
    /// The addresses to listen on.
    pub(crate) addresses: Vec<IpAddr>,
    /// `None` means any free port.
    pub(crate) port: Option<u16>,
    /// Path and query.
    pub(crate) target: String,
}

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

impl Redirect {
    pub(crate) fn read(uri: &str) -> Result<Self, ListenError> {
        let unfit = || ListenError::Address { uri: uri.to_owned() };
        let rest = uri.strip_prefix("http://").ok_or_else(unfit)?;
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| unfit())?)),
            None => (authority, None),
        };
        let addresses = match host.to_ascii_lowercase().as_str() {
            "127.0.0.1" => vec![V4],
            "[::1]" => vec![V6],
            // The browser may try either.
            "localhost" => vec![V4, V6],
            _ => return Err(unfit()),
        };
        if target.contains('#') {
            return Err(unfit());
        }
        let port = port.filter(|port| *port != 0);
        Ok(Self { host: host.to_owned(), addresses, port, target: target.to_owned() })
    }

    /// The path as a request names it.
    pub(crate) fn path(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        if path.is_empty() { "/" } else { path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_listened_on_alone_and_localhost_on_both_families() {
        for (uri, addresses, port, path) in [
            ("http://127.0.0.1/callback", vec![V4], None, "/callback"),
            ("http://127.0.0.1:0/callback", vec![V4], None, "/callback"),
            ("http://127.0.0.1:8400", vec![V4], Some(8400), "/"),
            ("http://[::1]:8400/cb?a=b", vec![V6], Some(8400), "/cb"),
            ("http://[::1]", vec![V6], None, "/"),
            ("http://localhost:8400/cb", vec![V4, V6], Some(8400), "/cb"),
        ] {
            let read = Redirect::read(uri).expect("a loopback address");
            assert_eq!((read.addresses.clone(), read.port, read.path()), (addresses, port, path), "{uri}");
        }
    }

    #[test]
    fn another_machine_another_scheme_and_a_bad_port_are_refused() {
        for uri in [
            "https://localhost/",
            "http://app.example/cb",
            "http://0.0.0.0:80/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:x/cb",
            "http://127.0.0.1@evil.example/cb",
            "http://127.0.0.1/cb#x",
            "127.0.0.1:80",
            "",
        ] {
            assert!(Redirect::read(uri).is_err(), "{uri}");
        }
    }
}
