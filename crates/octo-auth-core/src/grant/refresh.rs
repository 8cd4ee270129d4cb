//! Renewal by refresh token (RFC 6749 section 6).

use crate::client::{Client, TemplateValue, TemplateValues};
use crate::error::RequestError;
use crate::exchange::{Exchange, Purpose};
use crate::profile::Placeholder;
use crate::secret::Secret;
use crate::token::TokenSet;

impl Client {
    /// Asks for a new access token.
    ///
    /// An answer without a refresh token means that the one sent stays good; one with a refresh token replaces
    /// it. Two refreshes of one refresh token must not run at once: a server that rotates takes the second for
    /// theft.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`]; [`RequestError::Secret`] for an empty refresh token.
    pub fn refresh(&self, refresh_token: &Secret) -> Result<Exchange<TokenSet>, RequestError> {
        let call = self.offered(self.profile.document().calls.refresh.as_ref(), "refresh")?;
        // Whatever else is odd about it can be sent: a form encodes it.
        if refresh_token.expose().is_empty() {
            return Err(RequestError::Secret { what: "refresh token" });
        }
        let mut values = TemplateValues::default();
        values.set(Placeholder::RefreshToken, TemplateValue::Secret(refresh_token));
        self.token_exchange(Purpose::Refresh, call, values, None)
    }
}
