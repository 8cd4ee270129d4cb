//! How answers are read: names of members, units, error bodies, and what a refusal means.
//!
//! The rule kept here: only names and meanings, no code; the reading itself is done by the exchanges.

use super::{List, Text};

/// How a token answer (RFC 6749 section 5.1) is read.
///
/// Of each list of member names the first is the documented one; the others are tolerated spellings.
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
    /// What an absent token type means.
    pub token_type_absent: AbsentTokenType,
    /// Names of the lifetime.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub expires_in: List<Text>,
    /// The unit of the lifetime.
    pub expires_in_unit: LifetimeUnit,
    /// Names of an absolute expiry, read against the server's clock.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub expires_at: List<Text>,
    /// The most by which the server's `Date` header may make a lifetime longer than our own clock has it, in seconds.
    ///
    /// An absolute expiry counts on the server's clock, which its `Date` tells. The `Date` of a cache or proxy may tell
    /// of another clock. It may always make a lifetime shorter, and tells nothing if it is more than a day off.
    #[cfg_attr(feature = "toml", serde(default = "clock_skew_seconds"))]
    pub clock_skew_seconds: u32,
    /// Whether an absolute expiry without a zone counts as UTC.
    #[cfg_attr(feature = "toml", serde(default))]
    pub assume_utc: bool,
    /// Names of the server's hint when to renew, in seconds.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub refresh_in: List<Text>,
    /// Names of the granted scope.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub scope: List<Text>,
    /// Names of the token type beside `Bearer` that mean the same, in any case: `BearerToken`.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub bearer_names: List<Text>,
    /// Further members to keep with the token and to hand to the caller: `instance_url`, `id_token`.
    #[cfg_attr(feature = "toml", serde(default = "super::nothing"))]
    pub keep: List<KeptMember>,
    /// Whether an `application/x-www-form-urlencoded` answer is read.
    #[cfg_attr(feature = "toml", serde(default))]
    pub form: bool,
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// The clock skew of a profile that leaves it out: room for a clock that misses daylight saving time.
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
    /// Whether its value is a secret, as that of `id_token` is.
    #[cfg_attr(feature = "toml", serde(default))]
    pub secret: bool,
}

/// What it means when an answer has no token type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AbsentTokenType {
    /// An error: RFC 6749 section 5.1 requires it.
    Error,
    /// Bearer, reported as a deviation.
    TakenAsBearer,
    /// Bearer, as the provider's document shows it.
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

/// How the answer of client creation is read; every value is the name of a member.
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
    /// The password, sent back in clear.
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
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// How the answer of property creation is read; every text is the name of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct CreatedPropertyAnswer {
    /// The status word.
    pub status: Text,
    /// The words that mean created.
    pub created: List<Text>,
    /// The id of the property.
    pub id: Text,
    /// The refresh token of the grant that now holds the property.
    pub refresh_token: Text,
    /// The properties that share the refresh token.
    pub properties: Text,
    /// The HTTP status that says the property is there already.
    pub existing_status: u16,
    /// The status word that says so.
    pub existing: Text,
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// How the API configuration is read; every text is the name of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct ApiConfigurationAnswer {
    /// The environment the application is in.
    pub environment: Text,
    /// The registered redirect URIs.
    pub redirect_uris: Text,
    /// The pages a person can be sent to.
    pub authorization_pages: Text,
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// An error body of the provider; every text is a path of members separated by dots, such as `error.code`.
///
/// A number is a place in an array, counted from 0: `errors.0.code` or `errors[0].code`. `[*]` is the first element that has
/// the rest of the path: `errors[*].code`, or `[*].errorCode` for a body that is an array.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct ErrorShape {
    /// The stable word for the error, where the provider has one.
    #[cfg_attr(feature = "toml", serde(default))]
    pub code: Option<Text>,
    /// The text for people.
    pub message: Text,
    /// Where this is said; may be empty.
    #[cfg_attr(feature = "toml", serde(default))]
    pub source: Text,
}

/// What one refusal of the provider's API means for the token. The first rule that fits counts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Refusal {
    /// The HTTP status. With one of success a code must be given: a body that carries it is a refusal all the same. Up to
    /// 8 KiB of each body with this status are then read before it is handed on.
    pub status: u16,
    /// The error code in the body, byte for byte, spaces included; absent means any.
    #[cfg_attr(feature = "toml", serde(default))]
    pub code: Option<Text>,
    /// What it means.
    pub meaning: RefusalMeaning,
    /// Where this is said; may be empty.
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
    /// The token is good but may not do this: another one of the same kind does not help.
    Forbidden,
    /// A quota is used up: waiting helps.
    Quota,
    /// The application is in the wrong environment (sandbox or production).
    WrongEnvironment,
}
