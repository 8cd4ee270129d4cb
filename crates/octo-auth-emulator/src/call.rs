//! One request as a provider sees it: host, path, fields, headers, body, and the address of its client.
//!
//! Paths are kept byte for byte: a path with a trailing slash or a needless escape is a different path.

use std::net::IpAddr;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri, header};
use serde_json::Value;

/// A parsed request.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Fields,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The client's address. An IPv4-mapped address becomes the IPv4 address; forwarding headers are ignored.
    pub(crate) peer: IpAddr,
    /// The emulator's own origin: `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
}

impl Call {
    pub(crate) fn new(method: Method, uri: &Uri, headers: HeaderMap, peer: IpAddr, origin: &str) -> Self {
        let without_slash = uri.path().strip_prefix('/').unwrap_or(uri.path());
        let (host, path) = match without_slash.find('/') {
            Some(end) => without_slash.split_at(end),
            None => (without_slash, ""),
        };
        Self {
            method,
            host: host.to_owned(),
            path: path.to_owned(),
            query: Fields::parse(uri.query().unwrap_or_default().as_bytes()),
            headers,
            body: Bytes::new(),
            peer: peer.to_canonical(),
            origin: origin.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the fields of an `application/x-www-form-urlencoded` body; `None` for any other content type.
    pub(crate) fn form(&self) -> Option<Fields> {
        self.is_of_type("application/x-www-form-urlencoded").then(|| Fields::parse(&self.body))
    }

    pub(crate) fn is_json(&self) -> bool {
        self.is_of_type("application/json")
    }

    /// Parses the body as JSON, whatever its content type is.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Returns the token of `Authorization: Bearer` (RFC 6750 section 2.1).
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.authorization("Bearer")
    }

    /// Returns the text after the given scheme in the `Authorization` header. The case of the scheme does not matter
    /// (RFC 9110 section 11.1).
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (named, rest) = self.header(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        named.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    }

    fn is_of_type(&self, expected: &str) -> bool {
        let sent = self.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        sent.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
    }
}

/// The parameters of a query or form, in the order they were sent.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// Returns the first value of a parameter. A parameter without a value counts as omitted (RFC 6749 section 3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// Returns the first parameter with another name than these.
    pub(crate) fn other_than(&self, names: &[&str]) -> Option<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !names.contains(name))
    }

    /// Returns a parameter that was sent more than once (forbidden by RFC 6749 sections 3.1 and 3.2).
    pub(crate) fn repeated(&self) -> Option<&str> {
        let name = |index: usize| self.0[index].0.as_str();
        (1..self.0.len())
            .map(name)
            .enumerate()
            .find(|(before, n)| (0..=*before).any(|i| name(i) == *n))
            .map(|(_, n)| n)
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_found_and_an_empty_one_counts_as_omitted() {
        let fields = Fields::parse(b"a=1&b=&a=2");
        assert_eq!(fields.repeated(), Some("a"));
        assert_eq!(fields.get("a"), Some("1"));
        assert_eq!(fields.get("b"), None);
        assert_eq!(Fields::parse(b"a=1&b=2").repeated(), None);
    }

    #[test]
    fn a_peer_is_its_ipv4_address_however_the_socket_shows_it_and_whatever_headers_claim() {
        let mut headers = HeaderMap::new();
        for name in ["forwarded", "x-forwarded-for", "x-real-ip"] {
            headers.insert(name, axum::http::HeaderValue::from_static("for=203.0.113.9"));
        }
        let uri = Uri::from_static("/api.octorate.com/connect/rest/v1/accommodation");
        for peer in ["192.0.2.7", "::ffff:192.0.2.7"] {
            let peer = peer.parse().expect("an address");
            let call = Call::new(Method::GET, &uri, headers.clone(), peer, "http://127.0.0.1:1");
            assert_eq!(call.peer.to_string(), "192.0.2.7");
        }
    }
}
