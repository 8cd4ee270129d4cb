//! Revocation (RFC 7009) and introspection (RFC 7662).

use crate::answer::{Done, Introspection};
use crate::client::{Client, TemplateValue, TemplateValues};
use crate::error::RequestError;
use crate::exchange::{Exchange, Purpose, Reply};
use crate::profile::{Call, Placeholder};
use crate::secret::Secret;

/// The kind of a token, so that the server finds it faster (RFC 7009 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTypeHint {
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
}

impl Client {
    /// Builds the exchange that revokes a token. The server's answer is the same whether it knew the token or
    /// not.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`]; [`RequestError::Secret`] for an empty token.
    pub fn revoke(&self, token: &Secret, hint: TokenTypeHint) -> Result<Exchange<Done>, RequestError> {
        let call = self.offered(self.profile.document().calls.revocation.as_ref(), "revocation")?;
        self.about_token(Purpose::Revocation, call, token, Some(hint))
    }

    /// Builds the exchange that introspects a token.
    ///
    /// # Errors
    ///
    /// As [`Client::revoke`].
    pub fn introspect(&self, token: &Secret) -> Result<Exchange<Introspection>, RequestError> {
        let call = self.offered(self.profile.document().calls.introspection.as_ref(), "introspection")?;
        self.about_token(Purpose::Introspection, call, token, None)
    }

    fn about_token<T: Reply>(
        &self,
        purpose: Purpose,
        call: &Call,
        token: &Secret,
        hint: Option<TokenTypeHint>,
    ) -> Result<Exchange<T>, RequestError> {
        // Any other text can be sent, because a form encodes it.
        if token.expose().is_empty() {
            return Err(RequestError::Secret { what: "token" });
        }
        let mut values = TemplateValues::default();
        values.set(Placeholder::Token, TemplateValue::Secret(token));
        values.set_some(Placeholder::TokenTypeHint, hint.map(TokenTypeHint::as_str));
        self.token_exchange(purpose, call, values, None)
    }
}

impl TokenTypeHint {
    fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}
