//! Providers as data: everything octo-auth knows about a server, without a line of code about it.
//!
//! A [`Document`] is what a person writes down about a provider: hosts, calls, field names, lifetime rules,
//! limits, error shapes, refusals, each with its source. A [`Profile`] is a document that has been checked; it
//! is the only form the rest of the crate accepts. The three built-in documents are generated from
//! `profiles/*.toml`; any other server is described in code or, with the feature `toml`, in a file
//! ([`manual::profiles`](crate::manual::profiles)).
//!
//! The rule kept here: no other module asks which provider it is talking to. A quirk is a field of this
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

/// Everything known about one provider, as written down; checked by [`Profile::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Document {
    /// Short name in lower case (`octorate`), used in messages and on the command line.
    pub name: Text,
    /// Name as the provider writes it.
    pub title: Text,
    /// What the source keys used in this document stand for.
    #[cfg_attr(feature = "toml", serde(default = "nothing"))]
    pub sources: List<Source>,
    /// The hosts requests go to, by name.
    pub hosts: List<Host>,
    /// How the client proves who it is at the token endpoint.
    pub client_authentication: ClientAuthentication,
    /// How a client without a secret names itself at the token endpoint.
    #[cfg_attr(feature = "toml", serde(default))]
    pub public_client: PublicClient,
    /// The header that carries the access token of an API call, such as `X-Access-Token` with `{access_token}`; absent means
    /// `Authorization` with `Bearer {access_token}` (RFC 6750 section 2.1).
    ///
    /// An HTTP client that follows redirects removes `Authorization` where the host changes, and does not know this header:
    /// switch redirects off there. The transports of the adapters follow none.
    #[cfg_attr(feature = "toml", serde(default))]
    pub token_header: Option<Parameter>,
    /// Whether a scope must, may or must not be asked for.
    pub scopes: ScopeRule,
    /// The calls the provider offers; a call that is absent cannot be made.
    pub calls: Calls,
    /// Rules of the authorization code flow.
    pub authorization: Option<Authorization>,
    /// How refresh tokens behave.
    pub refresh: Option<Refresh>,
    /// How a token answer is read.
    pub token_answer: TokenAnswer,
    /// How the answer of client creation is read.
    #[cfg_attr(feature = "toml", serde(default))]
    pub created_client: Option<CreatedClientAnswer>,
    /// How the answer of property creation is read.
    #[cfg_attr(feature = "toml", serde(default))]
    pub created_property: Option<CreatedPropertyAnswer>,
    /// How the API configuration is read.
    #[cfg_attr(feature = "toml", serde(default))]
    pub api_configuration: Option<ApiConfigurationAnswer>,
    /// Error bodies beside the one of RFC 6749 section 5.2, which is always understood.
    #[cfg_attr(feature = "toml", serde(default = "nothing"))]
    pub error_shapes: List<ErrorShape>,
    /// What refusals of the provider's API mean for the token, most specific first.
    #[cfg_attr(feature = "toml", serde(default = "nothing"))]
    pub refusals: List<Refusal>,
    /// The documented limit of token requests of one client.
    pub token_limit: Option<TokenLimit>,
    /// The documented limit of token requests of one account, or of one set of scopes where the client is the grant.
    pub account_limit: Option<AccountLimit>,
    /// The provider's API: where tokens may go and what else a request needs.
    pub api: Option<Api>,
}

/// A document or page that facts were taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Source {
    /// The key by which the facts name it.
    pub key: Text,
    /// Its title, with a date where it has one.
    pub title: Text,
}

/// A server of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Host {
    /// The name by which calls refer to it.
    pub name: Text,
    /// Its base URL; a path in it stands before the path of every call.
    pub url: BaseUrl,
    /// Where this is said; may be empty.
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
    /// HTTP Basic, both parts form-encoded before base64.
    Basic,
    /// HTTP Basic, both parts as they are (RFC 7617): for servers that do not decode them, against RFC 6749.
    BasicRaw,
}

/// How a client without a secret names itself at the token endpoint.
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

/// Whether a client credentials request names scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ScopeRule {
    /// The provider refuses a request without a scope.
    Required,
    /// The provider has a default.
    Optional,
    /// The provider knows no scopes.
    None,
}

/// Rules of the authorization code flow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Authorization {
    /// How long a code lives, in seconds, counted from the receipt of the callback.
    pub code_lifetime_seconds: u32,
    /// Which redirect URIs the provider takes.
    pub redirect_uri: RedirectRule,
    /// Whether PKCE (RFC 7636) is part of the flow.
    pub pkce: Pkce,
    /// The issuer identifier that a callback carries as `iss` (RFC 9207), if the server has one. Another `iss` is refused.
    #[cfg_attr(feature = "toml", serde(default))]
    pub issuer: Option<Text>,
    /// Whether a callback may come without `iss`. A server whose metadata say
    /// `authorization_response_iss_parameter_supported` always sends it.
    #[cfg_attr(feature = "toml", serde(default))]
    pub issuer_optional: bool,
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// Which redirect URIs a provider takes.
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
    /// The provider does not know it.
    None,
    /// The challenge is the SHA-256 of the verifier.
    S256,
}

/// How the provider's refresh tokens behave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Refresh {
    /// Whether a refresh whose answer was lost may be sent once more with the same refresh token.
    pub replay: Replay,
    /// The error codes, beside `invalid_grant`, that say that the refresh token is dead, whatever the status.
    #[cfg_attr(feature = "toml", serde(default = "dead_codes"))]
    pub dead_codes: List<Text>,
    /// Whether a refresh that is refused with status 400 and without a body means that the refresh token is dead.
    #[cfg_attr(feature = "toml", serde(default))]
    pub empty_refusal_is_dead: bool,
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// Codes of a dead refresh token that several servers have in common; they mean nothing else.
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
    /// Only when there is nothing left to lose: no token can be served, and the earlier request is over.
    Once,
    /// Not at all: the server takes a repetition for theft.
    Never,
    /// Always: the server never replaces a refresh token, so that a lost answer loses nothing.
    Always,
}

/// The documented limit of requests to the token endpoint; failures count.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct TokenLimit {
    /// How many requests are allowed in the window.
    pub requests: u32,
    /// The window in seconds.
    pub per_seconds: u32,
    /// The least distance, in seconds, kept after a failure.
    pub after_failure_seconds: u32,
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// The documented limit of token requests for one account, beside that of the client. Each process counts for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct AccountLimit {
    /// How many requests are allowed in the window.
    pub requests: u32,
    /// The window in seconds.
    pub per_seconds: u32,
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// The provider's API: where its tokens may go.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Api {
    /// The names of the hosts a token may be sent to.
    pub hosts: List<Text>,
    /// Headers every request must carry beside the token.
    #[cfg_attr(feature = "toml", serde(default = "nothing"))]
    pub required_headers: List<Text>,
    /// The header that tells how much of the quota is left.
    #[cfg_attr(feature = "toml", serde(default))]
    pub remaining_header: Option<Text>,
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}
