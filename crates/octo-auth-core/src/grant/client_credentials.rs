//! Client credentials (RFC 6749 section 4.4) and ApiLogin: the client itself is the grant.

use crate::client::{Client, TemplateValue, TemplateValues};
use crate::error::RequestError;
use crate::exchange::{Exchange, Purpose};
use crate::profile::{Placeholder, ScopeRule};
use crate::scope::Scopes;
use crate::token::{AdminToken, TokenSet};

impl Client {
    /// Builds the exchange for a token of the client itself.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`]; [`RequestError::ClientSecretMissing`]; [`RequestError::ScopeMissing`] or
    /// [`RequestError::ScopeUnknown`] if the provider requires scopes or has none.
    pub fn client_credentials(&self, scopes: &Scopes) -> Result<Exchange<TokenSet>, RequestError> {
        let document = self.profile.document();
        let call = self.offered(document.calls.client_credentials.as_ref(), "client credentials")?;
        let provider = || document.title.clone().into_owned();
        match document.scopes {
            ScopeRule::Required if scopes.is_empty() => {
                return Err(RequestError::ScopeMissing { provider: provider() });
            }
            ScopeRule::None if !scopes.is_empty() => {
                return Err(RequestError::ScopeUnknown { provider: provider() });
            }
            _ => {}
        }
        let asked = (!scopes.is_empty()).then(|| scopes.clone());
        let mut values = TemplateValues::default();
        if asked.is_some() {
            values.set(Placeholder::Scope, TemplateValue::Text(scopes.as_str()));
        }
        self.token_exchange(Purpose::ClientCredentials, call, values, asked)
    }

    /// Builds the exchange for an administration token (Octorate, "Authentication Process", flow 2).
    ///
    /// There is no refresh token. When the token expires, use ApiLogin again.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`] if the provider has no ApiLogin; [`RequestError::ClientSecretMissing`].
    pub fn api_login(&self) -> Result<Exchange<AdminToken>, RequestError> {
        let call = self.offered(self.profile.document().calls.api_login.as_ref(), "ApiLogin")?;
        self.token_exchange(Purpose::ApiLogin, call, TemplateValues::default(), None)
    }
}
