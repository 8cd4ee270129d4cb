//! Providers as data: everything octo-auth knows about a server, without server-specific code.
//!
//! A [`Document`] describes a provider: hosts, calls, field names, lifetime rules, limits, error formats and
//! refusals, each with its source. A [`Profile`] is a checked document, and the only form that the rest of
//! the crate accepts. The three built-in documents are generated from `profiles/*.toml`. Any other server is
//! described in code or, with the feature `toml`, in a file ([`manual::profiles`](crate::manual::profiles)).
//!
//! No other module asks which provider it is talking to. A peculiarity of a provider is a field of this
//! document, interpreted in one place.

mod answer;
mod base_url;
#[cfg(feature = "providers")]
mod builtin;
mod call;
mod check;
mod checked;
mod endpoint;
mod error;
#[cfg(feature = "providers")]
mod generated;
pub(crate) mod member_path;
mod names;
#[cfg(feature = "toml")]
mod read;
mod rfc6749;
mod template;
mod text;

pub(crate) use base_url::{is_loopback, origin};
pub(crate) use names::{Names, Use};

pub use answer::{
    AbsentTokenType, ApiConfigurationAnswer, CreatedClientAnswer, CreatedPropertyAnswer, ErrorShape,
    KeptMember, LifetimeUnit, Refusal, RefusalMeaning, TokenAnswer,
};
pub use base_url::{BaseUrl, BaseUrlError};
pub use call::{Call, Calls, Encoding, Method, Parameter};
pub use checked::Profile;
pub use error::{ProfileError, ProfileProblem};
pub use template::{Placeholder, Template, TemplateError};
pub use text::{List, Text};

#[cfg(feature = "toml")]
use text::nothing;

/// The description of one provider; checked by [`Profile::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Document {
    /// The short name in lower case (`octorate`), used in messages and on the command line.
    pub name: Text,
    /// The name as the provider writes it.
    pub title: Text,
    /// The meaning of the source keys used in this document.
    #[cfg_attr(feature = "toml", serde(default = "nothing"))]
    pub sources: List<Source>,
    /// The hosts that requests go to, by name.
    pub hosts: List<Host>,
    /// How the client authenticates itself at the token endpoint.
    pub client_authentication: ClientAuthentication,
    /// How a client without a secret identifies itself at the token endpoint.
    #[cfg_attr(feature = "toml", serde(default))]
    pub public_client: PublicClient,
    /// The header that carries the access token of an API call, such as `X-Access-Token` with
    /// `{access_token}`. If absent, it is `Authorization` with `Bearer {access_token}` (RFC 6750 section
    /// 2.1).
    ///
    /// An HTTP client that follows redirects removes `Authorization` when the host changes, but does not know
    /// this header. Disable redirects there. The adapters' transports follow none.
    #[cfg_attr(feature = "toml", serde(default))]
    pub token_header: Option<Parameter>,
    /// Whether a client credentials request must, may or must not have scopes.
    pub scopes: ScopeRule,
    /// The calls that the provider offers. A call that is absent cannot be made.
    pub calls: Calls,
    /// The rules of the authorization code flow.
    pub authorization: Option<Authorization>,
    /// How refresh tokens behave.
    pub refresh: Option<Refresh>,
    /// How to read a token answer.
    pub token_answer: TokenAnswer,
    /// How to read the answer of client creation.
    #[cfg_attr(feature = "toml", serde(default))]
    pub created_client: Option<CreatedClientAnswer>,
    /// How to read the answer of property creation.
    #[cfg_attr(feature = "toml", serde(default))]
    pub created_property: Option<CreatedPropertyAnswer>,
    /// How to read the API configuration.
    #[cfg_attr(feature = "toml", serde(default))]
    pub api_configuration: Option<ApiConfigurationAnswer>,
    /// Error formats besides that of RFC 6749 section 5.2, which is always understood.
    #[cfg_attr(feature = "toml", serde(default = "nothing"))]
    pub error_shapes: List<ErrorShape>,
    /// What refusals of the provider's API mean for the token, most specific first.
    #[cfg_attr(feature = "toml", serde(default = "nothing"))]
    pub refusals: List<Refusal>,
    /// The documented limit of token requests for one client.
    pub token_limit: Option<TokenLimit>,
    /// The documented limit of token requests for one account, or for one set of scopes if the client is the
    /// grant.
    pub account_limit: Option<AccountLimit>,
    /// The provider's API: the hosts that tokens may be sent to, and what else a request needs.
    pub api: Option<Api>,
}

/// A document or page that is the source of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Source {
    /// The key by which facts refer to it.
    pub key: Text,
    /// Its title, with a date if it has one.
    pub title: Text,
}

/// A server of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Host {
    /// The name by which calls refer to it.
    pub name: Text,
    /// Its base URL. A path in it is prefixed to the path of every call.
    pub url: BaseUrl,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// How a client authenticates itself at the token endpoint (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// `client_id` and `client_secret` as parameters of the request.
    Body,
    /// HTTP Basic, with both parts form-encoded before base64.
    Basic,
    /// HTTP Basic, with both parts unencoded (RFC 7617): for servers that, contrary to RFC 6749, do not
    /// decode them.
    BasicRaw,
}

/// How a client without a secret identifies itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PublicClient {
    /// `client_id` as a parameter of the request (RFC 6749 section 3.2.1).
    #[default]
    Body,
    /// HTTP Basic with the client id and an empty password, and no `client_id` in the body.
    Basic,
}

/// Whether a client credentials request has scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ScopeRule {
    /// The provider rejects a request without a scope.
    Required,
    /// The provider has a default.
    Optional,
    /// The provider has no scopes.
    None,
}

/// The rules of the authorization code flow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Authorization {
    /// The lifetime of a code in seconds, counted from the receipt of the callback.
    pub code_lifetime_seconds: u32,
    /// Which redirect URIs the provider accepts.
    pub redirect_uri: RedirectRule,
    /// Whether the flow uses PKCE (RFC 7636).
    pub pkce: Pkce,
    /// The issuer identifier that a callback carries as `iss` (RFC 9207), if the server has one. Any other
    /// `iss` is rejected.
    #[cfg_attr(feature = "toml", serde(default))]
    pub issuer: Option<Text>,
    /// Whether a callback may omit `iss`. A server whose metadata has
    /// `authorization_response_iss_parameter_supported` always sends it.
    #[cfg_attr(feature = "toml", serde(default))]
    pub issuer_optional: bool,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// Which redirect URIs a provider accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RedirectRule {
    /// `https` only.
    Https,
    /// `https`, a private scheme, or `http` to a loopback address (RFC 8252 section 7).
    NativeApps,
    /// Any absolute URI.
    Any,
}

/// Whether the authorization code flow uses PKCE (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Pkce {
    /// The provider does not support it.
    None,
    /// The challenge is the SHA-256 of the verifier.
    S256,
}

/// How the provider's refresh tokens behave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Refresh {
    /// Whether a refresh whose answer was lost may be repeated with the same refresh token.
    pub replay: Replay,
    /// The error codes, besides `invalid_grant`, that mean that the refresh token is dead, whatever the
    /// status.
    #[cfg_attr(feature = "toml", serde(default = "dead_codes"))]
    pub dead_codes: List<Text>,
    /// Whether a refresh that is refused with status 400 and no body means that the refresh token is dead.
    #[cfg_attr(feature = "toml", serde(default))]
    pub empty_refusal_is_dead: bool,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// Error codes of a dead refresh token that several servers use. They have no other meaning.
const DEAD_CODES: List<Text> =
    List::Borrowed(&[Text::Borrowed("bad_refresh_token"), Text::Borrowed("invalid_refresh_token")]);

#[cfg(feature = "toml")]
fn dead_codes() -> List<Text> {
    DEAD_CODES
}

/// Whether a refresh whose answer was lost may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Replay {
    /// Only if that loses nothing: no token can be served, and the earlier request is over.
    Once,
    /// Never: the server treats a repetition as theft.
    Never,
    /// Always: the server never replaces a refresh token, so a lost answer loses nothing.
    Always,
}

/// The documented limit of requests to the token endpoint. Failed requests count too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct TokenLimit {
    /// The number of requests allowed in the window.
    pub requests: u32,
    /// The window in seconds.
    pub per_seconds: u32,
    /// The minimum spacing after a failure, in seconds.
    pub after_failure_seconds: u32,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// The documented limit of token requests for one account, in addition to that of the client. Each process
/// counts separately.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct AccountLimit {
    /// The number of requests allowed in the window.
    pub requests: u32,
    /// The window in seconds.
    pub per_seconds: u32,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// The provider's API: the hosts that its tokens may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Api {
    /// The names of the hosts that a token may be sent to.
    pub hosts: List<Text>,
    /// Headers that every request must have besides the token.
    #[cfg_attr(feature = "toml", serde(default = "nothing"))]
    pub required_headers: List<Text>,
    /// The header with the remaining quota.
    #[cfg_attr(feature = "toml", serde(default))]
    pub remaining_header: Option<Text>,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}
