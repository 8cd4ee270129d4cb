//! [`Purpose`]: what an exchange is for, and the properties that follow from it.

use std::fmt;

/// The purpose of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// The client credentials grant.
    ClientCredentials,
    /// The exchange of an authorization code.
    CodeExchange,
    /// A renewal by refresh token.
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
    /// Introspecting a token.
    Introspection,
    /// A call of the provider's API.
    ApiCall,
}

impl Purpose {
    /// Returns the purpose in one or two words.
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

    /// Returns whether the request spends a grant that a person gave and that can be used up.
    pub(crate) fn spends_a_grant(self) -> bool {
        matches!(self, Self::Refresh | Self::CodeExchange)
    }

    /// Returns whether the request changes something at the server that a second one would change again or
    /// find already changed.
    pub(crate) fn must_not_be_repeated_blindly(self) -> bool {
        matches!(self, Self::Refresh | Self::Migrate | Self::CreateProperty | Self::CreateClient)
    }

    /// Returns whether the request contains data that the caller supplied.
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

    /// Returns whether the request depends only on the client id and client secret.
    pub(crate) fn rests_on_the_client_alone(self) -> bool {
        matches!(self, Self::ClientCredentials | Self::ApiLogin | Self::Revocation | Self::Introspection)
    }

    /// Returns whether the request depends on an access token.
    pub(crate) fn rests_on_a_token(self) -> bool {
        matches!(
            self,
            Self::ReadApiConfiguration | Self::ReplaceRedirectUris | Self::CreateProperty | Self::ApiCall
        )
    }

    /// Returns whether the request goes to the server that issues tokens, so that it counts in the request
    /// budget.
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

    /// Returns whether the request needs a client secret.
    pub(crate) fn needs_a_secret(self) -> bool {
        matches!(self, Self::ClientCredentials | Self::ApiLogin)
    }

    /// Returns whether the request may have extra parameters: only requests for a grant do.
    pub(crate) fn takes_extra_parameters(self) -> bool {
        !matches!(self, Self::Revocation | Self::Introspection)
    }

    /// Returns whether the documented status is exactly 200 (RFC 6749 section 5.1). Creating calls answer
    /// with 201.
    pub(crate) fn answers_with_200(self) -> bool {
        !matches!(self, Self::CreateClient | Self::CreateProperty | Self::ReplaceRedirectUris)
    }

    /// Returns whether the answer has a body to read.
    pub(crate) fn has_a_body(self) -> bool {
        !matches!(self, Self::Revocation | Self::ReplaceRedirectUris)
    }

    /// Returns whether the answer may contain a refresh token for the account. A refresh token in other
    /// answers belongs to something else.
    pub(crate) fn brings_a_refresh_token(self) -> bool {
        matches!(self, Self::CodeExchange | Self::Refresh | Self::Migrate | Self::CreateProperty)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
