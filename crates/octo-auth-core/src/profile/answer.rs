//! How to read answers: names of members, units, error bodies, and the meaning of refusals.
//!
//! This module has only names and meanings. The exchanges read the answers.

use super::{List, Text};

/// How to read a token answer (RFC 6749 section 5.1).
///
/// In each list of member names, the first name is the documented one. The others are tolerated spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct TokenAnswer {
    /// Names of the access token.
    pub access_token: List<Text>,
    /// Names of the refresh token.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub refresh_token: List<Text>,
    /// Names of the token type.
    pub token_type: List<Text>,
    /// The meaning of an absent token type.
    pub token_type_absent: AbsentTokenType,
    /// Names of the lifetime.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub expires_in: List<Text>,
    /// The unit of the lifetime.
    pub expires_in_unit: LifetimeUnit,
    /// Names of an absolute expiry, interpreted by the server's clock.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub expires_at: List<Text>,
    /// The highest number of seconds by which the server's `Date` header may extend a lifetime, compared to
    /// our own clock.
    ///
    /// An absolute expiry refers to the server's clock, which its `Date` header shows. But the `Date` header
    /// of a cache or proxy may show another clock. It may always shorten a lifetime. It is ignored if it is
    /// more than a day off.
    #[cfg_attr(feature = "toml", serde(default = "clock_skew_seconds"))]
    pub clock_skew_seconds: u32,
    /// Whether an absolute expiry without a time zone is taken as UTC.
    #[cfg_attr(feature = "toml", serde(default))]
    pub assume_utc: bool,
    /// Names of the server's hint when to renew, in seconds.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub refresh_in: List<Text>,
    /// Names of the granted scope.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub scope: List<Text>,
    /// Names of the token type that mean the same as `Bearer`, in any case, such as `BearerToken`.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub bearer_names: List<Text>,
    /// Further members to keep with the token for the caller: `instance_url`, `id_token`.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub keep: List<KeptMember>,
    /// Whether an `application/x-www-form-urlencoded` answer is accepted.
    #[cfg_attr(feature = "toml", serde(default))]
    pub form: bool,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// The default clock skew: enough for a clock that misses a daylight saving time change.
pub(super) const CLOCK_SKEW_SECONDS: u32 = 7200;

#[cfg(feature = "toml")]
fn clock_skew_seconds() -> u32 {
    CLOCK_SKEW_SECONDS
}

/// A member of a token answer that is kept with the token, across renewals and in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct KeptMember {
    /// Its name.
    pub name: Text,
    /// Whether its value is a secret, such as that of `id_token`.
    #[cfg_attr(feature = "toml", serde(default))]
    pub secret: bool,
}

/// The meaning of an answer without a token type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AbsentTokenType {
    /// An error: RFC 6749 section 5.1 requires it.
    Error,
    /// Bearer, reported as a deviation.
    TakenAsBearer,
    /// Bearer, as in the provider's documentation.
    Bearer,
}

/// The unit of a lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LifetimeUnit {
    /// Seconds, as in RFC 6749 section 5.1.
    Seconds,
    /// Minutes.
    Minutes,
}

/// How to read the answer of client creation. Every value is the name of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct CreatedClientAnswer {
    /// The array whose first element is the client.
    pub list: Text,
    /// The client id.
    pub client_id: Text,
    /// The client secret.
    pub client_secret: Text,
    /// The number of the client.
    pub id: Text,
    /// The user name.
    pub username: Text,
    /// The password, returned in plain text.
    pub password: Text,
    /// The redirect URI as stored.
    pub redirect_uri: Text,
    /// The array of properties.
    pub properties: Text,
    /// The number of a property.
    pub property_id: Text,
    /// The name of a property.
    pub property_name: Text,
    /// Whether a property is for testing only.
    pub property_sandbox: Text,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// How to read the answer of property creation. Every text is the name of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct CreatedPropertyAnswer {
    /// The status word.
    pub status: Text,
    /// The status words that mean that the property was created.
    pub created: List<Text>,
    /// The id of the property.
    pub id: Text,
    /// The refresh token of the grant that now includes the property.
    pub refresh_token: Text,
    /// The properties that share the refresh token.
    pub properties: Text,
    /// The HTTP status that means that the property already exists.
    pub existing_status: u16,
    /// The status word that means the same.
    pub existing: Text,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// How to read the API configuration. Every text is the name of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct ApiConfigurationAnswer {
    /// The environment of the application.
    pub environment: Text,
    /// The registered redirect URIs.
    pub redirect_uris: Text,
    /// The pages that a person can be sent to.
    pub authorization_pages: Text,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// An error body of the provider. Every text is a path of members separated by dots, such as `error.code`.
///
/// A number is an index of an array, counted from 0: `errors.0.code` or `errors[0].code`. `[*]` is the first
/// element that has the rest of the path: `errors[*].code`, or `[*].errorCode` for a body that is an array.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct ErrorShape {
    /// The provider's error code, if it has one.
    #[cfg_attr(feature = "toml", serde(default))]
    pub code: Option<Text>,
    /// The text for people.
    pub message: Text,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// What one refusal of the provider's API means for the token. The first matching rule applies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Refusal {
    /// The HTTP status. With a success status, a code is required: a body with this code is then a refusal.
    /// Up to 8 KiB of each body with this status are read before the body is passed on.
    pub status: u16,
    /// The error code in the body, compared byte for byte, including spaces. If absent, any code matches.
    #[cfg_attr(feature = "toml", serde(default))]
    pub code: Option<Text>,
    /// The meaning of the refusal.
    pub meaning: RefusalMeaning,
    /// The source of this fact; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// What a refusal means for the token that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RefusalMeaning {
    /// The token has expired or was revoked: another one helps.
    TokenRefused,
    /// The token is valid but lacks the permission: another one of the same kind does not help.
    Forbidden,
    /// A quota is used up: waiting helps.
    Quota,
    /// The application is in the wrong environment (sandbox or production).
    WrongEnvironment,
}
