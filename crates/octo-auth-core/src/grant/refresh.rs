//! Renewal by refresh token (RFC 6749 section 6).

use crate::client::{Client, TemplateValue, TemplateValues};
use crate::error::RequestError;
use crate::exchange::{Exchange, Purpose};
use crate::profile::Placeholder;
use crate::secret::Secret;
use crate::token::TokenSet;

impl Client {
    /// Builds the exchange of a refresh token for a new access token.
    ///
    /// If the answer has no refresh token, the one sent stays valid; otherwise the new one replaces it. Never
    /// run two refreshes of one refresh token concurrently: a server that rotates refresh tokens treats the
    /// second one as theft.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`]; [`RequestError::Secret`] for an empty refresh token.
    pub fn refresh(&self, refresh_token: &Secret) -> Result<Exchange<TokenSet>, RequestError> {
        let call = self.offered(self.profile.document().calls.refresh.as_ref(), "refresh")?;
        // Any other text can be sent, because a form encodes it.
        if refresh_token.expose().is_empty() {
            return Err(RequestError::Secret { what: "refresh token" });
        }
        let mut values = TemplateValues::default();
        values.set(Placeholder::RefreshToken, TemplateValue::Secret(refresh_token));
        self.token_exchange(Purpose::Refresh, call, values, None)
    }
}
