//! What an exchange is for, and everything that follows from that alone.

use std::fmt;

/// What an exchange is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Client credentials grant.
    ClientCredentials,
    /// Exchange of an authorization code.
    CodeExchange,
    /// Renewal by refresh token.
    Refresh,
    /// Octorate's ApiLogin.
    ApiLogin,
    /// Octorate's migration of an old API key.
    Migrate,
    /// Reading the API configuration.
    ReadApiConfiguration,
    /// Replacing the redirect URIs.
    ReplaceRedirectUris,
    /// Creating a property.
    CreateProperty,
    /// Creating a client.
    CreateClient,
    /// Revoking a token.
    Revocation,
    /// Asking about a token.
    Introspection,
    /// A call of the provider's API.
    ApiCall,
}

impl Purpose {
    /// The purpose in a word or two.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client credentials",
            Self::CodeExchange => "code exchange",
            Self::Refresh => "refresh",
            Self::ApiLogin => "ApiLogin",
            Self::Migrate => "migration",
            Self::ReadApiConfiguration => "API configuration",
            Self::ReplaceRedirectUris => "redirect URI replacement",
            Self::CreateProperty => "property creation",
            Self::CreateClient => "client creation",
            Self::Revocation => "revocation",
            Self::Introspection => "introspection",
            Self::ApiCall => "API",
        }
    }

    /// Whether what is sent is a grant that a person gave and that can be used up.
    pub(crate) fn spends_a_grant(self) -> bool {
        matches!(self, Self::Refresh | Self::CodeExchange)
    }

    /// Whether the request changes something at the server that a second one would change again or find changed.
    pub(crate) fn must_not_be_repeated_blindly(self) -> bool {
        matches!(self, Self::Refresh | Self::Migrate | Self::CreateProperty | Self::CreateClient)
    }

    /// Whether the request carries data the caller has made up or looked up.
    pub(crate) fn brings_data(self) -> bool {
        matches!(
            self,
            Self::CreateClient
                | Self::CreateProperty
                | Self::Migrate
                | Self::ReplaceRedirectUris
                | Self::ApiCall
        )
    }

    /// Whether client id and client secret are all the request rests on.
    pub(crate) fn rests_on_the_client_alone(self) -> bool {
        matches!(self, Self::ClientCredentials | Self::ApiLogin | Self::Revocation | Self::Introspection)
    }

    /// Whether the request rests on an access token.
    pub(crate) fn rests_on_a_token(self) -> bool {
        matches!(
            self,
            Self::ReadApiConfiguration | Self::ReplaceRedirectUris | Self::CreateProperty | Self::ApiCall
        )
    }

    /// Returns whether the request goes to the server that issues tokens, so that it counts in the request budget.
    #[must_use]
    pub fn concerns_a_grant(self) -> bool {
        !matches!(
            self,
            Self::ApiCall
                | Self::ReadApiConfiguration
                | Self::ReplaceRedirectUris
                | Self::CreateProperty
                | Self::CreateClient
        )
    }

    /// Whether a client without a secret cannot make the request.
    pub(crate) fn needs_a_secret(self) -> bool {
        matches!(self, Self::ClientCredentials | Self::ApiLogin)
    }

    /// Extra parameters belong to what is granted, so only to requests that are granted something.
    pub(crate) fn takes_extra_parameters(self) -> bool {
        !matches!(self, Self::Revocation | Self::Introspection)
    }

    /// Whether the call's documented status is exactly 200 (RFC 6749 section 5.1); created things answer 201.
    pub(crate) fn answers_with_200(self) -> bool {
        !matches!(self, Self::CreateClient | Self::CreateProperty | Self::ReplaceRedirectUris)
    }

    /// Whether the answer is its body.
    pub(crate) fn has_a_body(self) -> bool {
        !matches!(self, Self::Revocation | Self::ReplaceRedirectUris)
    }

    /// Whether the answer may bring a refresh token; one that comes elsewhere belongs to something else.
    pub(crate) fn brings_a_refresh_token(self) -> bool {
        matches!(self, Self::CodeExchange | Self::Refresh | Self::Migrate | Self::CreateProperty)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
