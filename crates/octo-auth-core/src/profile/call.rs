//! The calls of a provider: the URL of each, the encoding of its parameters, and their names.
//!
//! A call describes all bytes of a request except the values of one request. Its templates name these by
//! [`Placeholder`](super::Placeholder). How to read answers is described elsewhere.

use super::{List, Placeholder, Template, Text};

/// The calls of a provider, each an HTTP request with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Calls {
    /// The client credentials grant (RFC 6749 section 4.4).
    pub client_credentials: Option<Call>,
    /// The authorization request: the page that a person is sent to (RFC 6749 section 4.1.1).
    pub authorization: Option<Call>,
    /// The exchange of an authorization code (RFC 6749 section 4.1.3).
    pub code: Option<Call>,
    /// The renewal by refresh token (RFC 6749 section 6).
    pub refresh: Option<Call>,
    /// Octorate's ApiLogin: an administration token, without a grant type.
    pub api_login: Option<Call>,
    /// Octorate's migration of a key of its old API.
    pub migrate: Option<Call>,
    /// Reading the API configuration.
    pub api_configuration: Option<Call>,
    /// Replacing the registered redirect URIs.
    pub replace_redirect_uris: Option<Call>,
    /// Creating a property. The answer contains a refresh token.
    pub create_property: Option<Call>,
    /// OctoTable's creation of a client.
    pub create_client: Option<Call>,
    /// Token revocation (RFC 7009).
    pub revocation: Option<Call>,
    /// Token introspection (RFC 7662).
    pub introspection: Option<Call>,
}

impl Calls {
    /// Returns the calls that are present, each with its name, in the order of the fields.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Call)> {
        let named = [
            ("client_credentials", &self.client_credentials),
            ("authorization", &self.authorization),
            ("code", &self.code),
            ("refresh", &self.refresh),
            ("api_login", &self.api_login),
            ("migrate", &self.migrate),
            ("api_configuration", &self.api_configuration),
            ("replace_redirect_uris", &self.replace_redirect_uris),
            ("create_property", &self.create_property),
            ("create_client", &self.create_client),
            ("revocation", &self.revocation),
            ("introspection", &self.introspection),
        ];
        named.into_iter().filter_map(|(name, call)| call.as_ref().map(|call| (name, call)))
    }
}

/// One HTTP request of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The name of the host, one of [`Document::hosts`](super::Document::hosts).
    pub host: Text,
    /// The path, beginning with a slash.
    pub path: Text,
    /// A query that is part of the endpoint's own URL and stays in it (RFC 6749 section 3.2), without `?`.
    ///
    /// A call with [`Encoding::Query`] has none: use fixed parameters there.
    #[cfg_attr(feature = "toml", serde(default))]
    pub query: Option<Text>,
    /// How the parameters are encoded.
    pub encoding: Encoding,
    /// The parameters in the order of writing. A parameter without a value is omitted.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub parameters: List<Parameter>,
    /// Headers besides `Accept`, `Content-Type` and client authentication.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub headers: List<Parameter>,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

impl Call {
    /// Returns whether a parameter or header of the call has this role.
    #[must_use]
    pub fn carries(&self, role: Placeholder) -> bool {
        self.parameters.iter().chain(&*self.headers).any(|parameter| parameter.value.role() == Some(role))
    }
}

/// The HTTP method of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "UPPERCASE"))]
#[non_exhaustive]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PATCH.
    Patch,
}

/// How the parameters of a call are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Encoding {
    /// In the query of the URL.
    Query,
    /// As an `application/x-www-form-urlencoded` body.
    Form,
    /// As a JSON object. A dot in a parameter's name creates a nested object.
    Json,
    /// As a JSON array that contains the one object.
    JsonArray,
    /// As JSON from the caller. The call has no parameters of its own.
    CallerJson,
    /// The call has no parameters.
    None,
}

/// A parameter or header of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Parameter {
    /// Its name in the request.
    pub name: Text,
    /// Its value: fixed text, or text with one `{role}` that is filled in for each request.
    pub value: Template,
}
