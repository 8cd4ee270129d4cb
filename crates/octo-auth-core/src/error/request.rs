//! [`RequestError`]: why a request could not be built.

use super::Remedy;

/// Why a request could not be built. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The provider does not offer the call.
    #[error("{provider} has no {call} call; its profile lists what it offers")]
    NotOffered {
        /// The provider's title.
        provider: String,
        /// The call, in words.
        call: &'static str,
    },
    /// The client id is empty or contains characters that cannot be sent.
    #[error("the client id is empty or holds control characters; copy it again from the provider's page")]
    ClientId,
    /// The call needs a client secret, and the client has none.
    #[error("the {call} call needs a client secret and this client was made without one")]
    ClientSecretMissing {
        /// The call, in words.
        call: &'static str,
    },
    /// A secret to be sent is empty, or contains characters that cannot be sent in a header.
    #[error("the {what} is empty or holds characters that cannot be sent")]
    Secret {
        /// Which secret it is.
        what: &'static str,
    },
    /// The provider refuses requests without a scope.
    #[error("{provider} refuses token requests without a scope; name at least one")]
    ScopeMissing {
        /// The provider's title.
        provider: String,
    },
    /// The provider has no scopes.
    #[error("{provider} knows no scopes for this call; ask without one")]
    ScopeUnknown {
        /// The provider's title.
        provider: String,
    },
    /// A scope contains a character that RFC 6749 section 3.3 does not allow.
    #[error("the scope at position {position} holds a character that RFC 6749 section 3.3 does not allow")]
    ScopeMalformed {
        /// Its position in the list, counted from one.
        position: usize,
    },
    /// The provider does not accept the redirect URI.
    #[error("the redirect URI {problem}")]
    RedirectUri {
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// An extra parameter would replace one of the call's own.
    #[error("the extra parameter {name:?} is one of the call's own; remove it")]
    ReservedParameter {
        /// The parameter's name.
        name: String,
    },
    /// A value cannot be sent.
    #[error("the {what} {problem}")]
    Value {
        /// Which value it is.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The URL of an API call has a host to which the token must not be sent.
    #[error(
        "the token must not go to {origin}; the hosts of {provider} are listed under `api.hosts` in its profile, and \
         `with_api_host` adds one"
    )]
    ForeignHost {
        /// The scheme, host and port of the URL.
        origin: String,
        /// The provider's title.
        provider: String,
    },
    /// The token was issued by another server.
    #[error("the token was issued by another server and must not go to {provider}")]
    OtherProvider {
        /// The provider's title.
        provider: String,
    },
    /// An API call lacks a header that the provider requires on every request.
    #[error("{provider} wants the header {header} on every request")]
    HeaderMissing {
        /// The provider's title.
        provider: String,
        /// The header's name.
        header: String,
    },
    /// The new client has another issuer, client id or parameters than the client it replaces. Its records
    /// would have other names.
    #[error(
        "the new client has another issuer, client id or parameter than the present one: it is another registration; make \
         another token manager for it"
    )]
    OtherRegistration,
    /// As many specs are in use as the policy's capacity allows, and none can be evicted without losing data.
    #[error(
        "as many keys are in use as the policy's capacity, {capacity}, allows, and none can be evicted; raise it"
    )]
    TooManyTokens {
        /// The capacity.
        capacity: usize,
    },
    /// The URL of a request is not an absolute http or https URL, or contains user information.
    #[error(
        "the URL of the request is not absolute, or names a user; write scheme, host and path, and no more"
    )]
    Url,
}

impl RequestError {
    /// Returns the error's stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotOffered { .. } => "not_offered",
            Self::ClientId => "client_id",
            Self::ClientSecretMissing { .. } => "client_secret_missing",
            Self::Secret { .. } => "secret_malformed",
            Self::ScopeMissing { .. } => "scope_missing",
            Self::ScopeUnknown { .. } => "scope_unknown",
            Self::ScopeMalformed { .. } => "scope_malformed",
            Self::RedirectUri { .. } => "redirect_uri",
            Self::ReservedParameter { .. } => "reserved_parameter",
            Self::Value { .. } => "value_malformed",
            Self::ForeignHost { .. } => "foreign_host",
            Self::OtherProvider { .. } => "other_provider",
            Self::HeaderMissing { .. } => "header_missing",
            Self::OtherRegistration => "other_registration",
            Self::TooManyTokens { .. } => "too_many_tokens",
            Self::Url => "url",
        }
    }

    /// Returns who must act: always the operator of this software.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        Remedy::FixConfiguration
    }
}
