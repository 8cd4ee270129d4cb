//! A call of the provider's API with a token.

use http::Request;

use crate::answer::ApiAnswer;
use crate::authorizer::{Authorizer, check_issuer};
use crate::client::Client;
use crate::error::RequestError;
use crate::exchange::{Body, Exchange, Purpose};
use crate::token::TokenSet;

impl Client {
    /// Builds an exchange for a request to the provider's API with this token. Its answer says what it means
    /// for the token.
    ///
    /// # Errors
    ///
    /// [`RequestError::ForeignHost`] if the profile does not list the host, because a token sent elsewhere is
    /// compromised; [`RequestError::OtherProvider`] for another provider's token;
    /// [`RequestError::HeaderMissing`] if the provider requires another header (OctoTable's `Property`);
    /// [`RequestError::Url`] for a relative URL.
    pub fn api_call(
        &self,
        token: &TokenSet,
        mut request: Request<Body>,
    ) -> Result<Exchange<ApiAnswer>, RequestError> {
        self.check_issuer(token)?;
        Authorizer::from(self).call(request.uri(), request.headers())?;
        let value = self.profile.token_header_value(token.access_token());
        request.headers_mut().insert(self.profile.token_header_name(), value);
        let secrets = vec![token.access_token().as_secret().clone()];
        Ok(self.exchange(Purpose::ApiCall, request, None, secrets))
    }

    /// Rejects a token of another provider, to which it must not be revealed.
    pub(crate) fn check_issuer(&self, token: &TokenSet) -> Result<(), RequestError> {
        check_issuer(&self.profile, token)
    }
}
