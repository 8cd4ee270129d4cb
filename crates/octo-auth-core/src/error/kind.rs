//! [`ErrorKind`]: the kinds of failed exchanges, with their stable words and texts.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

use super::{ErrorCode, ProviderText};

/// The kind of an [`ExchangeError`](crate::ExchangeError). Its stable word is [`ErrorKind::code`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request certainly did not reach the server.
    NotSent,
    /// The request may have been processed, but no complete answer arrived.
    MaybeProcessed,
    /// The request was sent, but no complete answer arrived in time.
    Timeout,
    /// The connection was closed before the head of an answer was complete, or the answer is not HTTP, or
    /// exceeds the limits of a token answer.
    HttpMalformed,
    /// The answer was cut off before its end.
    BodyIncomplete,
    /// The server answered with a redirect, which is never followed.
    Redirect,
    /// An HTTP status that says what is wrong.
    Status(StatusCode),
    /// An error code of RFC 6749 section 5.2 or 4.1.2.1, or of its extensions.
    OAuth(ErrorCode),
    /// The `error` member is not a valid error code.
    OAuthMalformed,
    /// An error in the provider's own format, with its own code.
    Provider(ErrorCode),
    /// An error in the provider's own format without a usable code, or an object in place of a code.
    ProviderError,
    /// The body is compressed although the request asked for `identity`.
    ContentEncoding,
    /// The body does not have the media type of the call's answers.
    MediaType,
    /// The body is larger than the limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body is empty.
    EmptyBody,
    /// The body is not UTF-8.
    NotUtf8,
    /// The body is not JSON.
    NotJson,
    /// The body is JSON, but not an object.
    NotObject,
    /// A member occurs twice with different values.
    DuplicateMember,
    /// Two spellings of one member have different values.
    MemberConflict,
    /// There is no access token.
    AccessTokenMissing,
    /// The access token is not a string.
    AccessTokenMalformed,
    /// The access token contains characters that are not allowed in a header.
    AccessTokenUnsafe,
    /// The access token is longer than 64 KiB.
    AccessTokenTooLong,
    /// The access token is inside another member.
    AccessTokenEnveloped,
    /// There is no token type.
    TokenTypeMissing,
    /// The token type is not a string.
    TokenTypeMalformed,
    /// The token type is not bearer. The value is the type, unless it is longer than 32 characters or
    /// contains a secret.
    TokenTypeUnsupported(Option<ProviderText>),
    /// A required member is missing or unusable.
    MemberMissing(Cow<'static, str>),
    /// The property to create already exists.
    PropertyExists {
        /// The provider's id of the property, if the answer has it.
        id: Option<String>,
    },
}

impl ErrorKind {
    /// Returns the kind's stable word. It contains the status or the provider's own error code.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Status(status) => Cow::Owned(format!("http:{}", status.as_u16())),
            Self::OAuth(code) => Cow::Owned(format!("oauth:{code}")),
            Self::Provider(code) => Cow::Owned(format!("provider:{code}")),
            _ => Cow::Borrowed(self.word()),
        }
    }

    /// Returns the kind's stable word out of a fixed set, for metric labels. A status is `http` with its
    /// class, such as `http:5xx`. An error code of the standards is kept, such as `oauth:invalid_grant`. Any
    /// other code of a server is only `oauth` or `provider`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::MaybeProcessed => "maybe_processed",
            Self::Timeout => "timeout",
            Self::HttpMalformed => "http_malformed",
            Self::BodyIncomplete => "body_incomplete",
            Self::Redirect => "redirect",
            Self::Status(status) => match status.as_u16() / 100 {
                1 => "http:1xx",
                2 => "http:2xx",
                3 => "http:3xx",
                4 => "http:4xx",
                5 => "http:5xx",
                _ => "http:other",
            },
            Self::OAuth(code) => code.standard().unwrap_or("oauth"),
            Self::OAuthMalformed => "oauth_malformed",
            Self::Provider(_) => "provider",
            Self::ProviderError => "provider_error",
            Self::ContentEncoding => "content_encoding",
            Self::MediaType => "media_type",
            Self::TooLarge { .. } => "too_large",
            Self::EmptyBody => "empty_body",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::NotObject => "not_object",
            Self::DuplicateMember => "duplicate_member",
            Self::MemberConflict => "member_conflict",
            Self::AccessTokenMissing => "access_token_missing",
            Self::AccessTokenMalformed => "access_token_malformed",
            Self::AccessTokenUnsafe => "access_token_unsafe",
            Self::AccessTokenTooLong => "access_token_too_long",
            Self::AccessTokenEnveloped => "access_token_enveloped",
            Self::TokenTypeMissing => "token_type_missing",
            Self::TokenTypeMalformed => "token_type_malformed",
            Self::TokenTypeUnsupported(_) => "token_type_unsupported",
            Self::MemberMissing(_) => "member_missing",
            Self::PropertyExists { .. } => "property_exists",
        }
    }

    /// Returns the error code that the server sent, if any.
    pub(crate) fn written_code(&self) -> Option<&str> {
        match self {
            Self::OAuth(code) | Self::Provider(code) => Some(code.as_str()),
            _ => None,
        }
    }

    /// Writes what is wrong, as the second half of a sentence.
    pub(super) fn explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::NotSent => "could not be sent",
            Self::MaybeProcessed => "was sent but got no complete answer",
            Self::Timeout => "was sent but not answered in time",
            Self::HttpMalformed => "was not answered with an HTTP response",
            Self::BodyIncomplete => "was answered incompletely",
            Self::Redirect => "was answered with a redirect, which is never followed; correct the base URL",
            Self::Status(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => {
                "was refused by a proxy, which asks for credentials; add them to the proxy's settings"
            }
            Self::Status(_) => "was refused",
            Self::OAuth(code) | Self::Provider(code) => return write!(f, "was refused: {code}"),
            Self::OAuthMalformed => "was answered with an error that is no error code",
            Self::ProviderError => "was refused with an error in the provider's own form",
            Self::ContentEncoding => "was answered in a compression that was not asked for",
            Self::MediaType => {
                "was not answered with JSON; check the URL, or the server shows a page of its own"
            }
            Self::TooLarge { limit } => return write!(f, "was answered with more than {limit} bytes"),
            Self::EmptyBody => "was answered without a body",
            Self::NotUtf8 => "was answered with bytes that are not UTF-8",
            Self::NotJson => "was answered with something that is not JSON",
            Self::NotObject => "was answered with JSON that is no object",
            Self::DuplicateMember => "was answered with one member twice, in different values",
            Self::MemberConflict => "was answered with two spellings of one member, in different values",
            Self::AccessTokenMissing => "was answered without an access token",
            Self::AccessTokenMalformed => "was answered with an access token that is no text",
            Self::AccessTokenUnsafe => "was answered with an access token that cannot stand in a header",
            Self::AccessTokenTooLong => "was answered with an access token of more than 64 KiB",
            Self::AccessTokenEnveloped => {
                "was answered with an access token inside an envelope, which the profile does not describe"
            }
            Self::TokenTypeMissing => {
                "was answered without a token type; `token_answer.token_type_absent` in the profile accepts that"
            }
            Self::TokenTypeMalformed => "was answered with a token type that is no text",
            Self::TokenTypeUnsupported(Some(word)) if word.as_str().eq_ignore_ascii_case("dpop") => {
                "was answered with a DPoP token (RFC 9449), which is bound to a key and cannot be used as a bearer token; \
                 have the server issue bearer tokens to this client"
            }
            Self::TokenTypeUnsupported(Some(word)) if word.as_str().eq_ignore_ascii_case("bearer") => {
                "was answered with the token type bearer and characters around it that cannot be seen"
            }
            Self::TokenTypeUnsupported(Some(word)) => {
                return write!(f, "was answered with the token type {word} in the place of bearer");
            }
            Self::TokenTypeUnsupported(None) => {
                "was answered with a token type other than bearer, which is empty, too long to be shown, or holds a secret"
            }
            Self::MemberMissing(name) => return write!(f, "was answered without a usable member {name}"),
            Self::PropertyExists { id: Some(id) } => {
                return write!(f, "was refused: the property is there already, with the id {id}");
            }
            Self::PropertyExists { id: None } => "was refused: the property is there already",
        };
        f.write_str(words)
    }
}
